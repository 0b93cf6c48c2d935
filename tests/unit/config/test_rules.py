"""The rules between keys, each from both sides: what it refuses, and the nearest it must let pass."""

from typing import Any

import pytest

from underpass.config import rules
from underpass.config.model import Config


def config(**sections: Any) -> Config:
    service = {"port": 80, "build": ".", **sections.pop("service", {})}
    return Config.model_validate({"name": "notes", **sections, "service": service})


def broken(**sections: Any) -> set[str]:
    return {".".join(map(str, fault.keys[0])) for fault in rules.check(config(**sections))}


@pytest.mark.parametrize(
    ("sections", "key"),
    [
        ({"name": "aws-notes"}, "name"),
        ({"name": "fargates"}, "name"),
        ({"service": {"build": None}}, "service.build"),
        ({"service": {"image": "x:1"}}, "service.image"),
        ({"service": {"tasks": {"min": 3, "max": 2}}}, "service.tasks.max"),
        ({"capacity": {"instances": {"min": 5}}}, "capacity.instances.max"),
        ({"network": {"cidr": "10.0.0.0/15"}}, "network.cidr"),
        ({"network": {"cidr": "10.0.0.0/25"}}, "network.cidr"),
        ({"network": {"cidr": "10.0.0.0/24", "zones": 3}}, "network.cidr"),
        ({"network": {"cidr": "11.0.0.0/16"}}, "network.cidr"),
        ({"network": {"cidr": "172.32.0.0/16"}}, "network.cidr"),
        ({"consumers": [{"name": "ab"}, {"name": "ab"}]}, "consumers.1.name"),
        ({"consumers": [{"name": "ab", "cidr": "10.0.0.0/15"}]}, "consumers.0.cidr"),
        ({"consumers": [{"name": "ab", "cidr": "10.0.0.0/27"}]}, "consumers.0.cidr"),
        ({"consumers": [{"name": "ab", "cidr": "169.254.0.0/16"}]}, "consumers.0.cidr"),
        ({"privatelink": {"allow": ["*"], "acceptance": False}}, "privatelink.acceptance"),
        ({"capacity": {"provider": "fargate"}, "service": {"cpu": 128}}, "service.cpu"),
        ({"capacity": {"provider": "fargate"}, "service": {"memory": 4096}}, "service.memory"),
        ({"service": {"environment": {"AWS_REGION": "x"}}}, "service.environment.AWS_REGION"),
        (
            {"database": {}, "service": {"environment": {"DATABASE_HOST": "x"}}},
            "service.environment.DATABASE_HOST",
        ),
        (
            {"files": {}, "service": {"environment": {"FILES_PATH": "x"}}},
            "service.environment.FILES_PATH",
        ),
        ({"files": {"mount": "/etc/"}}, "files.mount"),
        ({"files": {"mount": "/proc/self"}}, "files.mount"),
        ({"files": {"mount": "/data/../etc"}}, "files.mount"),
        ({"database": {"engine": "mysql"}}, "database.version"),
        (
            {"tls": {"certificate": "arn:aws:acm:eu-west-1:111111111111:certificate/a"}},
            "tls.certificate",
        ),
    ],
)
def test_what_cannot_work_is_refused(sections: dict[str, Any], key: str) -> None:
    assert broken(**sections) == {key}


@pytest.mark.parametrize(
    "sections",
    [
        {"name": "ecs-notes", "capacity": {"provider": "fargate"}},
        {"name": "my-aws"},
        {"service": {"tasks": {"min": 0, "max": 1}}},
        {"service": {"build": None, "image": "x:1"}},
        {"network": {"cidr": "100.64.0.0/24"}},
        {"network": {"cidr": "192.168.2.0/23", "zones": 3}},
        {"consumers": [{"name": "ab", "cidr": "20.0.0.0/26"}, {"name": "ac"}]},
        {"consumers": [{"name": "ab", "cidr": "10.0.0.0/28", "vpc_id": "vpc-01234567"}]},
        {"privatelink": {"allow": ["*"]}},
        {"privatelink": {"acceptance": False}},
        {"service": {"cpu": 300, "memory": 700}},
        {"capacity": {"provider": "fargate"}, "service": {"cpu": 8192, "memory": 20480}},
        {"service": {"environment": {"DATABASE_HOST": "elsewhere", "FILES_PATH": "/tmp"}}},
        {"database": {}, "service": {"environment": {"DATABASE_URL": "x"}}},
        {"files": {"mount": "/var/lib/notes"}},
        {"database": {"engine": "mysql", "version": "8.0.40"}},
        {"tls": {"certificate": "arn:aws:acm:us-east-1:111111111111:certificate/a"}},
    ],
)
def test_what_can_work_passes(sections: dict[str, Any]) -> None:
    assert broken(**sections) == set()


@pytest.mark.parametrize(
    ("cpu", "memory", "instead"), [(300, 512, 256), (512, 512, 1024), (512, 9000, 4096)]
)
def test_the_nearest_fargate_size_that_holds_it_is_suggested(
    cpu: int, memory: int, instead: int
) -> None:
    wanted = config(capacity={"provider": "fargate"}, service={"cpu": cpu, "memory": memory})
    assert [fault.suggestion for fault in rules.check(wanted)] == [f"write {instead}"]
