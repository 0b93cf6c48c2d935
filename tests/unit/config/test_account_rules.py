"""What an account asks for, from both sides: what is refused, and the nearest that passes."""

from typing import Any

import pytest
from tests.unit.blueprint.configs import (
    ANYBODYS,
    BOUNDARY,
    CERTIFICATE,
    EXISTING,
    KEY,
    TOPIC,
    config,
)

from underpass.config import rules
from underpass.config.loader import parse
from underpass.config.rules.account import MOST_TAGS

FARGATE = {"provider": "fargate"}
FILE = """\
name = "notes"
{}
[service]
port = 8000
build = "."
"""


def faults(**sections: Any) -> dict[str, str]:
    found = rules.check(config(**sections))
    return {".".join(map(str, one.keys[0])): one.message for one in found}


@pytest.mark.parametrize(
    ("sections", "key"),
    [
        ({"tags": {f"t{n}": "v" for n in range(MOST_TAGS + 1)}}, "tags"),
        ({"tags": {"aws:team": "a"}}, "tags.aws:team"),
        ({"tags": {"AWS:team": "a"}}, "tags.AWS:team"),
        ({"tags": {"team": "aws:a"}}, "tags.team"),
        ({"tags": {"k" * 129: "a"}}, f"tags.{'k' * 129}"),
        ({"tags": {"team": "v" * 257}}, "tags.team"),
        ({"tags": {"team": "a;b"}}, "tags.team"),
        ({"tags": {"team\n": "a"}}, "tags.team\n"),
        ({"tags": {"team": "a", "Team": "a"}}, "tags.Team"),
        ({"tags": {"underpass:application": "a"}}, "tags.underpass:application"),
        ({"tags": {"AmazonECSManaged": "a"}}, "tags.AmazonECSManaged"),
        ({"permissions_boundary": BOUNDARY.replace("aws:", "aws-cn:", 1)}, "permissions_boundary"),
        (
            {
                "permissions_boundary": BOUNDARY.replace("1" * 12, "2" * 12),
                "tls": {"certificate": CERTIFICATE},
            },
            "permissions_boundary",
        ),
        ({"role_path": "/aws-service-role/"}, "role_path"),
        ({"kms_key": KEY, "region": "eu-west-1"}, "kms_key"),
        ({"kms_key": KEY.replace("aws:", "aws-cn:", 1)}, "kms_key"),
        ({"kms_key": KEY, "kms_key_users": ["backup"]}, "kms_key_users"),
        ({"kms_key_users": ["backup", "backup"]}, "kms_key_users.1"),
        ({"kms_key_users": ["ecr"]}, "kms_key_users.0"),
        ({"kms_key_users": ["rds"], "database": {}}, "kms_key_users.0"),
        ({"kms_key_users": ["backups"]}, "kms_key_users.0"),
        ({"kms_key_users": ["ebs"]}, "kms_key_users.0"),
        ({"kms_key_users": ["arn:aws-cn:iam::222222222222:root"]}, "kms_key_users.0"),
        ({"log_bucket": "logs/AWSLogs"}, "log_bucket"),
        ({"alarms": {"topic": TOPIC}, "region": "eu-west-1"}, "alarms.topic"),
        ({"alarms": {"topic": TOPIC, "email": "ops@example.com"}}, "alarms.email"),
        ({"capacity": {"architecture": "arm64"}}, "capacity.architecture"),
        ({"capacity": {"spot": True}}, "capacity.spot"),
        ({"capacity": {"ssm": True, **FARGATE}}, "capacity.ssm"),
    ],
)
def test_what_aws_would_refuse_or_ignore_is_refused(sections: dict[str, Any], key: str) -> None:
    assert key in faults(**sections)


@pytest.mark.parametrize(
    "sections",
    [
        {"tags": {f"t{n}": "v" for n in range(MOST_TAGS)}},
        {"tags": {"Name": "a", "Kost\u00fcm und \u65e5": "a+b-c=d._:/@", "my-aws:team": "4 711"}},
        {"tags": {"k" * 128: "v" * 256}},
        {"permissions_boundary": BOUNDARY, "tls": {"certificate": CERTIFICATE}},
        {"permissions_boundary": "arn:aws:iam::aws:policy/PowerUserAccess"},
        {"role_path": "/apps/notes/"},
        {"kms_key": KEY},
        {"kms_key": KEY.replace("1" * 12, "9" * 12)},  # another account's
        {"kms_key_users": ["rds"]},  # without [database] underpass has no use of it
        {  # an existing one's owner has keys
            "kms_key_users": ["rds", "secretsmanager"],
            "database": {"existing": ANYBODYS},
            "network": EXISTING | {"zones": 3},
        },
        {"kms_key_users": ["newerthanus", "arn:aws:iam::222222222222:role/a/b"]},
        {"log_bucket": "logs.example"},
        {"alarms": {"topic": TOPIC}},
        {"capacity": {"architecture": "arm64", "spot": True, **FARGATE}},
        {"capacity": {"ssm": True}},
    ],
)
def test_what_aws_takes_passes(sections: dict[str, Any]) -> None:
    assert faults(**sections) == {}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('tags = { team = "" }', "2: tags.team: is empty"),
        ('role_path = "apps"', 'did you mean "/apps/"?'),
        ('permissions_boundary = "boundary"', "2: permissions_boundary: "),
        (
            f'permissions_boundary = "{BOUNDARY.replace("policy", "role")}"',
            "is not a managed policy",
        ),
        ('kms_key = "alias/notes"', "is not a KMS key such as"),
        ('kms_key_users = ["*"]', "2: kms_key_users[0]: "),
        ('log_bucket = "s3://logs"', "2: log_bucket: "),
        ('tags = { "aws:team" = "a" }', '2: tags."aws:team": its name starts with "aws:"'),
    ],
)
def test_the_line_and_what_to_write_are_told(line: str, told: str, tmp_path: Any) -> None:
    _, problems = parse(FILE.format(line), tmp_path / "underpass.toml")
    assert told in str(problems[0])
