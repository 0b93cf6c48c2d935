"""A template that no request could carry is refused before anything is made."""

from __future__ import annotations

import pytest
from tests.unit.blueprint.configs import CURATED

from underpass.blueprint import Stack, stacks
from underpass.deploy.preflight import size
from underpass.errors import UsageError


def of(length: int) -> Stack:
    shortest = len(Stack("orders-service", {"Description": ""}).body())
    return Stack("orders-service", {"Description": "x" * (length - shortest)})


def test_what_just_fits_is_let_through() -> None:
    assert len(of(size.MOST_BYTES).body()) == size.MOST_BYTES
    size.check([of(100), of(size.MOST_BYTES)])


def test_every_curated_template_fits_as_it_is_deployed() -> None:
    for config in CURATED.values():
        size.check(stacks(config))


def test_bytes_are_counted_and_not_letters() -> None:
    stack = Stack("orders-service", {"Description": "\U0001f600" * (size.MOST_BYTES // 4)})
    assert len(stack.body()) < size.MOST_BYTES
    with pytest.raises(UsageError):
        size.check([stack])


def test_what_does_not_fit_is_refused_by_name() -> None:
    with pytest.raises(UsageError) as refused:
        size.check([of(100), of(size.MOST_BYTES + 1)])
    assert "orders-service" in refused.value.what
    assert "51,201" in refused.value.why
