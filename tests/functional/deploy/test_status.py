"""The state of a deployment, gathered from what the APIs say."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest
from tests.unit.deploy.fakes import (
    FakeCloudFormation,
    FakeEcs,
    FakeElbv2,
    FakeTarget,
    Pages,
)

from underpass.config import Config
from underpass.config.model import Addon
from underpass.deploy.observe.status import Status, status

CONFIG = Config.model_validate(
    {
        "name": "notes",
        "service": {"port": 80, "build": "."},
        "database": {},
        "consumers": [{"name": "analytics"}, {"name": "billing"}],
    }
)


@pytest.fixture
def cloudformation() -> FakeCloudFormation:
    return FakeCloudFormation()


@pytest.fixture
def target(client: Callable[[str], Any], cloudformation: FakeCloudFormation) -> FakeTarget:
    clients = {service: client(service) for service in ("ec2", "ecs", "elbv2", "rds")}
    return FakeTarget({**clients, "cloudformation": cloudformation})


def test_before_anything_is_deployed(target: FakeTarget) -> None:
    found = status(CONFIG, target)
    assert asdict(found) == {
        "name": "notes",
        "stacks": tuple(
            {"name": f"notes-{part}", "status": "NOT_CREATED"}
            for part in (
                *("foundation", "path", "capacity", "database", "service", "monitoring"),
                *("consumer-analytics", "consumer-billing"),
            )
        ),
        "tasks": (),
        "targets": {"nlb": (), "alb": ()},
        "database": None,
        "endpoints": (),
        "jobs": (),
    }


def test_add_ons_and_the_release_have_stacks_too(target: FakeTarget) -> None:
    service = CONFIG.service.model_copy(update={"release": ("migrate",)})
    addon = Addon(template="queue.yaml")
    found = status(CONFIG.model_copy(update={"service": service, "addons": (addon,)}), target)
    names = [one.name.removeprefix("notes-") for one in found.stacks]
    assert names[3:6] == ["database", "addon-queue", "release"]


def test_a_deployment_that_is_going_away_is_no_error(
    target: FakeTarget, cloudformation: FakeCloudFormation
) -> None:
    group = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/gone/0123456789abcdef"
    cloudformation.has("notes-foundation", "DELETE_IN_PROGRESS", DatabaseInstanceId="gone")
    cloudformation.has("notes-capacity", "DELETE_FAILED").physical = {
        "Cluster": ("gone", "AWS::ECS::Cluster"),
    }
    cloudformation.has("notes-path", "DELETE_FAILED").physical = {
        "AlbTargetGroup": (group, "AWS::ElasticLoadBalancingV2::TargetGroup"),
    }
    found = status(CONFIG, target)
    assert (found.tasks, found.targets.alb, found.database) == ((), (), None)


class Ec2:
    """Interfaces and endpoint connections."""

    def describe_network_interfaces(self, Filters: Any) -> Any:
        assert Filters == [
            {"Name": "vpc-id", "Values": ["vpc-1"]},
            {"Name": "addresses.private-ip-address", "Values": ["10.20.1.5"]},
        ]
        one = {"PrivateIpAddress": "10.20.1.5", "AvailabilityZone": "us-east-1b"}
        return {"NetworkInterfaces": [one]}

    def get_paginator(self, _: str) -> Pages:
        connection = {"VpcEndpointId": "vpce-1", "VpcEndpointState": "available"}
        return Pages("VpcEndpointConnections", lambda Filters: [connection])


class Rds:
    """One database."""

    def describe_db_instances(self, DBInstanceIdentifier: str) -> Any:
        endpoint = {"Address": "db.example", "Port": 5432}
        return {"DBInstances": [{"DBInstanceStatus": "available", "Endpoint": endpoint}]}


def deployed(cloudformation: FakeCloudFormation) -> Status:
    cloudformation.has(
        "notes-foundation", "CREATE_COMPLETE", VpcId="vpc-1", DatabaseInstanceId="db"
    )
    cloudformation.has("notes-capacity", "CREATE_COMPLETE").physical = {
        "Cluster": ("notes-cluster", "AWS::ECS::Cluster"),
    }
    cloudformation.has("notes-service", "UPDATE_COMPLETE")
    cloudformation.has("notes-path", "CREATE_COMPLETE").physical = {
        "NlbTargetGroup": ("nlb", ""),
        "AlbTargetGroup": ("alb", ""),
        "EndpointService": ("vpce-svc-1", ""),
    }
    cloudformation.has(
        "notes-consumer-analytics",
        "CREATE_COMPLETE",
        EndpointId="vpce-1",
        Url="http://notes.internal/",
    )
    elbv2 = FakeElbv2(nlb=[("10.20.1.5", "healthy")], alb=[("10.20.2.7", "unhealthy")])
    answer = elbv2.describe_target_health

    def without_zone(TargetGroupArn: str) -> Any:
        found = answer(TargetGroupArn)
        if TargetGroupArn == "nlb":
            del found["TargetHealthDescriptions"][0]["Target"]["AvailabilityZone"]
            del found["TargetHealthDescriptions"][0]["TargetHealth"]["Description"]
        return found

    elbv2.__dict__["describe_target_health"] = without_zone
    ecs = FakeEcs()
    interface = {"details": [{"name": "privateIPv4Address", "value": "10.20.2.7"}]}
    for name, attachments in (("b", [interface]), ("a", [])):
        ecs.stops(
            name,
            desiredStatus="RUNNING",
            lastStatus="PROVISIONING",
            availabilityZone="us-east-1a",
            attachments=attachments,
        )
    well: dict[str, Any] = {
        "desiredStatus": "RUNNING",
        "lastStatus": "RUNNING",
        "healthStatus": "HEALTHY",
    }
    running = {"name": "mail", "lastStatus": "RUNNING", "healthStatus": "HEALTHY"}
    beside = {"name": "otel", "lastStatus": "STOPPED", "exitCode": 3}
    well["containers"] = [running, beside]
    ecs.stops("c", family="notes_mail", availabilityZone="us-east-1a", **well)
    clients = {
        "cloudformation": cloudformation,
        "elbv2": elbv2,
        "ecs": ecs,
        "ec2": Ec2(),
        "rds": Rds(),
    }
    return status(CONFIG, FakeTarget(clients))


def task(name: str, runs: str, address: str, health: str, **containers: str) -> dict[str, Any]:
    return {
        "id": name,
        "runs": runs,
        "zone": "us-east-1a",
        "address": address,
        "health": health,
        "containers": tuple({"name": key, "state": state} for key, state in containers.items()),
    }


def test_everything_that_is_deployed(cloudformation: FakeCloudFormation) -> None:
    found = asdict(deployed(cloudformation))
    assert [one["status"] for one in found["stacks"]] == [
        *("CREATE_COMPLETE", "CREATE_COMPLETE", "CREATE_COMPLETE", "NOT_CREATED"),  # no database
        "UPDATE_COMPLETE",
        "NOT_CREATED",
        "CREATE_COMPLETE",
        "NOT_CREATED",
    ]
    assert found["tasks"] == (
        task("a", "notes", "", "provisioning"),
        task("b", "notes", "10.20.2.7", "unhealthy"),
        task(
            "c", "mail", "", "healthy", mail="healthy", otel="stopped (exit code 3)"
        ),  # of a worker: by its own check
    )
    assert found["targets"] == {
        "nlb": (
            {
                "address": "10.20.1.5",
                "port": 80,
                "zone": "us-east-1b",
                "state": "healthy",
                "reason": "",
            },
        ),
        "alb": (
            {
                "address": "10.20.2.7",
                "port": 80,
                "zone": "us-east-1a",
                "state": "unhealthy",
                "reason": "it is unhealthy",
            },
        ),
    }
    assert found["database"] == {"id": "db", "status": "available", "endpoint": "db.example:5432"}
    assert found["endpoints"] == (
        {
            "consumer": "analytics",
            "id": "vpce-1",
            "state": "available",
            "url": "http://notes.internal/",
        },
    )
