"""What the API and the metadata endpoint say, and how a task's health is judged."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from underpass.twin.services.ecs import describe, metadata
from underpass.twin.services.ecs.model import (
    Attachment,
    Container,
    Deployment,
    Health,
    Launch,
    LoadBalancer,
    Need,
    Phase,
    Service,
    Task,
)
from underpass.twin.services.ecs.observe import judge
from underpass.twin.services.ecs.scheduler import Condition

CLUSTER = "arn:aws:ecs:us-east-1:123456789012:cluster/app"
DEFINITION = {"family": "app", "revision": 7, "taskRoleArn": "arn:aws:iam::123456789012:role/app"}
TASK = Task(
    id="f" * 32,
    cluster_arn=CLUSTER,
    launch=Launch("arn:aws:ecs:us-east-1:123456789012:task-definition/app:7", Need(256, 512)),
    created_at=1.0,
    started_at=2.0,
    zone="us-east-1a",
    phase=Phase.RUNNING,
    containers=(Container("app", "image", "r" * 32 + "-1"),),
    attachment=Attachment("a", "eni-1", "subnet-1", "vpc-1", "10.20.0.5", "02:00"),
)
GROUP = LoadBalancer("arn:group", "app", 8000)


def joining(task: Task, *groups: LoadBalancer) -> Task:
    """Return the task as one of a deployment with these target groups."""
    return replace(task, launch=replace(task.launch, balancers=groups))


def ask(path: str) -> Any:
    return describe.metadata("us-east-1", TASK, DEFINITION, path)


def test_the_metadata_endpoint_knows_its_own_task_only() -> None:
    container = f"/v4/{'r' * 32}-1"
    assert ask(container)["Networks"][0]["IPv4Addresses"] == ["10.20.0.5"]
    task = ask(container + "/task")
    assert (task["TaskARN"], task["Family"], task["Revision"]) == (TASK.arn, "app", "7")
    assert task["Limits"] == {"CPU": 0.25, "Memory": 512}
    for path in ("/v4/other", "/v4/other/task", f"/v2/credentials/{TASK.id}", "/", ""):
        assert ask(path) is None


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /here HTTP/1.1", b"200 OK"),
        (b"GET /here/?x=1 HTTP/1.0", b"200 OK"),
        (b"GET /there HTTP/1.1", b"404 Not Found"),
        (b"PUT /here HTTP/1.1", b"404 Not Found"),
        (b"nonsense", b"404 Not Found"),
        (b"\xff\xfe", b"404 Not Found"),
    ],
)
def test_requests_are_answered_whatever_they_are(request_line: bytes, status: bytes) -> None:
    said = metadata.respond(request_line + b"\r\n\r\n", {"/here": {"a": 1}}.get)
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert f"Content-Length: {len(body)}".encode() in head
    json.loads(body)


def test_a_task_is_described_without_what_has_not_come_yet() -> None:
    fresh = Task(id="f" * 32, cluster_arn=CLUSTER, launch=TASK.launch, created_at=1.0)
    shown = describe.task(fresh)
    assert shown["lastStatus"] == "PROVISIONING"
    assert not {"startedAt", "stoppedAt", "stoppedReason", "availabilityZone"} & shown.keys()
    assert describe.task(TASK)["containers"][0]["networkInterfaces"] == [
        {"attachmentId": "a", "privateIpv4Address": "10.20.0.5"}
    ]


def test_a_deleted_service_is_inactive_once_its_last_task_has_stopped() -> None:
    service = Service(
        "arn", "app", CLUSTER, (Deployment("d", TASK.launch, 0, 0),), 0, status="DRAINING"
    )
    assert describe.service(service, [TASK], ())["status"] == "DRAINING"
    stopped = replace(TASK, phase=Phase.STOPPED, stopped_at=3.0)
    assert describe.service(service, [stopped], ())["status"] == "INACTIVE"


@pytest.mark.parametrize(
    ("task", "state", "checked", "condition"),
    [
        (TASK, "healthy", False, Condition.HEALTHY),
        (TASK, "initial", False, Condition.STARTING),
        (TASK, "unused", False, Condition.STARTING),
        (TASK, "", False, Condition.STARTING),
        (TASK, "unavailable", False, Condition.HEALTHY),
        (TASK, "unhealthy", False, Condition.FAILING),
        (TASK, "healthy", True, Condition.STARTING),
        (replace(TASK, health=Health.HEALTHY), "healthy", True, Condition.HEALTHY),
        (replace(TASK, health=Health.UNHEALTHY), "healthy", True, Condition.FAILING),
        (replace(TASK, phase=Phase.PENDING), "healthy", False, Condition.STARTING),
        (replace(TASK, wanted="STOPPED"), "healthy", False, Condition.STOPPING),
        (replace(TASK, phase=Phase.DEACTIVATING), "healthy", False, Condition.STOPPING),
    ],
)
def test_a_task_is_judged_by_its_own_checks_and_its_targets(
    task: Task, state: str, checked: bool, condition: Condition
) -> None:
    states = {GROUP.target_group: {("10.20.0.5", 8000): (state, "")}}
    assert judge(joining(task, GROUP), states, checked=checked)[0] is condition


def test_one_unhealthy_target_group_is_enough() -> None:
    other = LoadBalancer("arn:other", "app", 9000)
    states = {
        GROUP.target_group: {("10.20.0.5", 8000): ("healthy", "")},
        other.target_group: {("10.20.0.5", 9000): ("unhealthy", "")},
    }
    assert judge(joining(TASK, GROUP, other), states, checked=False) == (
        Condition.FAILING,
        "Task failed ELB health checks in (target-group arn:other)",
    )
