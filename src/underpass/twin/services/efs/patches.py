"""EFS in moto: its mount targets made to have the interfaces AWS gives them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.efs.exceptions import FileSystemNotFound
from moto.efs.models import EFSBackend
from moto.efs.responses import EFSResponse

from underpass.twin.api import patch
from underpass.twin.services.ec2.patches import mark_interface


@patch.wrap(EFSBackend, "create_mount_target")
def _create(
    original: Callable[..., Any],
    backend: Any,
    file_system_id: str,
    subnet_id: str,
    ip_address: str | None = None,
    security_groups: list[str] | None = None,
) -> Any:
    ec2 = backend.ec2_backend
    if not security_groups and subnet_id in {subnet.id for subnet in ec2.describe_subnets()}:
        security_groups = [ec2.get_default_security_group(ec2.get_subnet(subnet_id).vpc_id).id]
    target = original(backend, file_system_id, subnet_id, ip_address, security_groups)
    interface = ec2.get_network_interface(target.network_interface_id)
    target.security_groups = [group.id for group in interface.group_set]
    # https://docs.aws.amazon.com/efs/latest/ug/accessing-fs.html: how a user recognises it
    description = f"EFS mount target for {file_system_id} ({target.mount_target_id})"
    mark_interface(interface, description, "efs")
    return target


@patch.wrap(EFSBackend, "modify_mount_target_security_groups")
def _modify(
    original: Callable[..., None], backend: Any, mount_target_id: str, security_groups: list[str]
) -> None:
    original(backend, mount_target_id, security_groups)
    target = backend.mount_targets_by_id[mount_target_id]
    backend.ec2_backend.modify_network_interface_attribute(
        target.network_interface_id, security_groups
    )


@patch.add(EFSResponse, "put_backup_policy")
def _put_backup_policy(response: Any) -> Any:
    policy = response._get_param("BackupPolicy")  # noqa: SLF001
    _file_system(response)._backup = policy["Status"] == "ENABLED"  # noqa: SLF001  moto has no setter
    return json.dumps({"BackupPolicy": policy}), {"Content-Type": "application/json"}


@patch.add(EFSResponse, "update_file_system")
def _update_file_system(response: Any) -> Any:
    system = _file_system(response)
    mode = response._get_param("ThroughputMode")  # noqa: SLF001
    system.throughput_mode = mode or system.throughput_mode
    system.provisioned_throughput_in_mibps = response._get_param("ProvisionedThroughputInMibps")  # noqa: SLF001
    return json.dumps(system.info_json()), {"status": 202, "Content-Type": "application/json"}


def _file_system(response: Any) -> Any:
    system_id = response._get_param("FileSystemId")  # noqa: SLF001
    system = response.efs_backend.file_systems_by_id.get(system_id)
    if system is None:
        raise FileSystemNotFound(system_id)
    return system
