"""``[database]``: parameters, a snapshot, a database that is there already; each from both sides."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from tests.unit.config.test_rules import OURS, broken, config

from underpass.config import rules

SECRET = "arn:aws:secretsmanager:us-east-1:111111111111:secret:orders-AbCdEf"
KEY = "arn:aws:kms:us-east-1:111111111111:key/0f0f0f0f-0f0f-0f0f-0f0f-0f0f0f0f0f0f"
EXISTING = {"secret": SECRET, "security_group": "sg-0123456789abcdef0"}
SNAPSHOT = "arn:aws:rds:us-east-1:111111111111:snapshot:rds:orders-2026-11-28-03-10"


@pytest.mark.parametrize(
    ("key", "taken"),
    [
        ("key/0f0f0f0f-0f0f-0f0f-0f0f-0f0f0f0f0f0f", True),
        ("key/mrk-0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f", True),
        ("key/0f0f", False),
        ("alias/orders", False),
    ],
)
def test_a_key_has_an_id_that_kms_gives(key: str, taken: bool) -> None:
    where = KEY.replace("key/0f0f0f0f-0f0f-0f0f-0f0f-0f0f0f0f0f0f", key)
    if taken:
        assert config(kms_key=where).kms_key == where
    else:
        with pytest.raises(ValidationError, match="kms_key"):
            config(kms_key=where)


def existing(**more: Any) -> dict[str, Any]:
    return {"existing": {**EXISTING, **more}}


def in_a_vpc(**database: Any) -> set[str]:
    return broken(network=OURS, database=database)


@pytest.mark.parametrize(
    ("database", "key"),
    [
        ({"parameters": {"rds.force_ssl": "0"}}, "rds.force_ssl"),
        ({"parameters": {"rds.force_ssl": "1"}}, "rds.force_ssl"),
        ({"parameters": {"log_statement": "all"}}, "log_statement"),
        ({"parameters": {"password_encryption": "md5"}}, "password_encryption"),
        ({"parameters": {"shared_preload_libraries": "pg_cron"}}, "shared_preload_libraries"),
        (
            {
                "engine": "mysql",
                "version": "8.4",
                "parameters": {"require_secure_transport": "0"},
            },
            "require_secure_transport",
        ),
    ],
)
def test_what_underpass_promises_is_no_parameter_of_the_files(
    database: dict[str, Any], key: str
) -> None:
    assert broken(database=database) == {f"database.parameters.{key}"}


@pytest.mark.parametrize(
    "parameters",
    [
        {"log_min_duration_statement": "500", "work_mem": "8192"},
        {"shared_preload_libraries": "pg_stat_statements,pgaudit,pg_cron"},
        {"shared_preload_libraries": "pg_cron, pgaudit, pg_stat_statements"},
        {"shared_buffers": "{DBInstanceClassMemory/32768}"},
        {
            "require_secure_transport": "0"
        },  # not PostgreSQL's: RDS says that it knows none of the name
    ],
)
def test_other_parameters_are_the_files(parameters: dict[str, str]) -> None:
    assert broken(database={"parameters": parameters}) == set()


@pytest.mark.parametrize(
    "database",
    [
        {"parameters": {"Work Mem": "1"}},
        {"parameters": {"work_mem": 8192}},
        {"parameters": {"work_mem": ""}},
        {"parameters": {"work_mem": "1\n2"}},
        {"existing": {"secret": SECRET}},
        {"existing": {"security_group": "sg-01234567"}},
        existing(secret=SECRET[:-7]),  # without the six characters, by which ECS finds it
        existing(secret="orders"),
        existing(port=0),
        existing(kms_key="alias/orders"),
        existing(user="app"),
        {"snapshot": ""},
        {"snapshot": "a snapshot"},
        {"snapshot": "ends-"},
        {"master": "o'hara"},
    ],
)
def test_these_are_no_values(database: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        config(network=OURS, database=database)


@pytest.mark.parametrize(
    "database",
    [
        existing(),
        existing(host="10.9.9.9", port=6432, name="orders", kms_key=KEY, admit=False),
        existing() | {"engine": "mysql"},
        existing() | {"engine": "postgres"},
        {"snapshot": "orders-2026-11-28"},
        {"snapshot": SNAPSHOT, "master": "postgres"},
        {"snapshot": "awsbackup:job-0f0f"},
        {"allow_major_upgrade": True},
    ],
)
def test_these_are_taken(database: dict[str, Any]) -> None:
    assert in_a_vpc(**database) == set()


@pytest.mark.parametrize(
    ("database", "key"),
    [
        (existing() | {"instance_class": "db.t4g.micro"}, "instance_class"),
        (existing() | {"storage_gb": 20, "rotation_days": 3}, "storage_gb"),
        (existing() | {"version": "16"}, "version"),
        (existing() | {"name": "orders"}, "name"),
        (existing() | {"seed": "seed.sql"}, "seed"),
        (existing() | {"parameters": {}}, "parameters"),
        (existing() | {"snapshot": "one"}, "snapshot"),
        (existing(secret=SECRET.replace("us-east-1", "eu-west-1")), "existing.secret"),
        (existing(kms_key=KEY.replace("us-east-1", "eu-west-1")), "existing.kms_key"),
        (existing(kms_key=KEY.replace("1" * 12, "2" * 12)), "existing.kms_key"),
        (existing(host="orders"), "existing.host"),
        ({"snapshot": SNAPSHOT.replace("us-east-1", "eu-west-1")}, "snapshot"),
        ({"snapshot": SNAPSHOT.replace("aws", "aws-cn")}, "snapshot"),
        ({"snapshot": "one", "seed": "seed.sql"}, "seed"),
        ({"master": "postgres"}, "master"),
        ({"snapshot": "one", "master": "rdsadmin"}, "master"),
    ],
)
def test_these_contradict(database: dict[str, Any], key: str) -> None:
    assert in_a_vpc(**database) == {f"database.{key}"}


def test_every_key_that_an_existing_database_cannot_have_is_named() -> None:
    chosen = config(network=OURS, database=existing() | {"multi_az": True, "backup_days": 3})
    (fault,) = rules.check(chosen)
    assert "multi_az, backup_days" in fault.message


def test_an_existing_database_is_reached_from_an_existing_vpc() -> None:
    assert broken(database=existing()) == {"database.existing"}
