"""RDS in moto, made to tell what ``databases`` runs.

moto answers the calls; an instance is ``available`` only when its server said so, and what the twin
cannot do (another engine, snapshots, clusters, a forced failover without a standby) is refused by name
instead of being recorded as done. A modification carries a number, so that a report of the controller
about an older state never covers it up.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.models import ec2_backends
from moto.rds.exceptions import RDSClientError
from moto.rds.models import DBInstance, Event, MasterUserSecret, RDSBackend, rds_backends
from moto.rds.responses import RDSResponse

from underpass.twin.api import patch
from underpass.twin.region.aws import ACCOUNT_ID
from underpass.twin.region.records import records
from underpass.twin.services.rds import upgrades
from underpass.twin.services.rds.versions import find, refusal

_REFUSED = {
    "create_db_cluster": "DB clusters do not run on the twin",
    "create_db_instance_read_replica": "read replicas do not run on the twin",
    "create_db_snapshot": "the twin takes no snapshots: an instance's data stay in the state folder",
    "restore_db_instance_from_db_snapshot": "the twin keeps no snapshots to restore",
    "restore_db_instance_to_point_in_time": "the twin keeps no backups to restore",
}


@dataclass(frozen=True)
class Private:
    """What the controller must know of an instance and ``describe_db_instances`` never tells."""

    password: str
    generation: int


@records()
def private(region: str, identifier: str) -> Private:
    """Return the master password and the number of the last modification.

    Raises
    ------
    KeyError
        When there is no such instance.
    """
    instance = _backend(region).databases[identifier]
    if instance.manage_master_user_password:
        secret = instance.backend.secretsmanager.get_secret_value(
            secret_id=instance.master_user_secret.secret_arn, version_id="", version_stage=""
        )
        password = json.loads(secret["SecretString"])["password"]
    else:
        password = instance._master_user_password  # noqa: SLF001  write-only in moto
    return Private(str(password), instance.twin_generation)


@records()
def report(region: str, identifier: str, generation: int, status: str, message: str = "") -> bool:
    """Say how an instance is; return whether it changed what ``describe_db_instances`` answers.

    Nothing is changed when the instance was modified after ``generation`` or is being deleted.
    """
    instance = _backend(region).databases.get(identifier)
    if instance is None or instance.twin_generation != generation or instance.status == "deleting":
        return False
    changed = (instance.status, instance.twin_message) != (status, message)
    instance.status, instance.twin_message = status, message
    if status == "available":
        instance.twin_endpoint = True
    return changed


@records()
def address(region: str, identifier: str) -> str:
    """Return the name of an instance's endpoint."""
    return str(_backend(region).databases[identifier].address)


@records()
def removed(region: str, identifier: str) -> None:
    """Say that nothing of a deleted instance runs any more; from now on it is not found."""
    _backend(region).databases.pop(identifier, None)


@records()
def event(region: str, identifier: str, message: str, category: str) -> None:
    """Record what happened to an instance, for ``describe_events``."""
    backend = _backend(region)
    instance = backend.databases.get(identifier)
    if instance is None:
        return
    happened = Event.__new__(Event)
    happened.source_identifier = instance.resource_id
    happened.source_type = instance.event_source_type
    happened.source_arn = instance.arn
    happened.message = message
    happened.event_categories = [category]
    happened.date = utcnow()
    backend.events.append(happened)


def _backend(region: str) -> Any:
    return rds_backends[ACCOUNT_ID][region]


def _refuse(why: str) -> Callable[..., Any]:
    def refuse(*_: Any, **__: Any) -> Any:
        raise RDSClientError("InvalidParameterCombination", why)

    return refuse


for _name, _why in _REFUSED.items():
    patch.replace(RDSBackend, _name)(_refuse(_why))


@patch.replace(DBInstance, "save_automated_backup")
def _save_automated_backup(_instance: Any) -> None:
    """Take no snapshot."""


@patch.compute(DBInstance, "address")
def _address(instance: Any) -> str:
    """Name the endpoint as AWS does: one code per account and region."""
    place = f"{instance.account_id}/{instance.region}".encode()
    code = f"c{int(hashlib.sha256(place).hexdigest()[:12], 16):012x}"[:12]
    return f"{instance.db_instance_identifier}.{code}.{instance.region}.rds.amazonaws.com"


@patch.compute(DBInstance, "endpoint")
def _endpoint(instance: Any) -> dict[str, Any] | None:
    """Tell the endpoint from when it first answered on, as AWS does."""
    if not instance.twin_endpoint:
        return None
    return {"Address": instance.address, "Port": instance.port}


@patch.compute(DBInstance, "status_infos")
def _status_infos(instance: Any) -> list[dict[str, Any]]:
    if not instance.twin_message:
        return []
    return [
        {
            "StatusType": "underpass",
            "Normal": instance.status != "failed",
            "Status": instance.status,
            "Message": instance.twin_message,
        }
    ]


@patch.wrap(RDSBackend, "create_db_instance")
def _create(original: Callable[..., Any], backend: Any, db_kwargs: dict[str, Any]) -> Any:
    engine, version = str(db_kwargs.get("engine")), db_kwargs.get("engine_version")
    why = refusal(engine, version)
    if why:
        raise RDSClientError("InvalidParameterCombination", why)
    _check_master(db_kwargs)
    group = backend.describe_db_subnet_groups(_subnet_group(db_kwargs))[0]
    zone = _zone(group, db_kwargs.get("availability_zone"), multi_az=db_kwargs.get("multi_az"))
    binaries = find(version)
    assert binaries is not None
    wanted = {**db_kwargs, "engine_version": binaries.version, "availability_zone": zone}
    if not db_kwargs.get("vpc_security_group_ids"):
        wanted["vpc_security_group_ids"] = [_default_group(backend, group.vpc_id)]
    instance = original(backend, wanted)
    name = instance.db_instance_identifier
    instance.dbi_resource_id = f"db-{hashlib.sha256(name.encode()).hexdigest()[:26].upper()}"
    instance.status = "creating"
    instance.twin_generation, instance.twin_message, instance.twin_endpoint = 0, "", False
    return instance


def _check_master(db_kwargs: dict[str, Any]) -> None:
    username = db_kwargs.get("master_username") or ""
    if not username or username == "rdsadmin" or username.startswith("pg_"):
        raise RDSClientError(
            "InvalidParameterValue", f"MasterUsername {username!r} is empty or a reserved word."
        )
    if not db_kwargs.get("master_user_password") and not db_kwargs.get(
        "manage_master_user_password"
    ):
        raise RDSClientError("InvalidParameterValue", "MasterUserPassword must be provided.")


@patch.replace(MasterUserSecret, "_generate_secret_string")
def _managed_secret(secret: Any) -> str:
    """Return a secret RDS manages: the instance's own user, and a password of its own."""
    return json.dumps(
        {"username": secret.resource.master_username, "password": secrets.token_urlsafe(21)}
    )


def _subnet_group(db_kwargs: dict[str, Any]) -> str:
    name = db_kwargs.get("db_subnet_group_name")
    if not name:
        raise RDSClientError(
            "InvalidSubnet", "the twin has no default VPC: DBSubnetGroupName is needed"
        )
    return str(name)


def _zone(group: Any, asked: str | None, *, multi_az: bool | None) -> str:
    """Return the zone of the instance: the one asked for, else the group's first."""
    zones = sorted({subnet["SubnetAvailabilityZone"]["Name"] for subnet in group.subnets})
    if asked and multi_az:
        raise RDSClientError(
            "InvalidParameterCombination",
            "Requesting a specific availability zone is not valid for Multi-AZ instances.",
        )
    if (asked and asked not in zones) or (multi_az and len(zones) < 2):
        raise RDSClientError(
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            f"DB Subnet Group {group.name} covers only {', '.join(zones)}",
        )
    return asked or zones[0]


def _default_group(backend: Any, vpc_id: str) -> str:
    ec2 = ec2_backends[backend.account_id][backend.region_name]
    return str(ec2.get_default_security_group(vpc_id).id)


@patch.wrap(RDSBackend, "modify_db_instance")
def _modify(
    original: Callable[..., Any], backend: Any, identifier: str, db_kwargs: dict[str, Any]
) -> Any:
    instance = backend.describe_db_instances(identifier)[0]
    if instance.status == "deleting":
        raise RDSClientError("InvalidDBInstanceState", f"Instance {identifier} is being deleted.")
    if db_kwargs.get("new_db_instance_identifier"):
        raise RDSClientError("InvalidParameterCombination", "the twin does not rename DB instances")
    allowed = db_kwargs.pop("allow_major_version_upgrade", None)
    version = db_kwargs.get("engine_version")
    if version:
        # A default group is exchanged by RDS itself.
        own = db_kwargs.get("db_parameter_group_name") or instance.db_parameter_group_name or ""
        group = None if own.startswith("default.") else backend.db_parameter_groups.get(own)
        if why := upgrades.refusal(
            instance.engine_version,
            version,
            allowed=allowed in (True, "true"),
            family=group.family if group else None,
        ):
            raise RDSClientError("InvalidParameterCombination", why)
        binaries = find(version)
        assert binaries is not None
        same = binaries.version.split(".")[0] == instance.engine_version.split(".")[0]
        new = instance.engine_version if same else binaries.version
        db_kwargs = {**db_kwargs, "engine_version": new}
    port = db_kwargs.pop("db_port_number", None)
    changed = original(backend, identifier, {**db_kwargs, **({"port": port} if port else {})})
    changed.twin_generation += 1
    if changed.status != "stopped":
        changed.status = "modifying"
    return changed


@patch.replace(RDSBackend, "delete_db_instance")
def _delete(backend: Any, db_instance_identifier: str, **_: Any) -> Any:
    """Begin to delete: the instance is found, as ``deleting``, until its server has ended.

    Whether a final snapshot is wanted makes no difference: the data stay in the state folder.
    """
    instance = backend.describe_db_instances(db_instance_identifier)[0]
    if instance.deletion_protection:
        raise RDSClientError(
            "InvalidParameterCombination",
            "Cannot delete protected DB Instance, please disable deletion protection and try again.",
        )
    if instance.status == "deleting":
        raise RDSClientError(
            "InvalidDBInstanceState", f"Instance {db_instance_identifier} is already being deleted."
        )
    instance.twin_generation += 1
    instance.status = "deleting"
    return instance


def _turn(needed: str, becomes: str, verb: str) -> Callable[..., Any]:
    """Return an action that an instance in one status goes through another for."""

    def turn(backend: Any, db_instance_identifier: str, _snapshot: str | None = None) -> Any:
        if _snapshot:
            raise RDSClientError("InvalidParameterCombination", _REFUSED["create_db_snapshot"])
        instance = backend.describe_db_instances(db_instance_identifier)[0]
        if instance.status not in {needed, "failed"}:
            raise RDSClientError(
                "InvalidDBInstanceState",
                f"Instance {db_instance_identifier} is {instance.status}; {verb} needs {needed}.",
            )
        instance.twin_generation += 1
        instance.status = becomes
        return instance

    return turn


for _action, _verb, _needed, _becomes in (
    ("stop_db_instance", "stop", "available", "stopping"),
    ("start_db_instance", "start", "stopped", "starting"),
    ("reboot_db_instance", "reboot", "available", "rebooting"),
):
    patch.replace(RDSBackend, _action)(_turn(_needed, _becomes, _verb))


@patch.replace(RDSResponse, "reboot_db_instance")
def _reboot(response: Any) -> Any:
    if response.params.get("ForceFailover"):
        raise RDSClientError(
            "InvalidParameterCombination", "You cannot fail over to a standby that is not there."
        )
    instance = response.backend.reboot_db_instance(response.params["DBInstanceIdentifier"])
    return ActionResult({"DBInstance": instance})
