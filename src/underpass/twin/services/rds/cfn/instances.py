"""RDS instances, their subnet groups and parameter groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from underpass.twin.services.cloudformation.resource import Resource, attributes, changed, names
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
)
from underpass.twin.services.cloudformation.tagging import Tagging

DATABASE_S = 120.0
EXPORTS = "EnableCloudwatchLogsExports"


class RdsResource(Resource):
    """A resource of RDS."""

    service = "rds"
    tagging = Tagging("add_tags_to_resource", "remove_tags_from_resource", "ResourceName")


class DbSubnetGroup(RdsResource):
    """The subnets a database may live in."""

    type = "AWS::RDS::DBSubnetGroup"
    honoured = names("DBSubnetGroupDescription DBSubnetGroupName SubnetIds Tags")
    replaces = names("DBSubnetGroupName")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the group; RDS keeps names in lower case."""
        name = properties.get("DBSubnetGroupName") or logical.generated_name(255)
        made = self.call("create_db_subnet_group", properties, DBSubnetGroupName=name.lower())[
            "DBSubnetGroup"
        ]
        arn = made.get("DBSubnetGroupArn")
        return Physical(made["DBSubnetGroupName"], attributes(DBSubnetGroupArn=arn))

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change subnets, description and tags."""
        if changed(old, new, "SubnetIds DBSubnetGroupDescription"):
            self.call("modify_db_subnet_group", new, DBSubnetGroupName=physical.id)
        self.retag(physical.attributes["DBSubnetGroupArn"], old.get("Tags"), new.get("Tags"))
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the group once no database uses it."""
        self.remove("delete_db_subnet_group", DBSubnetGroupName=physical.id)


class DbParameterGroup(RdsResource):
    """Settings of a database engine."""

    type = "AWS::RDS::DBParameterGroup"
    honoured = names("DBParameterGroupName Description Family Parameters Tags")
    replaces = names("DBParameterGroupName Description Family")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the group and set its parameters."""
        name = properties.get("DBParameterGroupName") or logical.generated_name(255)
        made = self.call(
            "create_db_parameter_group",
            properties,
            DBParameterGroupName=name.lower(),
            DBParameterGroupFamily=properties["Family"],
        )["DBParameterGroup"]
        physical = Physical(
            made["DBParameterGroupName"],
            attributes(
                DBParameterGroupArn=made.get("DBParameterGroupArn"),
                DBParameterGroupName=made["DBParameterGroupName"],
            ),
        )
        with self.undone_on_failure(physical, properties):
            self._set(physical.id, {}, properties)
        return physical

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Set the parameters that changed and reset those that went."""
        self._set(physical.id, old, new)
        self.retag(physical.attributes["DBParameterGroupArn"], old.get("Tags"), new.get("Tags"))
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the group once no database uses it."""
        self.remove("delete_db_parameter_group", DBParameterGroupName=physical.id)

    def _set(self, name: str, old: Properties, new: Properties) -> None:
        before, after = old.get("Parameters") or {}, new.get("Parameters") or {}
        come = [_parameter(k, v) for k, v in after.items() if before.get(k) != v]
        gone = [_parameter(k) for k in before if k not in after]
        if come:
            self.call("modify_db_parameter_group", DBParameterGroupName=name, Parameters=come)
        if gone:
            self.call("reset_db_parameter_group", DBParameterGroupName=name, Parameters=gone)


class DbInstance(RdsResource):
    """A database instance, usable once it is available."""

    type = "AWS::RDS::DBInstance"
    honoured = names(
        "AllocatedStorage AvailabilityZone BackupRetentionPeriod DBInstanceClass DBInstanceIdentifier "
        "DBName DBParameterGroupName DBSubnetGroupName DeletionProtection EnableCloudwatchLogsExports "
        "EnableIAMDatabaseAuthentication Engine EngineVersion KmsKeyId ManageMasterUserPassword "
        "MasterUserPassword MasterUserSecret MasterUsername MultiAZ Port PubliclyAccessible "
        "StorageEncrypted StorageType Tags VPCSecurityGroups"
    )
    inert = names(
        "AllowMajorVersionUpgrade ApplyImmediately AutoMinorVersionUpgrade CACertificateIdentifier "
        "CertificateRotationRestart CopyTagsToSnapshot DatabaseInsightsMode DedicatedLogVolume "
        "DeleteAutomatedBackups EnablePerformanceInsights EngineLifecycleSupport Iops LicenseModel "
        "MaxAllocatedStorage MonitoringInterval MonitoringRoleArn NetworkType OptionGroupName "
        "PerformanceInsightsKMSKeyId PerformanceInsightsRetentionPeriod PreferredBackupWindow "
        "PreferredMaintenanceWindow StorageThroughput"
    )
    replaces = names(
        "AvailabilityZone DBInstanceIdentifier DBName DBSubnetGroupName Engine KmsKeyId MasterUsername "
        "StorageEncrypted"
    )

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the instance and wait until it is available."""
        name = properties.get("DBInstanceIdentifier") or logical.generated_name(63)
        made = self.call(
            "create_db_instance",
            properties,
            DBInstanceIdentifier=name.lower(),
            Tags=[*(properties.get("Tags") or ()), *logical.tags()],
            VpcSecurityGroupIds=properties.get("VPCSecurityGroups"),
            MasterUserSecretKmsKeyId=(properties.get("MasterUserSecret") or {}).get("KmsKeyId"),
        )["DBInstance"]
        physical = Physical(made["DBInstanceIdentifier"])
        with self.undone_on_failure(physical, properties):
            return self._available(physical.id)

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change class, storage, password, groups and the like at once."""
        fixed = self.replaces | self.inert | {"Tags"}
        changes = {k: v for k, v in new.items() if k not in fixed and old.get(k) != v}
        if changes or changed(old, new, EXPORTS):
            self.call(
                "modify_db_instance",
                changes,
                DBInstanceIdentifier=physical.id,
                ApplyImmediately=True,
                DBPortNumber=changes.get("Port"),
                VpcSecurityGroupIds=changes.get("VPCSecurityGroups"),
                CloudwatchLogsExportConfiguration=_exports(old, new),
            )
        self.retag(physical.attributes["DBInstanceArn"], old.get("Tags"), new.get("Tags"))
        return self._available(physical.id)

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the instance without a snapshot; AWS refuses while it has deletion protection."""
        found = self._describe(physical.id)
        if found and found["DBInstanceStatus"] != "deleting":
            self.remove(
                "delete_db_instance", DBInstanceIdentifier=physical.id, SkipFinalSnapshot=True
            )
        self.until_gone(lambda: self._describe(physical.id), timeout_s=DATABASE_S)

    def _describe(self, name: str) -> Mapping[str, Any] | None:
        return self.one("describe_db_instances", "DBInstances", DBInstanceIdentifier=name)

    def _available(self, name: str) -> Physical:
        found = self.in_state(
            lambda: self._describe(name),
            "DBInstanceStatus",
            "available",
            bad="failed incompatible-parameters incompatible-network storage-full deleted",
            timeout_s=DATABASE_S,
        )
        endpoint = found.get("Endpoint") or {}
        secret = found.get("MasterUserSecret") or {}
        return Physical(
            name,
            {
                **attributes(
                    DBInstanceArn=found["DBInstanceArn"],
                    DbiResourceId=found.get("DbiResourceId"),
                ),
                "Endpoint.Address": endpoint.get("Address", ""),
                "Endpoint.Port": str(endpoint.get("Port", "")),
                "Endpoint.HostedZoneId": endpoint.get("HostedZoneId", ""),
                "MasterUserSecret.SecretArn": secret.get("SecretArn", ""),
            },
        )


def _parameter(name: str, value: Any = None) -> dict[str, Any]:
    parameter = {"ParameterName": name, "ApplyMethod": "pending-reboot"}
    return parameter if value is None else {**parameter, "ParameterValue": value}


def _exports(old: Properties, new: Properties) -> dict[str, list[str]] | None:
    before = set(old.get(EXPORTS) or ())
    after = set(new.get(EXPORTS) or ())
    if before == after:
        return None
    return {
        "EnableLogTypes": sorted(after - before),
        "DisableLogTypes": sorted(before - after),
    }
