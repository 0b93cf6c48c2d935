"""An existing database on the twin: in AWS ``[database.existing]`` is there; the twin makes its like.

It is an instance of the twin's RDS in the VPC that stands for the existing one, empty, with a secret that
says what the configuration leaves to it; tagged so that a second run finds it.
"""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

from underpass.config import Config
from underpass.config.model import Database
from underpass.errors import UnderpassError, UsageError
from underpass.twin.region.aws import Clients

USER = "existing"
NAME = "app"  # of a database whose name only the secret says
_STARTS_S, _PAUSE_S = 120.0, 0.1


def ensure(clients: Clients, config: Config, database: Database) -> Database:
    """Return ``[database]`` with the ids of the database, which is made first where it is missing.

    Parameters
    ----------
    config
        With the network as it is on the twin.

    Raises
    ------
    UsageError
        When it is there and has another port or another database: the stand-in's stay.
    """
    existing = database.existing
    assert existing
    called = f"{config.name}-existing"
    rds = clients("rds")
    found = [
        one
        for one in rds.describe_db_instances()["DBInstances"]
        if one["DBInstanceIdentifier"] == called
    ]
    name = existing.name or NAME
    if not found:
        _make(clients, config, database, called, name)
    instance = _available(rds, called)
    if (instance["Endpoint"]["Port"], instance["DBName"]) != (database.port, name):
        raise UsageError(
            "the database that stands for [database.existing] is there already",
            "it has another port or another name, and the twin does not change them",
            "run `underpass down`, then `underpass up`",
        )
    (group,) = (one["VpcSecurityGroupId"] for one in instance["VpcSecurityGroups"])
    if not existing.admit:
        _admit(clients("ec2"), group, str(config.network.cidr), database.port)
    said = {
        "host": None if existing.host else instance["Endpoint"]["Address"],
        "dbname": None if existing.name else name,
    }
    arn = _say(clients("secretsmanager"), called, said)
    key = clients("secretsmanager").describe_secret(SecretId=arn).get("KmsKeyId")
    real = {
        "secret": arn,
        "security_group": group,
        "host": instance["Endpoint"]["Address"] if existing.host else None,
        "kms_key": key if existing.kms_key else None,
    }
    return database.model_copy(update={"existing": existing.model_copy(update=real)})


def _make(clients: Clients, config: Config, database: Database, called: str, name: str) -> None:
    network, password = config.network, secrets.token_urlsafe(24)
    rds, ec2 = clients("rds"), clients("ec2")
    rds.create_db_subnet_group(
        DBSubnetGroupName=called,
        DBSubnetGroupDescription="What stands for an existing database",
        SubnetIds=list(network.data_subnets),
    )
    group = ec2.create_security_group(
        GroupName=called, Description="An existing database", VpcId=network.vpc_id
    )["GroupId"]
    assert database.existing
    encrypted = {}
    if database.existing.kms_key:
        key = clients("kms").create_key(Description=f"The secret of {called}")["KeyMetadata"]
        encrypted["KmsKeyId"] = key["Arn"]
    clients("secretsmanager").create_secret(
        Name=called,
        SecretString=json.dumps({"username": USER, "password": password, "port": database.port}),
        **encrypted,
    )
    rds.create_db_instance(
        DBInstanceIdentifier=called,
        DBInstanceClass=database.instance_class,
        Engine=database.engine,
        EngineVersion=database.version,
        AllocatedStorage=database.storage_gb,
        MultiAZ=False,
        MasterUsername=USER,
        MasterUserPassword=password,
        DBName=name,
        Port=database.port,
        DBSubnetGroupName=called,
        VpcSecurityGroupIds=[group],
    )


def _available(rds: Any, called: str) -> dict[str, Any]:
    """Return the instance once it accepts connections."""
    deadline = time.monotonic() + _STARTS_S
    while True:
        found: dict[str, Any] = rds.describe_db_instances(DBInstanceIdentifier=called)[
            "DBInstances"
        ][0]
        status = found["DBInstanceStatus"]
        if status == "available":
            return found
        if status == "failed" or time.monotonic() > deadline:
            told = [one["Message"] for one in found.get("StatusInfos", ())]
            raise UnderpassError(
                "the database that stands for [database.existing] does not start",
                "\n".join(told) or f"{called} is {status}",
            )
        time.sleep(_PAUSE_S)


def _admit(ec2: Any, group: str, block: str, port: int) -> None:
    """Do what the owner would: let the VPC in."""
    (found,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    if not any(rule["IpRanges"] for rule in found["IpPermissions"]):
        rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port}
        ec2.authorize_security_group_ingress(
            GroupId=group, IpPermissions=[{**rule, "IpRanges": [{"CidrIp": block}]}]
        )


def _say(manager: Any, called: str, said: dict[str, str | None]) -> str:
    """Have the secret say what the file leaves to it, and nothing the file says."""
    found = manager.get_secret_value(SecretId=called)
    value = json.loads(found["SecretString"])
    kept = {key: one for key, one in value.items() if key not in said}
    wanted = kept | {key: one for key, one in said.items() if one is not None}
    if wanted != value:
        manager.put_secret_value(SecretId=called, SecretString=json.dumps(wanted))
    return str(found["ARN"])
