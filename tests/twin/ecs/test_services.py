"""ECS as a user of the API meets it: services, deployments, tasks, instances; and what really runs."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
from tests.twin.ecs import services
from tests.twin.inside import run_inside

TASK = r"\(task [0-9a-f]{32}\)"


@pytest.fixture(scope="module")
def running() -> Any:
    return run_inside(services.a_service_runs_and_goes)


def test_a_service_runs_over_both_zones_and_goes_without_a_trace(running: Any) -> None:
    found = running
    assert found["zones"] == ["us-east-1a", "us-east-1a", "us-east-1b", "us-east-1b"]
    assert found["statuses"] == [["RUNNING", "FARGATE"]]
    assert found["started by"]
    assert found["addresses"]
    assert all(
        re.fullmatch(r"arn:aws:ecs:us-east-1:123456789012:attachment/[0-9a-f-]{36}", one)
        for one in found["descriptions"]
    )
    newest, *_, oldest = found["events"]
    assert newest.endswith(("deployment completed.", "a steady state."))
    assert re.fullmatch(rf"\(service app\) has started 4 tasks: {' '.join([TASK] * 4)}\.", oldest)
    assert found["beside"] == "s3cret"
    assert found["processes"] == [True, 0]
    assert found["draining"] == "DRAINING"
    assert found["left"] == [[], []]


def test_a_task_learns_its_secrets_and_who_and_where_it_is(running: Any) -> None:
    found = running
    (said, role), task = found["said"], found["task"]
    assert said["task"]["TaskARN"] == task["taskArn"]
    assert said["task"]["AvailabilityZone"] == task["availabilityZone"]
    assert said["task"]["Cluster"].endswith(":cluster/app")
    assert (said["task"]["Family"], said["task"]["Revision"]) == ("app", "1")
    assert said["container"]["Networks"][0]["IPv4Addresses"] == [
        task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]
    ]
    variables = said["environment"]
    secrets = {"PASSWORD": "s3cret", "PORT": "5432", "LEVEL": "debug", "PLAIN": "yes"}
    assert {name: variables[name] for name in secrets} == secrets
    assert variables["AWS_ENDPOINT_URL"] == "http://198.51.100.10"
    assert not {"AWS_SECRET_ACCESS_KEY", "USER", "VIRTUAL_ENV"} & variables.keys()
    assert role["RoleArn"].endswith(":role/app")
    assert role["AccessKeyId"].startswith("ASIA")


def test_a_scalable_target_moves_the_count_between_its_limits_at_once() -> None:
    found = run_inside(services.a_scalable_target_holds_its_service)
    # below the least, between the limits, above the most: wanted, then running
    assert found["counts"] == [3, 3, 3, 3, 2, 2]


def test_a_task_that_exits_is_told_with_its_last_words_and_replaced() -> None:
    found = run_inside(services.an_exit_is_told_and_repaired)
    assert found["status"] == "STOPPED"
    assert found["reason"] == "Essential container in task exited"
    assert (found["code"], found["exit"]) == ("EssentialContainerExited", 3)
    assert found["log"] == ["begin", "last words"]


def test_what_cannot_start_is_told_in_ecs_words() -> None:
    found = run_inside(services.what_cannot_start)
    assert {code for code, _ in found["why"].values()} == {"TaskFailedToStart"}
    why = {name: reason for name, (_, reason) in found["why"].items()}
    assert why["image"].startswith("CannotPullContainerError: pull image manifest")
    assert "123.dkr/app:none" in why["image"]
    assert "[service] build" in why["image"]
    assert why["program"] == (
        'CannotStartContainerError: exec: "nonesuch": executable file not found in $PATH'
    )
    assert "unable to retrieve secret from asm" in why["secret"]
    assert "ResourceNotFoundException" in why["secret"]
    assert why["key"].endswith("did not contain json key nokey")
    assert "failed to create Cloudwatch log stream" in why["log group"]
    assert "failed to invoke EFS utils commands" in why["file system"]
    for role in ("role", "trust"):
        assert why[role].startswith("ECS was unable to assume the role 'arn:aws:iam::")
    assert found["interfaces left"] == []


@pytest.mark.parametrize("as_root", [False, True])
def test_one_off_tasks_run_with_overrides_and_stop_when_asked(as_root: bool) -> None:
    if as_root and os.geteuid() != 0:
        pytest.skip("only root can start a region as root")
    found = run_inside(services.one_off_tasks, as_root=as_root)
    assert (found["exit"], found["log"], found["file"]) == (0, ["written"], "me\n")
    assert found["started by"] == "test"
    assert found["ended"] == ["UserInitiated", "enough", 143]
    assert found["tags"] == [{"key": "a", "value": "b"}]
    assert found["missing"] == [[], ["MISSING"]]
    assert (found["found by family"], found["left"]) == (2, 0)


def test_a_definitions_command_replaces_the_images_and_finds_its_python() -> None:
    found = run_inside(services.commands_of_definitions)
    assert found == {"none": ["the image"], "python": ["the worker"]}


def test_a_deployment_rolls_without_a_gap_and_a_bad_one_rolls_back() -> None:
    found = run_inside(services.deployments_roll_and_roll_back)
    assert found["under way"] == [["PRIMARY", "IN_PROGRESS"], ["ACTIVE", None]]
    assert found["replaced"]
    assert found["least running"] >= 2
    assert found["ids differ"]
    assert found["back"]
    assert found["same tasks"]
    assert (
        "(service app) (deployment FAILED) deployment failed: tasks failed to start."
        in found["events"]
    )
    assert "(service app) rolling back to (deployment SECOND)." in found["events"]


def test_a_first_deployment_has_nothing_to_roll_back_to() -> None:
    found = run_inside(services.a_first_deployment_that_fails)
    assert found["failed"] in {3, 4}  # two at a time: the third and the fourth may end together
    assert found["reason"] == "ECS deployment circuit breaker: tasks failed to start."
    assert found["tasks"] == 0


def test_a_container_that_fails_its_health_check_is_replaced() -> None:
    found = run_inside(services.health_checks_decide, timeout_s=90)
    assert found["health"] == ["HEALTHY", "UNHEALTHY"]
    assert found["why"] == ["ServiceSchedulerInitiated", "Task failed container health checks"]
    assert any("failed container health checks." in event for event in found["events"])


def test_instances_hold_as_many_tasks_as_they_have_interfaces() -> None:
    found = run_inside(services.instances_hold_tasks, timeout_s=90)
    assert found["zones"] == {"us-east-1a": 2, "us-east-1b": 2}
    assert sorted(one["zone"] for one in found["instances"]) == ["us-east-1a", "us-east-1b"]
    for one in found["instances"]:
        assert one["running"] == 2
        assert one["left"]["CPU"] == 2048 - 2 * 256
        assert one["left"]["MEMORY"] == 3891 - 2 * 512
    assert found["on"]
    assert found["short"] == [6, 1]
    assert any(
        "unable to place a task" in event and "RESOURCE:ENI" in event for event in found["events"]
    )
    assert found["reason"] == "Host EC2 instance terminated."
    assert found["replaced"] == [True, 3]


def test_without_instances_tasks_wait_and_the_service_says_why() -> None:
    found = run_inside(services.without_instances)
    assert found["status"] == "PROVISIONING"
    assert found["counts"] == [0, 1]
    assert found["event"] == (
        "(service app) was unable to place a task because no container instance met all of its "
        "requirements. Reason: No Container Instances were found in your cluster. For more information, "
        "see the Troubleshooting section of the Amazon ECS Developer Guide."
    )


def test_an_auto_scaling_group_spreads_its_instances() -> None:
    found = run_inside(services.groups_spread)
    assert found["four"] == {"us-east-1a": 2, "us-east-1b": 2}
    assert found["5"] == {"us-east-1a": 3, "us-east-1b": 2}
    assert found["2"] == found["replaced"] == found["subnets"] == {"us-east-1a": 1, "us-east-1b": 1}


def test_what_aws_or_the_twin_does_not_take_is_refused_by_name() -> None:
    said = run_inside(services.what_is_refused)
    for name, words in {
        "the same twice": "InvalidParameterException: Creation of service was not idempotent.",
        "bridge": "ClientException: The twin does not support the network mode bridge: use awsvpc",
        "retired": "ClientException: TaskDefinition is inactive",
        "daemon": "ClientException: The twin does not support the scheduling strategy DAEMON",
        "public": "public addresses for tasks",
        "no network": "Network Configuration must be provided",
        "instances": "has target type instance",
        "provider": "not associated with the cluster: none",
        "cluster": "ClusterNotFoundException",
        "no such service": "ServiceNotFoundException",
        "no such task": "The referenced task was not found.",
        "above zero": "cannot be stopped while it is scaled above 0",
        "too many": "count must be between 1 and 10",
        "start task": "The twin does not support StartTask",
        "deleted": "ServiceNotActiveException",
    }.items():
        assert words in said[name]
