"""What the twin cannot run is refused by name when it is asked for, and is not recorded as made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from tests.few_images import few_images

from underpass.twin.api import patch
from underpass.twin.services.rds import patches
from underpass.twin.services.rds.versions import available_versions, refusal

__all__ = ["few_images"]  # a fixture of every test here


@pytest.fixture
def rds(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    patch.apply(patches)
    with mock_aws():
        ec2 = boto3.client("ec2", "us-east-1")
        vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.20.{n}.0/24", AvailabilityZone=zone)
            for n, zone in enumerate(("us-east-1a", "us-east-1b"))
        ]
        client = boto3.client("rds", "us-east-1")
        for name, members in (("both", subnets), ("one", subnets[:1])):
            client.create_db_subnet_group(
                DBSubnetGroupName=name,
                DBSubnetGroupDescription=name,
                SubnetIds=[subnet["Subnet"]["SubnetId"] for subnet in members],
            )
        yield client


def create(rds: Any, **more: Any) -> Any:
    wanted = {
        "DBInstanceIdentifier": "notes",
        "DBInstanceClass": "db.t4g.micro",
        "Engine": "postgres",
        "MasterUsername": "app",
        "MasterUserPassword": "long-enough",
        "AllocatedStorage": 20,
        "DBSubnetGroupName": "both",
    }
    wanted.update(more)
    return rds.create_db_instance(**{key: value for key, value in wanted.items() if value != ""})[
        "DBInstance"
    ]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"Engine": "mysql"}, "engine mysql does not run on the twin: it runs postgres only"),
        ({"Engine": "mariadb"}, "engine mariadb does not run on the twin"),
        ({"EngineVersion": "17"}, "Cannot find version 17 for postgres: the twin has 16."),
        ({"EngineVersion": "9.6.1"}, "Cannot find version 9.6.1 for postgres"),
        ({"MasterUsername": "rdsadmin"}, "reserved"),
        ({"MasterUserPassword": ""}, "MasterUserPassword"),
        ({"DBSubnetGroupName": ""}, "DBSubnetGroupName"),
        ({"DBSubnetGroupName": "one", "MultiAZ": True}, "covers only us-east-1a"),
        ({"AvailabilityZone": "us-east-1c"}, "covers only us-east-1a, us-east-1b"),
        ({"AvailabilityZone": "us-east-1a", "MultiAZ": True}, "Multi-AZ"),
    ],
)
def test_instance_that_cannot_run(rds: Any, more: dict[str, Any], says: str) -> None:
    with pytest.raises(ClientError) as error:
        create(rds, **more)
    assert says in str(error.value)
    assert rds.describe_db_instances()["DBInstances"] == []


def test_versions_are_those_installed() -> None:
    assert [version.split(".")[0] for version in available_versions()] == ["16", "18"]
    for version in ("16", "16.3", "18", None):
        assert refusal("postgres", version) is None


def test_version_described_is_the_one_that_runs(rds: Any) -> None:
    assert create(rds, EngineVersion="16.1")["EngineVersion"] == available_versions()[0]
    newest = create(rds, DBInstanceIdentifier="newest", MultiAZ=True)
    assert newest["EngineVersion"] == available_versions()[-1]
    assert newest["MultiAZ"]
    assert "SecondaryAvailabilityZone" not in newest


@pytest.mark.parametrize(
    ("call", "arguments", "says"),
    [
        ("create_db_snapshot", {"DBSnapshotIdentifier": "s"}, "no snapshots"),
        ("create_db_cluster", {"DBClusterIdentifier": "c", "Engine": "aurora-postgresql"}, "DB cl"),
        ("modify_db_instance", {"EngineVersion": "18.4"}, "AllowMajorVersionUpgrade flag must be"),
        (
            "modify_db_instance",
            {"EngineVersion": "17", "AllowMajorVersionUpgrade": True},
            "Cannot find version 17 for postgres",
        ),
        ("modify_db_instance", {"NewDBInstanceIdentifier": "other"}, "does not rename"),
        ("reboot_db_instance", {}, "is creating"),
        ("reboot_db_instance", {"ForceFailover": True}, "standby that is not there"),
        ("stop_db_instance", {}, "is creating"),
    ],
)
def test_action_that_would_only_pretend(
    rds: Any, call: str, arguments: dict[str, Any], says: str
) -> None:
    create(rds, EngineVersion="16")
    if call != "create_db_cluster":
        arguments = {"DBInstanceIdentifier": "notes", **arguments}
    with pytest.raises(ClientError) as error:
        getattr(rds, call)(**arguments)
    assert says in str(error.value)


def test_report_of_an_older_state_does_not_cover_a_modification(rds: Any) -> None:
    create(rds)
    seen = patches.private("us-east-1", "notes")
    rds.modify_db_instance(DBInstanceIdentifier="notes", MasterUserPassword="another-one")
    assert not patches.report("us-east-1", "notes", seen.generation, "available")
    now = patches.private("us-east-1", "notes")
    assert now.password == "another-one"
    assert patches.report("us-east-1", "notes", now.generation, "available")
    described = rds.describe_db_instances()["DBInstances"][0]
    assert (described["DBInstanceStatus"], described["Endpoint"]["Port"]) == ("available", 5432)


def test_protected_instance_is_not_deleted(rds: Any) -> None:
    create(rds, DeletionProtection=True)
    with pytest.raises(ClientError, match="protected"):
        rds.delete_db_instance(DBInstanceIdentifier="notes", SkipFinalSnapshot=True)
    assert rds.describe_db_instances()["DBInstances"][0]["DBInstanceStatus"] == "creating"


def test_password_that_rds_manages_is_in_its_secret(rds: Any) -> None:
    made = create(rds, ManageMasterUserPassword=True, MasterUserPassword="")
    arn = made["MasterUserSecret"]["SecretArn"]
    secret = boto3.client("secretsmanager", "us-east-1").get_secret_value(SecretId=arn)
    assert patches.private("us-east-1", "notes").password in secret["SecretString"]
    assert '"username": "app"' in secret["SecretString"]
