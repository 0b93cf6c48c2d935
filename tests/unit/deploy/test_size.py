"""A template that no request could carry is refused before anything is made."""

from __future__ import annotations

import pytest

from underpass.blueprint import Stack
from underpass.deploy.preflight import size
from underpass.errors import UsageError


def of(length: int) -> Stack:
    shortest = len(Stack("orders-service", {"Description": ""}).body())
    return Stack("orders-service", {"Description": "x" * (length - shortest)})


def test_what_just_fits_is_let_through() -> None:
    assert len(of(size.MOST_BYTES).body()) == size.MOST_BYTES
    size.check([of(100), of(size.MOST_BYTES)])


def test_what_does_not_fit_is_refused_by_name() -> None:
    with pytest.raises(UsageError) as refused:
        size.check([of(100), of(size.MOST_BYTES + 1)])
    assert "orders-service" in refused.value.what
    assert "51,201" in refused.value.why
