"""Whom a role lets assume it, in the tests that need one."""

from __future__ import annotations

import json


def trusting(service: str) -> str:
    """Return the trust policy of a role for one of AWS's services, such as ``lambda``."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": statement})
