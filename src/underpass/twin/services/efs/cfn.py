"""EFS's CloudFormation types: file systems, mount targets and access points."""

from __future__ import annotations

from functools import partial
from typing import Any

from underpass.twin.services.cloudformation.resource import Resource
from underpass.twin.services.cloudformation.resource_type import (
    Described,
    Form,
    LogicalResource,
    Properties,
    Setting,
    Tagging,
    only,
)

EFS = partial(Form, service="efs", tagging=Tagging(resource="ResourceId"))


class FileSystem(Resource):
    """A file system; it is deleted once its mount targets are gone."""

    form = EFS(
        type="AWS::EFS::FileSystem",
        honoured="BackupPolicy Encrypted FileSystemPolicy FileSystemTags KmsKeyId LifecyclePolicies "
        "ThroughputMode",
        inert="BypassPolicyLockoutSafetyCheck FileSystemProtection",
        replaces="Encrypted KmsKeyId",
        tags="FileSystemTags",
        create="create_file_system",
        ref="{FileSystemId}",
        attributes="FileSystemId Arn=FileSystemArn",
        update="update_file_system FileSystemId",
        settings={
            "LifecyclePolicies": Setting(
                "put_lifecycle_configuration", "LifecyclePolicies", default=[]
            ),
            "BackupPolicy": Setting(
                "put_backup_policy", "BackupPolicy", default={"Status": "DISABLED"}
            ),
            "FileSystemPolicy": Setting(
                "put_file_system_policy", "Policy", "delete_file_system_policy"
            ),
        },
        described=Described("describe_file_systems FileSystemId", "FileSystems", "LifeCycleState"),
        delete="delete_file_system FileSystemId",
    )

    def arguments(self, logical: LogicalResource, properties: Properties) -> dict[str, Any]:
        """Return a token, and the tags its data folder is known by."""
        return {
            "CreationToken": logical.generated_name(),
            "Tags": [*(properties.get("FileSystemTags") or ()), *logical.tags()],
        }


class MountTarget(Resource):
    """A file system's interface in a subnet: one for each Availability Zone at most."""

    form = EFS(
        type="AWS::EFS::MountTarget",
        honoured="FileSystemId IpAddress IpAddressType SecurityGroups SubnetId",
        replaces="FileSystemId IpAddress IpAddressType SubnetId",
        create="create_mount_target",
        ref="{MountTargetId}",
        attributes="Id=Ref IpAddress",
        update="modify_mount_target_security_groups MountTargetId",
        described=Described(
            "describe_mount_targets MountTargetId", "MountTargets", "LifeCycleState"
        ),
        delete="delete_mount_target MountTargetId",
    )

    def arguments(self, logical: LogicalResource, properties: Properties) -> dict[str, Any]:
        """Refuse IPv6."""
        only(properties, "IpAddressType", "IPV4_ONLY")
        return {}


class AccessPoint(Resource):
    """A way into a file system: as whom, and below which folder; the files stay when it goes."""

    form = EFS(
        type="AWS::EFS::AccessPoint",
        honoured="AccessPointTags ClientToken FileSystemId PosixUser RootDirectory",
        replaces="ClientToken FileSystemId PosixUser RootDirectory",
        tags="AccessPointTags",
        name="ClientToken",
        longest=64,
        create="create_access_point",
        ref="{AccessPointId}",
        attributes="AccessPointId Arn=AccessPointArn",
        described=Described(
            "describe_access_points AccessPointId", "AccessPoints", "LifeCycleState"
        ),
        delete="delete_access_point AccessPointId",
    )
