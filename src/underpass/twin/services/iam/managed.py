"""Managed policies by their ARN, AWS's own among them: moto knows all of those or none."""

from __future__ import annotations

import json
from typing import Any

from moto.iam.models import AWSManagedPolicy, iam_backends

NOTHING = json.dumps({"Version": "2012-10-17", "Statement": []})


def know(backend: Any, arn: str) -> None:
    """Have a backend know a policy of AWS's own: to load all of them takes a second."""
    if ":iam::aws:policy/" not in arn or arn in backend.managed_policies:
        return
    from moto.iam.aws_managed_policies import aws_managed_policies_data  # megabytes

    name = arn.rpartition("/")[2]
    known = json.loads(aws_managed_policies_data).get(name)
    if known:
        policy = AWSManagedPolicy.from_data(name, backend.account_id, backend.region_name, known)
        backend.managed_policies[policy.arn] = policy


def document(account: str, arn: str) -> str:
    """Return a policy in its default version; one that is not there allows nothing."""
    backend = iam_backends[account]["aws"]
    know(backend, arn)
    held = backend.managed_policies.get(arn)
    return default(held) if held is not None else NOTHING


def default(held: Any) -> str:
    """Return the document of a policy's default version."""
    return next((one.document for one in held.versions if one.is_default), "")
