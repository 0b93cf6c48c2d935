"""Deployments: how one begins, completes, fails and rolls back."""

from __future__ import annotations

from underpass.twin.services.ecs import deployments
from underpass.twin.services.ecs.model import Launch, Rollout, Service


def service(*, rollback: bool = True) -> Service:
    first = deployments.begin(Launch("app:1"), "first", 1.0)
    return Service("arn", "app", "cluster", (first,), 2, breaker=True, rollback=rollback)


def deployed(name: str, before: Service) -> Service:
    return deployments.deploy(before, deployments.begin(Launch(f"app:{name}"), name, 2.0))


def test_a_new_deployment_is_primary_and_the_old_one_stays_while_it_has_tasks() -> None:
    after = deployed("second", service())
    assert [one.id for one in after.deployments] == ["second", "first"]
    assert deployments.drop_finished(after, {"first"}) == after
    assert [one.id for one in deployments.drop_finished(after, set()).deployments] == ["second"]


def test_a_failed_deployment_gives_way_to_the_last_completed_one() -> None:
    done = deployments.complete(service(), 1.5)
    failed = deployments.fail(deployed("third", deployed("second", done)), 3.0)
    assert [(one.id, one.rollout) for one in failed.deployments] == [
        ("first", Rollout.IN_PROGRESS),
        ("third", Rollout.FAILED),
        ("second", Rollout.IN_PROGRESS),
    ]
    assert "rolling back to deploymentId first" in failed.primary.reason
    assert failed.primary.launch.definition == "app:1"


def test_without_rollback_or_something_to_roll_back_to_the_failed_one_stays() -> None:
    completed = deployments.complete(service(rollback=False), 1.5)
    assert deployments.fail(deployed("second", completed), 3.0).primary.id == "second"
    first = deployments.fail(service(), 2.0)
    assert (first.primary.id, first.primary.rollout) == ("first", Rollout.FAILED)
    # A rollback that fails itself must not roll back to itself for ever.
    done = deployments.complete(service(), 1.5)
    again = deployments.fail(deployments.fail(deployed("second", done), 3.0), 4.0)
    assert (again.primary.id, again.primary.rollout) == ("first", Rollout.FAILED)


def test_failed_tasks_count_for_a_deployment_under_way_only() -> None:
    under_way = deployments.task_failed(service(), "first", 0.0, 10.0)
    assert under_way.primary.failed_tasks == 1
    done = deployments.complete(service(), 1.5)
    assert deployments.task_failed(done, "first", 0.0, 10.0).primary.failed_tasks == 0


def test_failures_in_a_row_put_off_the_next_start_and_a_new_deployment_forgets_them() -> None:
    crashing = service()
    waits = []
    for _ in range(4):
        crashing = deployments.task_failed(crashing, "first", 0.0, 10.0)
        waits.append(crashing.retry_at - 10.0)
    assert waits == [0.0, 0.5, 1.0, 2.0]
    assert deployments.task_failed(crashing, "first", 60.0, 10.0).retry_at == 10.0
    assert deployed("second", crashing).retry_at == 0.0


def test_the_tasks_of_an_older_deployment_do_not_delay_the_new_one() -> None:
    newer = deployed("second", service())
    assert deployments.task_failed(newer, "first", 0.0, 10.0).failures == 0
