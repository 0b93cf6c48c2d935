"""Databases that come with something: parameters, a snapshot, an owner of their own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.blueprint.configs import ANYBODYS, CURATED, EVERYTHING, EXISTING, FURTHER, config
from tests.unit.blueprint.templates import parts, resource

from underpass.blueprint import stacks

KEY = "arn:aws:kms:us-east-1:111111111111:key/0f0f0f0f-0f0f-0f0f-0f0f-0f0f0f0f0f0f"


def foundation(**database: Any) -> Any:
    return parts(config(database=database)).foundation


def existing(**more: Any) -> Any:
    network = EXISTING | {"zones": 3}
    return parts(config(network=network, database={"existing": ANYBODYS | more}))


def container(each: Any) -> dict[str, Any]:
    (found,) = resource(each.service, "TaskDefinition")["ContainerDefinitions"]
    plain = {one["Name"]: one["Value"] for one in found["Environment"]}
    secrets = {one["Name"]: one["ValueFrom"] for one in found["Secrets"]}
    return {"plain": plain, "secrets": secrets, "labels": found.get("DockerLabels")}


def statements(role: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = role["Policies"][0]["PolicyDocument"]["Statement"]
    return found


def test_the_files_parameters_are_beside_underpasss_own_and_instead_of_them() -> None:
    group = resource(foundation(parameters=FURTHER), "DatabaseParameters")["Parameters"]
    usual = resource(foundation(), "DatabaseParameters")["Parameters"]
    assert group == usual | FURTHER
    assert usual["log_min_duration_statement"] == "1000"


def test_a_major_upgrade_is_allowed_by_the_file_only() -> None:
    for allowed in (True, False):
        instance = resource(foundation(allow_major_upgrade=allowed), "DatabaseInstance")
        assert instance.get("AllowMajorVersionUpgrade", False) is allowed


def test_an_instance_from_a_snapshot_is_told_nothing_that_the_snapshot_says() -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-rds-dbinstance.html."""
    chosen = {"snapshot": "orders-2026", "instance_class": "db.m7g.large"}
    instance = resource(foundation(**chosen), "DatabaseInstance")
    assert instance["DBSnapshotIdentifier"] == "orders-2026"
    unsaid = {
        *("DBName", "KmsKeyId", "MasterUsername", "StorageEncrypted"),
        *("EnablePerformanceInsights", "PerformanceInsightsKMSKeyId"),
        "PerformanceInsightsRetentionPeriod",
    }
    assert unsaid.isdisjoint(instance)
    assert unsaid <= resource(foundation(instance_class="db.m7g.large"), "DatabaseInstance").keys()
    assert "MasterUserPassword" in instance  # it is given another one: the secret's


def test_the_administrator_is_called_as_the_snapshots_master_is() -> None:
    of_a_snapshot = foundation(snapshot="orders-2026", master="postgres")
    secret = resource(of_a_snapshot, "DatabaseSecret")["GenerateSecretString"]
    assert json.loads(secret["SecretStringTemplate"]) == {"username": "postgres"}


def test_a_snapshot_that_is_added_or_changed_makes_no_new_password() -> None:
    for title in ("DatabaseSecret", "DatabaseUserSecret"):
        assert resource(foundation(snapshot="a"), title) == resource(foundation(), title)


@pytest.mark.parametrize("name", ["existing-database", "existing-database-endpoints"])
def test_of_an_existing_database_nothing_is_made(name: str) -> None:
    types = [
        one["Type"]
        for stack in stacks(CURATED[name])
        for one in stack.template["Resources"].values()
    ]
    assert not [one for one in types if "::RDS::" in one or "::SecretsManager::" in one]
    assert "Custom::DatabaseUser" not in types
    assert not [stack for stack in stacks(CURATED[name]) if stack.name.endswith("-database")]
    assert "DatabaseInstanceId" not in json.dumps([one.template for one in stacks(CURATED[name])])


def test_tasks_get_the_same_variables_of_an_existing_database() -> None:
    own = container(parts(config(**EVERYTHING)))
    theirs = container(existing())
    told = {*theirs["secrets"], *theirs["plain"]}
    assert {name for name in told if name.startswith("DATABASE_")} == own["secrets"].keys()
    assert theirs["labels"] == {"underpass.secrets": {"Ref": "SecretVersions"}}


def test_what_the_file_does_not_say_is_in_the_secret() -> None:
    found = container(existing())
    assert found["plain"]["DATABASE_PORT"] == "5432"
    assert found["secrets"] == {
        f"DATABASE_{name}": f"{ANYBODYS['secret']}:{key}::"
        for name, key in (
            *(("HOST", "host"), ("NAME", "dbname")),
            *(("USERNAME", "username"), ("PASSWORD", "password")),
        )
    }


def test_what_the_file_says_is_no_secret() -> None:
    found = container(existing(host="orders.example.com", port=6432, name="orders"))
    assert found["plain"]["DATABASE_HOST"] == "orders.example.com"
    assert found["plain"]["DATABASE_PORT"] == "6432"
    assert found["plain"]["DATABASE_NAME"] == "orders"
    assert found["secrets"].keys() == {"DATABASE_USERNAME", "DATABASE_PASSWORD"}


def test_ecs_may_read_that_secret_and_no_other_with_its_key() -> None:
    role = resource(existing(kms_key=KEY).service, "ExecutionRole")
    found = {tuple(one["Action"]): one["Resource"] for one in statements(role)}
    assert found[("secretsmanager:GetSecretValue",)] == ANYBODYS["secret"]
    assert found[("kms:Decrypt",)] == KEY
    (decrypt,) = [one for one in statements(role) if one["Action"] == ["kms:Decrypt"]]
    assert "kms:ViaService" in decrypt["Condition"]["StringEquals"]
    without = statements(resource(existing().service, "ExecutionRole"))
    assert not [one for one in without if one["Action"] == ["kms:Decrypt"]]


def test_there_is_a_rule_on_both_sides_unless_the_owner_sees_to_theirs() -> None:
    template = existing(port=6432).foundation
    group = ANYBODYS["security_group"]
    peer = f"6432{group.replace('-', 'x')}"
    out = resource(template, f"TaskEgressToDatabase{peer}")
    into = resource(template, f"DatabaseIngressFromTasks{peer}")
    assert (out["DestinationSecurityGroupId"], out["FromPort"], out["ToPort"]) == (
        group,
        6432,
        6432,
    )
    assert (into["GroupId"], into["FromPort"], into["ToPort"]) == (group, 6432, 6432)
    assert into["SourceSecurityGroupId"] == out["GroupId"]
    left = existing(admit=False).foundation.template["Resources"]
    assert any(one.startswith("TaskEgressToDatabase") for one in left)
    assert not any(one.startswith("DatabaseIngress") for one in left)
    # Another database, or one of our own, is another rule: the old one stays while tasks use it.
    assert "TaskEgressToDatabase" not in left


def test_nobody_watches_an_instance_that_is_not_there() -> None:
    assert "Database" not in json.dumps(existing().monitoring.template)


def test_without_a_way_out_the_secret_is_read_by_its_endpoint() -> None:
    from underpass.blueprint.foundation.network.endpoints import services

    found = {one.name: one for one in services(CURATED["existing-database-endpoints"])}
    assert found["secretsmanager"].actions == ("secretsmanager:GetSecretValue",)
