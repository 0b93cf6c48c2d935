"""What an account has on record, looked up without making the account: whoever asks writes its number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.core.exceptions import ServiceException
from werkzeug.exceptions import HTTPException

NOT_THERE = (KeyError, ServiceException, HTTPException)
"""What is raised for what is not recorded: moto's errors are of two kinds."""


def backend_of(backends: Mapping[str, Any], account: str, region: str = "aws") -> Any:
    """Return the back end of an account, a ``KeyError`` where there is none.

    Everything of a service is in ``aws`` where it has no regions.
    """
    if account not in backends:
        raise KeyError(account)
    return backends[account][region]
