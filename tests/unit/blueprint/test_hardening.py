"""What the container is held down by, on EC2 and on Fargate."""

from typing import Any

import pytest
from tests.unit.blueprint.configs import EVERYTHING, config
from tests.unit.blueprint.templates import by_part, resource

from underpass.config.facts.capabilities import GIVEN


def definition(**sections: Any) -> dict[str, Any]:
    return resource(by_part(config(**sections))[1], "TaskDefinition")


def container(**sections: Any) -> dict[str, Any]:
    (only,) = definition(**sections)["ContainerDefinitions"]
    assert isinstance(only, dict)
    return only


def test_by_default_it_may_write_tmp_and_nothing_else() -> None:
    got = definition(**EVERYTHING)
    (only,) = got["ContainerDefinitions"]
    assert only["ReadonlyRootFilesystem"] is True
    assert [point["ContainerPath"] for point in only["MountPoints"]] == ["/data", "/tmp"]
    assert {"Name": only["MountPoints"][1]["SourceVolume"]} in got["Volumes"]  # no host path


def test_on_fargate_the_folders_share_a_quarter_of_the_memory() -> None:
    service = {"memory": 1024, "writable": ["/tmp", "/srv/cache", "/tmp"]}
    got = definition(service=service, capacity={"provider": "fargate"})
    (only,) = got["ContainerDefinitions"]
    assert {"Volumes", "MountPoints"}.isdisjoint({*got, *only})
    assert "DockerSecurityOptions" not in only
    assert only["LinuxParameters"]["Tmpfs"] == [
        {"ContainerPath": path, "Size": 128, "MountOptions": ["mode=1777"]}
        for path in ("/tmp", "/srv/cache")
    ]


def test_where_the_files_are_nothing_else_is_mounted() -> None:
    points = container(files={"mount": "/tmp"})["MountPoints"]
    assert [point["SourceVolume"] for point in points] == ["files"]


@pytest.mark.parametrize(
    ("service", "read_only"),
    [({}, True), ({"read_only": False}, False), ({"exec": True}, False)],
)
def test_a_container_that_is_opened_for_exec_can_be_written(
    service: dict[str, Any], read_only: bool
) -> None:
    assert container(service=service)["ReadonlyRootFilesystem"] is read_only


@pytest.mark.parametrize("provider", ["ec2", "fargate"])
def test_every_capability_is_dropped_but_the_one_a_low_port_needs(provider: str) -> None:
    def dropped(port: int) -> list[str]:
        got = container(service={"port": port}, capacity={"provider": provider})
        capabilities: dict[str, list[str]] = got["LinuxParameters"]["Capabilities"]
        assert set(capabilities) == {"Drop"}
        return capabilities["Drop"]

    assert dropped(1024) == ["ALL"]
    assert set(GIVEN) - set(dropped(80)) == {"NET_BIND_SERVICE"}


def test_no_new_privileges_and_an_init_process() -> None:
    got = container()
    assert got["DockerSecurityOptions"] == ["no-new-privileges"]
    assert got["LinuxParameters"]["InitProcessEnabled"] is True


def test_the_health_command_runs_without_a_shell() -> None:
    service = {"health_command": ["/bin/check", "--quick"], "grace_period": 900}
    check = container(service=service)["HealthCheck"]
    assert check["Command"] == ["CMD", "/bin/check", "--quick"]
    assert check["StartPeriod"] == 300  # the most ECS takes
    assert check["Timeout"] < check["Interval"]
