"""The containers beside the application's, as the service's own task definition has them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.blueprint.configs import BESIDE, CURATED, EVERYTHING, config
from tests.unit.blueprint.templates import parts, resource

MAIL = {"name": "mail", "command": ["mail"]}
OTEL = {"name": "otel", "image": "otel:1"}


def definition(**sections: Any) -> dict[str, Any]:
    found = resource(parts(config(**sections)).service, "TaskDefinition")
    assert isinstance(found, dict)
    return found


def containers(**sections: Any) -> dict[str, dict[str, Any]]:
    return {one["Name"]: one for one in definition(**sections)["ContainerDefinitions"]}


def test_the_applications_container_is_the_first_and_each_has_an_image_of_its_own() -> None:
    stack = parts(config(service=BESIDE)).service
    found = resource(stack, "TaskDefinition")["ContainerDefinitions"]
    assert [one["Name"] for one in found] == ["notes", "proxy", "set-up", "otel"]
    images = [one["Image"]["Ref"] for one in found]
    assert images == ["Image", "ProxyImage", "SetUpImage", "OtelImage"]
    assert {*images} <= {*stack.template["Parameters"]}


def test_who_waits_for_whom_and_for_how_long() -> None:
    found = containers(service=BESIDE)
    assert found["notes"]["DependsOn"] == [
        {"ContainerName": "proxy", "Condition": "HEALTHY"},
        {"ContainerName": "set-up", "Condition": "SUCCESS"},
    ]
    assert found["otel"]["DependsOn"] == [{"ContainerName": "notes", "Condition": "START"}]
    times = {name: one.get("StartTimeout") for name, one in found.items()}
    assert times == {"notes": None, "proxy": 120, "set-up": 60, "otel": None}


@pytest.mark.parametrize(
    ("provider", "grace_s", "longest_s"),
    [("ec2", 60, 120), ("ec2", 300, 300), ("fargate", 300, 120)],
)
def test_the_application_is_waited_for_as_long_as_it_may_take(
    provider: str, grace_s: int, longest_s: int
) -> None:
    waiting = {**OTEL, "depends_on": {"app": "healthy"}}
    service = {"health_command": ["/well"], "grace_period": grace_s, "sidecars": [waiting]}
    found = containers(service=service, capacity={"provider": provider})
    assert found["notes"]["StartTimeout"] == longest_s


@pytest.mark.parametrize("provider", ["ec2", "fargate"])
def test_a_sidecar_is_held_down_as_the_application_is(provider: str) -> None:
    found = containers(service={"sidecars": [OTEL]}, capacity={"provider": provider})
    application, otel = found["notes"], found["otel"]
    for held in ("ReadonlyRootFilesystem", "DockerSecurityOptions"):
        assert otel.get(held) == application.get(held)
    dropped = [one["LinuxParameters"]["Capabilities"]["Drop"] for one in (application, otel)]
    assert dropped == [["ALL"], ["ALL"]]
    assert otel["LinuxParameters"]["InitProcessEnabled"] is True
    assert otel["Essential"] is True


def test_a_low_port_is_the_one_thing_that_keeps_a_capability() -> None:
    found = containers(
        service={"port": 80, "sidecars": [OTEL, {"name": "web", "image": "web:1", "port": 443}]}
    )

    def dropped(name: str) -> list[str]:
        drop: list[str] = found[name]["LinuxParameters"]["Capabilities"]["Drop"]
        return drop

    assert dropped("otel") == ["ALL"]
    assert "NET_BIND_SERVICE" not in dropped("web")
    assert "ALL" not in dropped("web")
    assert found["web"]["PortMappings"] == [{"ContainerPort": 443, "Protocol": "tcp"}]
    assert "PortMappings" not in found["otel"]


def test_each_container_has_writable_folders_of_its_own() -> None:
    got = definition(service=BESIDE)
    mounts = {one["Name"]: one.get("MountPoints", []) for one in got["ContainerDefinitions"]}
    where = {name: [one["ContainerPath"] for one in points] for name, points in mounts.items()}
    assert where == {
        "notes": ["/tmp"],
        "proxy": ["/tmp"],
        "set-up": ["/tmp", "/var/cache"],
        "otel": [],
    }
    used = [one["SourceVolume"] for points in mounts.values() for one in points]
    assert sorted(used) == sorted(one["Name"] for one in got["Volumes"])
    assert len(used) == len({*used})
    on_fargate = containers(service=BESIDE, capacity={"provider": "fargate"})
    sizes = {
        name: [one["Size"] for one in c["LinuxParameters"].get("Tmpfs", [])]
        for name, c in on_fargate.items()
    }
    # A quarter of what a container may have at most, or of a quarter of the task's 512.
    assert sizes == {"notes": [128], "proxy": [32], "set-up": [16, 16], "otel": []}


def test_what_is_the_applications_is_not_its_sidecars() -> None:
    found = containers(**EVERYTHING, service={"sidecars": [OTEL], "environment": {"A": "b"}})
    assert found["otel"]["Environment"] == [{"Name": "AWS_REGION", "Value": {"Ref": "AWS::Region"}}]
    assert {"Secrets", "DockerLabels", "HealthCheck", "Command"}.isdisjoint(found["otel"])
    assert [one["ContainerPath"] for one in found["otel"]["MountPoints"]] == ["/tmp"]


def test_what_a_sidecar_says_of_itself_is_carried_out() -> None:
    found = containers(service=BESIDE)
    proxy, otel = found["proxy"], found["otel"]
    assert (proxy["Cpu"], proxy["Memory"], proxy["User"]) == (64, 128, "101:101")
    assert proxy["HealthCheck"]["Command"] == ["CMD", "/proxy", "check"]
    assert found["set-up"]["Command"] == ["/set-up"]
    assert {"Name": "LEVEL", "Value": "info"} in otel["Environment"]
    assert (otel["StopTimeout"], otel["ReadonlyRootFilesystem"]) == (10, False)
    streams = {
        name: one["LogConfiguration"]["Options"]["awslogs-stream-prefix"]
        for name, one in found.items()
    }
    assert streams == {name: name for name in found}


def test_a_sidecar_has_secrets_of_its_own_which_its_tasks_may_read() -> None:
    arn = "arn:aws:secretsmanager:us-east-1:111111111111:secret:datadog-AbCdEf"
    otel = {**OTEL, "secrets": {"DD_API_KEY": f"{arn}:key::"}}
    found = parts(config(service={"sidecars": [otel], "release": ["m"]}, workers=[MAIL]))
    stack = found.service
    app, beside = resource(stack, "TaskDefinition")["ContainerDefinitions"]
    assert beside["Secrets"] == [{"Name": "DD_API_KEY", "ValueFrom": f"{arn}:key::"}]
    assert "Secrets" not in app
    # Another value in it starts new tasks of the service, and neither a release nor a worker's.
    assert beside["DockerLabels"] == {"underpass.secrets": {"Ref": "SidecarSecretVersions"}}
    assert "underpass.secrets" not in app.get("DockerLabels", {})
    assert arn in str(resource(stack, "ExecutionRole")["Policies"])
    assert "Secret" not in str(resource(stack, "WorkerMailTaskDefinition"))
    release = found.release
    assert release
    assert not {"SecretVersions", "SidecarSecretVersions"} & {*release.template["Parameters"]}
    assert arn not in release.body()


def test_without_sidecars_nothing_is_said_of_an_order() -> None:
    (only,) = definition(**EVERYTHING)["ContainerDefinitions"]
    assert {"DependsOn", "StartTimeout"}.isdisjoint(only)


def test_the_matrix_has_them_on_both_kinds_of_capacity() -> None:
    having = [one for one in CURATED.values() if one.service.sidecars]
    assert {one.capacity.provider for one in having} == {"ec2", "fargate"}
