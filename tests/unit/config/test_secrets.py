"""``[service] secrets``: what names a secret, and what is told of what does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from underpass.config import rules
from underpass.config.loader import parse
from underpass.config.model import Config
from underpass.config.model.secrets import moved, source
from underpass.config.problems import dotted

ARN = "arn:aws:secretsmanager:us-east-1:111111111111:secret:notes/key-AbCdEf"
PARAMETER = "arn:aws:ssm:us-east-1:111111111111:parameter/notes/level"
ALONE = {"egress": "endpoints"}


def told(value: str, environment: dict[str, str] | None = None, **sections: Any) -> list[str]:
    service = {
        "port": 80,
        "build": ".",
        "secrets": {"KEY": value},
        "environment": environment or {},
    }
    config = Config.model_validate({"name": "notes", **sections, "service": service})
    return [f"{one.message}; {one.suggestion}" for one in rules.check(config)]


@pytest.mark.parametrize(
    "value",
    [
        *(ARN, f"{ARN}:key::", f"{ARN}:key:AWSPREVIOUS:", f"{ARN}:::0123", f"{ARN}:key", PARAMETER),
        *("ssm:/notes/level", "ssm:level", ARN.removesuffix("-AbCdEf")),
        ARN.replace("111111111111", "222222222222"),
        ARN.replace("us-east-1", "eu-west-1"),  # by NAT gateways, the whole ARN says where
    ],
)
def test_what_ecs_takes_passes(value: str) -> None:
    assert told(value) == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("hunter2", "names no secret: a value has no place here; write"),
        ("ssm:/a b", 'is no parameter\'s name; write it like "ssm:/notes/level"'),
        ("ssm:", "is no parameter's name"),
        (PARAMETER.replace(":parameter", ""), "is no parameter's ARN; write"),
        (f"{PARAMETER}:3", "is no parameter's ARN; write"),  # ECS documents no versions of them
        (ARN.replace(":secret:", ":"), "is no secret's ARN; write"),
        (f"{ARN}:a:b:c:d", "is no secret's ARN; write"),
        (ARN.removesuffix("-AbCdEf") + ":key::", "needs the whole ARN"),
        (f"{ARN}:key:AWSPREVIOUS:0123", "names the version twice"),
        (ARN.replace("arn:aws:", "arn:aws-cn:"), "is of another partition of AWS"),
        (ARN.replace("us-east-1", "us-eest-1"), 'there is no region "us-eest-1"'),
    ],
)
def test_what_it_does_not_is_told_with_the_right_form(value: str, expected: str) -> None:
    (said,) = told(value)
    assert expected in said
    assert "hunter2" not in said


def test_endpoints_lead_to_no_other_region() -> None:
    elsewhere = ARN.replace("us-east-1", "eu-west-1")
    assert "endpoints lead to the services of us-east-1 only" in told(elsewhere, network=ALONE)[0]
    assert told(ARN, network=ALONE) == []


def test_no_variable_is_set_twice() -> None:
    assert told(ARN, {"KEY": "x"}) == [
        "is in service.environment too, and ECS takes a variable once; leave it out of one of them"
    ]
    worker = {"name": "mail", "command": ["m"], "environment": {"KEY": "x"}}
    assert told(ARN, workers=[worker])[0].startswith("is in workers[0].environment too")
    service = {"port": 80, "build": ".", "secrets": {"AWS_REGION": ARN, "FILES_PATH": ARN}}
    config = Config.model_validate({"name": "notes", "files": {}, "service": service})
    assert [one.keys[0][-1] for one in rules.check(config)] == ["AWS_REGION", "FILES_PATH"]


def test_a_sidecars_secrets_are_its_own_and_held_to_the_same_rules() -> None:
    def of(**sidecar: Any) -> list[tuple[str, str]]:
        beside = {"name": "otel", "image": "otel:1", **sidecar}
        service = {"port": 80, "build": ".", "secrets": {"KEY": ARN}, "sidecars": [beside]}
        config = Config.model_validate({"name": "notes", "service": service})
        return [(dotted(one.keys[0]), one.message) for one in rules.check(config)]

    assert of(secrets={"KEY": ARN, "DD_API_KEY": "ssm:/datadog"}) == []
    ((key, what),) = of(secrets={"KEY": "hunter2"})
    assert key == "service.sidecars[0].secrets.KEY"
    assert what.startswith("names no secret")
    ((key, what),) = of(secrets={"KEY": ARN}, environment={"KEY": "x"})
    assert key == "service.sidecars[0].secrets.KEY"
    assert "in the sidecar's environment too" in what
    assert of(secrets={"AWS_REGION": ARN})[0][1] == "underpass sets it itself, from the region"
    many = {f"K{n}": ARN.replace("key", f"key{n}") for n in range(70)}
    ((key, what),) = of(secrets=many)
    assert "more than the role that starts tasks has room for" in what
    long = {f"K{n}": f"{ARN}:{'k' * 600}{n}::" for n in range(90)}
    ((key, what),) = of(secrets=long)
    assert "a task definition has 65,536 for all its containers" in what


def test_there_are_no_more_than_a_role_may_be_allowed_to_read() -> None:
    service = {
        "port": 80,
        "build": ".",
        "secrets": {f"K{n}": ARN.replace("key", f"key{n}") for n in range(70)},
    }
    config = Config.model_validate({"name": "notes", "service": service})
    (fault,) = rules.check(config)
    assert "more than the role that starts tasks has room for" in fault.message
    one = {f"K{n}": f"{ARN}:k{n}::" for n in range(70)}
    many = config.service.model_copy(update={"secrets": one})
    assert rules.check(config.model_copy(update={"service": many})) == ()


def test_the_line_is_the_variables() -> None:
    text = 'name = "ab"\n[service]\nport = 1\nbuild = "."\n[service.secrets]\nA = "ssm:/a"\nB = "b"'
    _, (problem,) = parse(text, Path("underpass.toml"))
    assert (problem.line, problem.key) == (7, "service.secrets.B")


def test_the_same_of_another_secret_has_its_key_and_version() -> None:
    named = source(f"{ARN}:key:AWSPREVIOUS:")
    assert named
    assert (named.bare_name, named.whole) == ("notes/key", True)
    other = ARN.replace("AbCdEf", "UvWxYz")
    assert moved(named, other) == f"{other}:key:AWSPREVIOUS:"


def test_a_secret_that_aws_manages_is_one() -> None:
    arn = "arn:aws:secretsmanager:us-east-1:111111111111:secret:rds!db-0123-AbCdEf"
    found = source(f"{arn}:password::")
    assert found
    assert (found.arn, found.key) == (arn, "password")
