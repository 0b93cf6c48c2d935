"""EFS file systems, mount targets and access points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from underpass.twin.services.cloudformation.resource import (
    Resource,
    attributes,
    changed,
    names,
    only,
)
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
)
from underpass.twin.services.cloudformation.tagging import Tagging


class EfsResource(Resource):
    """A resource of EFS."""

    service = "efs"
    tagging = Tagging(resource="ResourceId")


class FileSystem(EfsResource):
    """A file system."""

    type = "AWS::EFS::FileSystem"
    honoured = names(
        "AvailabilityZoneName BackupPolicy Encrypted FileSystemPolicy FileSystemTags KmsKeyId "
        "LifecyclePolicies PerformanceMode ProvisionedThroughputInMibps ThroughputMode"
    )
    inert = names("BypassPolicyLockoutSafetyCheck FileSystemProtection")
    replaces = names("AvailabilityZoneName Encrypted KmsKeyId PerformanceMode")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the file system and wait until it is available."""
        made = self.call(
            "create_file_system",
            properties,
            CreationToken=logical.generated_name(),
            Tags=[*(properties.get("FileSystemTags") or ()), *logical.tags()],
        )
        system_id = made["FileSystemId"]
        physical = Physical(
            system_id, attributes(FileSystemId=system_id, Arn=made["FileSystemArn"])
        )
        with self.undone_on_failure(physical, properties):
            self.in_state(lambda: self._describe(system_id), "LifeCycleState", "available")
            self._policies(system_id, {}, properties)
        return physical

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change throughput, lifecycle, backups, policy and tags."""
        if changed(old, new, "ThroughputMode ProvisionedThroughputInMibps"):
            self.call("update_file_system", new, FileSystemId=physical.id)
        self._policies(physical.id, old, new)
        self.retag(physical.id, old.get("FileSystemTags"), new.get("FileSystemTags"))
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the file system once its mount targets are gone."""
        self.remove("delete_file_system", FileSystemId=physical.id)
        self.until_gone(lambda: self._describe(physical.id))

    def _describe(self, system_id: str) -> Mapping[str, Any] | None:
        return self.one("describe_file_systems", "FileSystems", FileSystemId=system_id)

    def _policies(self, system_id: str, old: Properties, new: Properties) -> None:
        if changed(old, new, "LifecyclePolicies"):
            policies = new.get("LifecyclePolicies") or []
            self.call(
                "put_lifecycle_configuration", FileSystemId=system_id, LifecyclePolicies=policies
            )
        if changed(old, new, "BackupPolicy"):
            policy = new.get("BackupPolicy") or {"Status": "DISABLED"}
            self.call("put_backup_policy", FileSystemId=system_id, BackupPolicy=policy)
        if changed(old, new, "FileSystemPolicy"):
            wanted = new.get("FileSystemPolicy")
            if wanted:
                self.call("put_file_system_policy", FileSystemId=system_id, Policy=wanted)
            else:
                self.remove("delete_file_system_policy", FileSystemId=system_id)


class MountTarget(EfsResource):
    """A file system's interface in a subnet: one for each Availability Zone at most."""

    type = "AWS::EFS::MountTarget"
    honoured = names("FileSystemId IpAddress IpAddressType SecurityGroups SubnetId")
    replaces = names("FileSystemId IpAddress IpAddressType SubnetId")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the mount target and wait until it is available."""
        only(properties, "IpAddressType", "IPV4_ONLY")
        target_id = self.call("create_mount_target", properties)["MountTargetId"]
        with self.undone_on_failure(Physical(target_id), properties):
            found = self.in_state(lambda: self._describe(target_id), "LifeCycleState", "available")
        return Physical(target_id, attributes(Id=target_id, IpAddress=found.get("IpAddress")))

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change security groups."""
        self.call(
            "modify_mount_target_security_groups",
            MountTargetId=physical.id,
            SecurityGroups=new["SecurityGroups"],
        )
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the mount target and wait until its interface is gone."""
        self.remove("delete_mount_target", MountTargetId=physical.id)
        self.until_gone(lambda: self._describe(physical.id))

    def _describe(self, target_id: str) -> Mapping[str, Any] | None:
        return self.one("describe_mount_targets", "MountTargets", MountTargetId=target_id)


class AccessPoint(EfsResource):
    """A way into a file system: as whom, and below which folder."""

    type = "AWS::EFS::AccessPoint"
    honoured = names("AccessPointTags ClientToken FileSystemId PosixUser RootDirectory")
    replaces = names("ClientToken FileSystemId PosixUser RootDirectory")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the access point and wait until it is available."""
        made = self.call(
            "create_access_point",
            properties,
            ClientToken=properties.get("ClientToken") or logical.generated_name(),
            Tags=properties.get("AccessPointTags"),
        )
        point_id = made["AccessPointId"]
        physical = Physical(
            point_id, attributes(AccessPointId=point_id, Arn=made["AccessPointArn"])
        )
        with self.undone_on_failure(physical, properties):
            self.in_state(lambda: self._describe(point_id), "LifeCycleState", "available")
        return physical

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change tags."""
        self.retag(physical.id, old.get("AccessPointTags"), new.get("AccessPointTags"))
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the access point; the files below it stay."""
        self.remove("delete_access_point", AccessPointId=physical.id)

    def _describe(self, point_id: str) -> Mapping[str, Any] | None:
        return self.one("describe_access_points", "AccessPoints", AccessPointId=point_id)
