"""Services behind a load balancer: registered when they run, drained before they stop, replaced when ill."""

from __future__ import annotations

from tests.twin.ecs import balanced
from tests.twin.inside import run_inside


def test_tasks_are_registered_and_drained_before_they_stop() -> None:
    found = run_inside(balanced.tasks_are_registered_and_drained)
    assert found["registered"]
    assert ["DEACTIVATING", "draining"] in found["seen"]
    assert not {("STOPPING", "draining"), ("STOPPING", "healthy"), ("STOPPED", "draining")} & {
        (status, target) for status, target in found["seen"]
    }
    assert found["least healthy"] >= 2
    assert "(service app) has begun draining connections on 1 tasks." in found["events"]
    assert "(service app) registered 1 targets in" in found["events"]
    assert "(service app) deregistered 1 targets in" in found["events"]


def test_a_task_whose_target_is_unhealthy_is_replaced_after_its_grace_period() -> None:
    found = run_inside(balanced.unhealthy_targets_are_replaced, timeout_s=120)
    assert found["replacement first"]
    assert found["why"] == ["ServiceSchedulerInitiated", "Task failed ELB health checks in"]
    assert found["kept"]
    assert balanced.GRACE_S <= found["lived"] < balanced.GRACE_S + 5
    assert found["rolled back"]
