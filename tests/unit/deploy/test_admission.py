"""Who gets or loses the way in is said of a deployment that decides it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.blueprint.configs import config
from tests.unit.blueprint.templates import by_part

from underpass.deploy.admission import change

ONE: dict[str, Any] = {"consumers": [{"name": "one", "cidrs": ["10.9.0.0/16", "10.1.0.0/16"]}]}
OFF: dict[str, Any] = {"privatelink": {"enforce": "off"}}


def said(before: dict[str, Any], after: dict[str, Any]) -> str:
    old, new = (by_part(config(**sections))[1].template for sections in (before, after))
    return change(old, new)


@pytest.mark.parametrize("before", [{}, ONE | OFF])
def test_the_first_named_block_takes_the_way_in_from_everybody_else(before: dict[str, Any]) -> None:
    assert said(before, ONE) == (
        "PrivateLink is admitted by address from now on: 10.1.0.0/16, 10.9.0.0/16 only. "
        "Every other endpoint stays connected and loses the way in"
    )


@pytest.mark.parametrize("after", [{}, ONE | OFF])
def test_without_enforcement_whoever_was_accepted_gets_in(after: dict[str, Any]) -> None:
    assert said(ONE, after) == (
        "PrivateLink is no longer admitted by address: whoever has an accepted endpoint gets in, "
        "and not only 10.1.0.0/16, 10.9.0.0/16"
    )


def test_blocks_that_come_and_go_are_named() -> None:
    other = {"consumers": [{"name": "one", "cidrs": ["10.9.0.0/16", "10.2.0.0/16"]}]}
    assert said(ONE, other) == "10.2.0.0/16 gets the way in; 10.1.0.0/16 loses the way in"


@pytest.mark.parametrize(("before", "after"), [({}, {}), (ONE, ONE), ({}, ONE | OFF)])
def test_nothing_is_said_when_nobody_is_concerned(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert said(before, after) == ""


def test_a_stack_without_the_nlb_decides_nothing() -> None:
    foundation = by_part(config())[0].template
    assert change(foundation, by_part(config(**ONE))[1].template) == ""
    assert change({}, foundation) == ""
