"""Whose schedules and queues run on the twin's clock: the registrar's, and nobody else's."""

from __future__ import annotations

import pytest
from tests.unit.blueprint.configs import EVERYTHING, config

from underpass.blueprint import stacks
from underpass.twin.region.clock import SPEED, Wait, is_registrars, scaled_s
from underpass.twin.services.cloudformation.resource_type import LogicalResource

LONGEST = {"AWS::Events::Rule": 64, "AWS::SQS::Queue": 75}


@pytest.mark.parametrize("name", ["ab", "notes", "a" * 31])
def test_the_registrars_schedule_and_queue_are_known_by_their_names(name: str) -> None:
    found = []
    for stack in stacks(config(**{**EVERYTHING, "name": name})):
        for logical, resource in stack.template["Resources"].items():
            kind = resource["Type"]
            properties = resource.get("Properties", {})
            if kind in LONGEST and "EventPattern" not in properties:
                made = LogicalResource(stack.name, "id", logical).generated_name(LONGEST[kind])
                found.append((kind, is_registrars(made)))
    assert sorted(found) == [("AWS::Events::Rule", True), ("AWS::SQS::Queue", True)]


@pytest.mark.parametrize(
    "name", ["nightly", "RegistrarQueue", "notes-addon-queue-Jobs-0123456789ab"]
)
def test_no_other_is(name: str) -> None:
    assert not is_registrars(name)


def test_a_wait_lasts_a_twentieth_and_never_nothing() -> None:
    assert scaled_s(Wait.REGISTRAR, 60) == 60 / SPEED
    assert scaled_s(Wait.REGISTRAR, 1) == 0.5
    assert scaled_s(Wait.REGISTRAR, 1, at_least_s=0.0) == 1 / SPEED
