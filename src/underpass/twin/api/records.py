"""Whether moto still has the records that the region started with: a reset empties all of them."""

from __future__ import annotations

from moto.sqs.models import sqs_backends

from underpass.twin.region.aws import ACCOUNT_ID

_MARK = "twin_records"


def mark(region: str) -> None:
    """Say that what is recorded from now on is to stay."""
    setattr(sqs_backends[ACCOUNT_ID][region], _MARK, True)


def intact(region: str) -> bool:
    """Tell whether there was no reset since ``mark``."""
    return hasattr(sqs_backends[ACCOUNT_ID][region], _MARK)
