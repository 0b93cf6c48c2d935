"""What RDS and Secrets Manager tell of ``[database]`` before anything is changed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.unit.config.test_rules import OURS, config
from tests.unit.config.test_stores import EXISTING, KEY
from tests.unit.deploy.fakes import FakeTarget

from underpass.deploy.preflight import existing_database, parameters, snapshot, upgrade
from underpass.errors import UsageError

_PARAMETERS = [
    {"ParameterName": "work_mem", "AllowedValues": "64-2147483647", "ApplyType": "dynamic"},
    {"ParameterName": "max_connections", "AllowedValues": "6-8388607", "ApplyType": "static"},
    {"ParameterName": "jit", "AllowedValues": "0,1", "ApplyType": "dynamic"},
    {"ParameterName": "sql_mode", "AllowedValues": "ANSI,STRICT", "DataType": "list"},
    {"ParameterName": "log_temp_files", "AllowedValues": "-1-2147483647"},
    {"ParameterName": "application_name"},
    {"ParameterName": "fsync", "AllowedValues": "0,1", "IsModifiable": False},
]
_SNAPSHOT = {
    "Engine": "postgres",
    "EngineVersion": "16.4",
    "Encrypted": True,
    "KmsKeyId": KEY,
    "MasterUsername": "underpass",
    "AllocatedStorage": 20,
    "Status": "available",
}


class Rds:
    """What RDS answers; each answer may be set."""

    def __init__(self, **told: Any) -> None:
        self.snapshots: list[Any] = [_SNAPSHOT]
        self.runs = {"Engine": "postgres", "EngineVersion": "16.4"}
        self.targets = ["17.6", "18.1"]
        self.__dict__.update(told)

    def get_paginator(self, name: str) -> Any:
        assert name == "describe_engine_default_parameters"
        pages = [{"EngineDefaults": {"Parameters": [one]}} for one in _PARAMETERS]
        return SimpleNamespace(paginate=lambda **_: pages)

    def describe_db_instances(self, DBInstanceIdentifier: str) -> Any:
        assert DBInstanceIdentifier == "db-1"
        return {"DBInstances": [self.runs]}

    def describe_db_engine_versions(self, **_: Any) -> Any:
        targets = [{"EngineVersion": one, "IsMajorVersionUpgrade": True} for one in self.targets]
        return {"DBEngineVersions": [{"ValidUpgradeTarget": targets}]}

    def describe_db_snapshots(self, **_: Any) -> Any:
        return {"DBSnapshots": self.snapshots}


class Stacks:
    """The foundation as it was deployed, or none."""

    def __init__(self, deployed: dict[str, Any] | None = None, **parameters: str) -> None:
        self.deployed = deployed
        self.parameters = parameters

    def describe_stacks(self, StackName: str) -> Any:
        if self.deployed is None:
            error = {
                "Code": "ValidationError",
                "Message": f"Stack with id {StackName} does not exist",
            }
            raise ClientError({"Error": error}, "DescribeStacks")
        return {
            "Stacks": [{"StackName": StackName, "StackId": "1", "StackStatus": "CREATE_COMPLETE"}]
        }

    def describe_stack_resources(self, **_: Any) -> Any:
        found = {"LogicalResourceId": "DatabaseInstance", "PhysicalResourceId": "db-1"}
        return {"StackResources": [found | {"ResourceStatus": "CREATE_COMPLETE"}]}

    def get_template(self, **_: Any) -> Any:
        return {
            "TemplateBody": {
                "Resources": {
                    "DatabaseInstance": {"Properties": self.deployed},
                    "DatabaseParameters": {"Properties": {"Parameters": self.parameters}},
                }
            }
        }


def target(stacks: Stacks | None = None, **told: Any) -> FakeTarget:
    return FakeTarget({"rds": Rds(**told), "cloudformation": stacks or Stacks()})


def refused(check: Any, *arguments: Any) -> str:
    with pytest.raises(UsageError) as caught:
        check(*arguments)
    return f"{caught.value.what}: {caught.value.why}; {caught.value.try_next}"


def of_parameters(wanted: dict[str, str], stacks: Stacks | None = None) -> list[str]:
    chosen = config(database={"parameters": wanted})
    assert chosen.database
    return parameters.check(chosen, chosen.database, target(stacks))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            ("work_mem", "8192"),
            ("jit", "1"),
            ("log_temp_files", "-1"),
            ("sql_mode", "ANSI,STRICT"),
        ),
        *(("application_name", "any text"), ("work_mem", "{DBInstanceClassMemory/65536}")),
    ],
)
def test_what_rds_has_is_taken(name: str, value: str) -> None:
    assert of_parameters({name: value}) == []


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("work_memory", "1", "postgres16 has no parameter work_memory"),
        ("work_memory", "1", "did you mean work_mem?"),
        ("work_mem", "8MB", "RDS takes 64-2147483647"),
        ("work_mem", "1", "RDS takes 64-2147483647"),
        ("jit", "on", "RDS takes 0,1"),
        ("sql_mode", "ANSI,LOOSE", "RDS takes ANSI,STRICT"),
        ("fsync", "0", "RDS keeps fsync to itself"),
    ],
)
def test_what_rds_has_not_is_refused_by_name(name: str, value: str, says: str) -> None:
    chosen = config(database={"parameters": {name: value}})
    assert says in refused(parameters.check, chosen, chosen.database, target())


def test_a_static_parameter_that_changes_waits_for_a_restart() -> None:
    there = Stacks({}, max_connections="50")
    assert of_parameters({"max_connections": "50", "work_mem": "8192"}, there) == []
    (told,) = of_parameters({"max_connections": "90", "work_mem": "8192"}, there)
    assert told.startswith("max_connections wait")
    assert "reboot-db-instance --db-instance-identifier db-1" in told


def of_version(version: str, stacks: Stacks | None = None, **more: Any) -> str:
    told = {key: more.pop(key) for key in ("targets", "runs") if key in more}
    chosen = config(database={"version": version, **more})
    return upgrade.look(chosen, target(stacks or Stacks({}), **told))


def test_a_minor_version_a_new_database_and_another_engine_are_no_upgrade() -> None:
    assert of_version("16.9") == ""
    assert of_version("18", Stacks()) == ""
    assert of_version("8.4", engine="mysql") == ""
    assert of_version("18", snapshot="another") == ""  # which is another database


def test_an_upgrade_is_allowed_by_the_file_and_told_for_what_it_is() -> None:
    told = of_version("17", allow_major_upgrade=True)
    assert told.startswith("upgrades the database from postgres 16.4 to 17: an outage")
    assert "no way back" in told


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"version": "17"}, "allow_major_upgrade = true"),
        ({"version": "17"}, 'set version = "16"'),
        ({"version": "15", "allow_major_upgrade": True}, "no database back to an earlier version"),
        (
            {"version": "17", "allow_major_upgrade": True, "targets": ["18.1"]},
            "from 16.4 it upgrades to 18.1",
        ),
        (
            {"version": "18", "allow_major_upgrade": True, "targets": []},
            "to no later major version",
        ),
    ],
)
def test_other_upgrades_are_refused_with_the_way_on(more: dict[str, Any], says: str) -> None:
    assert says in refused(lambda: of_version(**more))


def of_snapshot(stacks: Stacks | None = None, found: Any = _SNAPSHOT, **more: Any) -> list[str]:
    chosen = config(database={"snapshot": "orders", **more})
    assert chosen.database
    told = target(stacks, snapshots=[found] if found else [])
    return snapshot.check(chosen, chosen.database, told)


def test_a_snapshot_that_fits_says_which_key_it_stays_with() -> None:
    (told,) = of_snapshot()
    assert KEY in told


def test_what_was_restored_once_may_have_lost_its_snapshot() -> None:
    assert of_snapshot(Stacks({"DBSnapshotIdentifier": "orders"}), found=None) == []


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (None, "there is no snapshot orders"),
        ({"Status": "creating"}, "is creating"),
        ({"Engine": "mysql"}, "is of mysql"),
        ({"EngineVersion": "15.4"}, 'set version = "15"'),
        ({"Encrypted": False}, "copy-db-snapshot --kms-key-id"),
        ({"MasterUsername": "postgres"}, 'set master = "postgres"'),
        ({"AllocatedStorage": 100}, "set storage_gb = 100"),
    ],
)
def test_another_snapshot_is_refused(found: Any, says: str) -> None:
    snapshots = _SNAPSHOT | found if found else None
    assert says in refused(lambda: of_snapshot(found=snapshots))


class Ours:
    """EC2 and Secrets Manager, with one group and one secret."""

    def __init__(self, vpc: str = OURS["vpc_id"], key: str = "", error: str = "") -> None:  # type: ignore[assignment]
        self.vpc, self.key, self.error = vpc, key, error

    def describe_security_groups(self, Filters: list[Any]) -> Any:
        assert Filters == [{"Name": "group-id", "Values": [EXISTING["security_group"]]}]
        return {"SecurityGroups": [{"VpcId": self.vpc}] if self.vpc else []}

    def describe_secret(self, SecretId: str) -> Any:
        if self.error:
            raise ClientError(
                {"Error": {"Code": self.error, "Message": SecretId}}, "DescribeSecret"
            )
        return {"KmsKeyId": self.key} if self.key else {}


def of_existing(ours: Ours, **more: Any) -> list[str]:
    chosen = config(network=OURS, database={"existing": {**EXISTING, **more}})
    assert chosen.database
    assert chosen.database.existing
    there = FakeTarget({"ec2": ours, "secretsmanager": ours})
    return existing_database.check(chosen, chosen.database.existing, there)


def test_a_group_of_the_vpc_and_a_secret_of_awss_own_key_are_taken_in_silence() -> None:
    assert of_existing(Ours()) == []
    assert of_existing(Ours(key="alias/aws/secretsmanager")) == []
    assert of_existing(Ours(key=KEY), kms_key=KEY) == []


@pytest.mark.parametrize(
    ("ours", "more", "says"),
    [
        (Ours(vpc="vpc-0aaaaaaa"), {}, "is in vpc-0aaaaaaa"),
        (Ours(), {"admit": False}, "has to let the tasks in: its owner adds port 5432"),
        (Ours(error="AccessDeniedException"), {}, "cannot be looked at"),
    ],
)
def test_what_only_others_can_see_to_is_a_warning(ours: Ours, more: Any, says: str) -> None:
    (told,) = of_existing(ours, **more)
    assert says in told


@pytest.mark.parametrize(
    ("ours", "says"),
    [
        (Ours(vpc=""), "there is no security group"),
        (Ours(error="ResourceNotFoundException"), "there is no such secret"),
        (Ours(key=KEY), "set kms_key"),
    ],
)
def test_what_would_stop_the_tasks_is_refused(ours: Ours, says: str) -> None:
    assert says in refused(lambda: of_existing(ours))
