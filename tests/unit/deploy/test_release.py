"""What runs before a release: once for each, to its end, and never beside another."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.deploy.fakes import FakeClock, FakeCloudFormation, FakeEcs, FakeLogs

from underpass.deploy import release
from underpass.deploy.clock import Clock, Stopped
from underpass.deploy.release import STARTED_BY, ReleaseFailedError
from underpass.deploy.steps import Event, Step
from underpass.errors import UnderpassError

OURS, EARLIER = "arn:task-definition/notes-release:2", "arn:task-definition/notes-release:1"
KNOWN = {"ClusterName": "c", "AppSubnetIds": "subnet-a,subnet-b", "TaskSecurityGroupId": "sg-1"}


class World:
    """A cluster, and a service that is deployed after one release or none."""

    def __init__(self, clock: Clock | None = None, **logs: Any) -> None:
        self.cloudformation, self.ecs, self.logs = FakeCloudFormation(), FakeEcs(), FakeLogs(**logs)
        self.events: list[Event] = []
        self.step = Step("release", self.events.append, clock or FakeClock())
        clients = {"cloudformation": self.cloudformation, "ecs": self.ecs, "logs": self.logs}
        self.client: Callable[[str], Any] = clients.__getitem__

    def deployed_after(self, definition: str) -> "World":
        service = self.cloudformation.has("notes-service", "UPDATE_COMPLETE")
        service.parameters["ReleaseTaskDefinitionArn"] = definition
        return self

    def run(self) -> None:
        release.run(self.client, "notes", KNOWN, OURS, self.step)

    def told(self, kind: str) -> list[str]:
        return [event.text for event in self.events if event.kind == kind]

    def ran(self) -> list[str]:
        return [task["taskDefinitionArn"] for task in self.ecs.tasks]


def test_it_runs_before_the_first_deployment_and_says_what_it_says() -> None:
    world = World(None, **{"once-0": ["migrating", "done"]})
    world.run()
    assert world.ran() == [OURS]
    assert world.told("said") == ["migrating", "done"]
    assert world.step.outcome == "task once-0 ended well"


def test_it_runs_once_for_each_release() -> None:
    world = World().deployed_after(OURS)
    world.run()
    assert world.ran() == []
    world.cloudformation.named("notes-service").parameters["ReleaseTaskDefinitionArn"] = EARLIER
    world.run()
    assert world.ran() == [OURS]


def test_after_a_service_that_never_came_to_be_it_runs_again() -> None:
    world = World().deployed_after(OURS)
    world.cloudformation.named("notes-service").status = "ROLLBACK_COMPLETE"
    world.run()
    assert world.ran() == [OURS]


@pytest.mark.parametrize("code", [1, 137, None])
def test_whatever_is_no_success_ends_the_deployment(code: int | None) -> None:
    world = World().deployed_after(EARLIER)
    world.ecs.exit_code = code
    with pytest.raises(ReleaseFailedError, match="what served before goes on serving"):
        world.run()


def test_what_a_killed_deployment_has_left_running_is_taken_over() -> None:
    world = World().deployed_after(EARLIER)
    world.ecs.begins("left", OURS, STARTED_BY)
    world.run()
    assert world.step.outcome == "task left ended well"
    assert len(world.ecs.tasks) == 1


def test_two_never_run_at_once() -> None:
    world = World().deployed_after(EARLIER)
    world.ecs.begins("left", EARLIER, STARTED_BY)
    started = world.ecs.run_task

    def run_task(**asked: Any) -> Any:
        assert world.ecs.tasks[0]["lastStatus"] == "STOPPED"
        return started(**asked)

    world.ecs.__dict__["run_task"] = run_task
    world.run()
    assert world.ran() == [EARLIER, OURS]
    assert len(world.told("warning")) == 1


def test_where_there_is_no_room_ecs_says_why() -> None:
    world = World()
    world.ecs.refusal = "RESOURCE:MEMORY"
    with pytest.raises(UnderpassError) as told:
        world.run()
    assert told.value.why == "RESOURCE:MEMORY"


def test_a_deployment_that_is_given_up_leaves_no_task_behind() -> None:
    clock = Clock()
    clock.stop()
    world = World(clock)
    with pytest.raises(Stopped):
        world.run()
    assert world.ecs.stopped == ["arn:aws:ecs:task/notes/once-0"]
