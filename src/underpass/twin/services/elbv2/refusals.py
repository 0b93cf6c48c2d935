"""What AWS's load balancers have and the twin's do not is refused by name, never ignored."""

from __future__ import annotations

from typing import Any

from moto.elbv2.exceptions import ELBClientError


def unsupported(what: str) -> Any:
    """Return the error that says so."""
    return ELBClientError("OperationNotPermitted", f"The twin does not support {what}")
