"""RDS's CloudFormation types: instances, their subnet groups and parameter groups, who is told of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from underpass.twin.services.cloudformation.resource import Resource
from underpass.twin.services.cloudformation.resource_type import (
    Described,
    Form,
    LogicalResource,
    Physical,
    Properties,
    Tagging,
    changed,
    differ,
    pick,
)
from underpass.twin.services.rds.engine_parameters import of_family

RDS = partial(
    Form,
    service="rds",
    tagging=Tagging("add_tags_to_resource", "remove_tags_from_resource", "ResourceName"),
)
EXPORTS = "EnableCloudwatchLogsExports"

PLAIN = (
    RDS(  # RDS keeps names in lower case
        type="AWS::RDS::DBSubnetGroup",
        honoured="DBSubnetGroupDescription DBSubnetGroupName SubnetIds Tags",
        replaces="DBSubnetGroupName",
        name="DBSubnetGroupName",
        lower=True,
        create="create_db_subnet_group",
        made="DBSubnetGroup",
        attributes="DBSubnetGroupArn",
        update="modify_db_subnet_group DBSubnetGroupName",
        tagged="DBSubnetGroupArn",
        delete="delete_db_subnet_group DBSubnetGroupName",
    ),
)


class DbParameterGroup(Resource):
    """Settings of a database engine."""

    form = RDS(
        type="AWS::RDS::DBParameterGroup",
        honoured="DBParameterGroupName Description Family Parameters Tags",
        replaces="DBParameterGroupName Description Family",
        renamed={"Family": "DBParameterGroupFamily"},
        name="DBParameterGroupName",
        lower=True,
        create="create_db_parameter_group",
        made="DBParameterGroup",
        attributes="DBParameterGroupArn DBParameterGroupName",
        tagged="DBParameterGroupArn",
        delete="delete_db_parameter_group DBParameterGroupName",
    )

    def settle(self, physical: Physical, old: Properties, new: Properties) -> None:
        """Set the parameters that changed and reset those that went."""
        before, after = old.get("Parameters") or {}, new.get("Parameters") or {}
        known = of_family(str(new.get("Family")))
        static = {name for name, one in known.items() if one.static}
        come = [_parameter(k, static, v) for k, v in after.items() if before.get(k) != v]
        gone = [_parameter(k, static) for k in before if k not in after]
        named = {"DBParameterGroupName": physical.id}
        if come:
            self.call("modify_db_parameter_group", Parameters=come, **named)
        if gone:
            self.call("reset_db_parameter_group", Parameters=gone, **named)


class EventSubscription(Resource):
    """A topic that is told what happens to databases."""

    form = RDS(
        type="AWS::RDS::EventSubscription",
        honoured="Enabled EventCategories SnsTopicArn SourceIds SourceType SubscriptionName Tags",
        replaces="SnsTopicArn SubscriptionName",
        defaults={"Enabled": True},
        name="SubscriptionName",
        create="create_event_subscription",
        made="EventSubscription",
        update="modify_event_subscription SubscriptionName",
        delete="delete_event_subscription SubscriptionName",
    )

    def settle(self, physical: Physical, old: Properties, new: Properties) -> None:
        """Change which databases it tells of."""
        gone, come = differ(old, new, "SourceIds")
        for verb, sources in (
            ("add_source_identifier_to", come),
            ("remove_source_identifier_from", gone),
        ):
            for source in sources:
                named = {"SubscriptionName": physical.id, "SourceIdentifier": source}
                self.call(f"{verb}_subscription", **named)

    def retag(self, physical: Physical, old: Any, new: Any) -> None:
        """Change tags, which are put on the ARN; CloudFormation knows the subscription's name only."""
        named = {"SubscriptionName": physical.id}
        found = self.one("describe_event_subscriptions", "EventSubscriptionsList", **named)
        if found:
            super().retag(Physical(found["EventSubscriptionArn"]), old, new)


class DbInstance(Resource):
    """A database instance, usable once it is available."""

    form = RDS(
        type="AWS::RDS::DBInstance",
        honoured="AllocatedStorage AllowMajorVersionUpgrade AvailabilityZone BackupRetentionPeriod "
        "DBInstanceClass DBInstanceIdentifier DBName DBParameterGroupName DBSnapshotIdentifier "
        "DBSubnetGroupName DeletionProtection EnableCloudwatchLogsExports "
        "EnableIAMDatabaseAuthentication Engine EngineVersion KmsKeyId ManageMasterUserPassword "
        "MasterUserPassword MasterUserSecret MasterUsername MultiAZ Port PubliclyAccessible "
        "StorageEncrypted StorageType Tags VPCSecurityGroups",
        inert="ApplyImmediately AutoMinorVersionUpgrade CACertificateIdentifier "
        "CertificateRotationRestart CopyTagsToSnapshot DatabaseInsightsMode DedicatedLogVolume "
        "DeleteAutomatedBackups EnablePerformanceInsights EngineLifecycleSupport Iops LicenseModel "
        "MaxAllocatedStorage MonitoringInterval MonitoringRoleArn NetworkType OptionGroupName "
        "PerformanceInsightsKMSKeyId PerformanceInsightsRetentionPeriod PreferredBackupWindow "
        "PreferredMaintenanceWindow StorageThroughput",
        replaces="AvailabilityZone DBInstanceIdentifier DBName DBSnapshotIdentifier DBSubnetGroupName "
        "Engine KmsKeyId MasterUsername StorageEncrypted",
        renamed={"VPCSecurityGroups": "VpcSecurityGroupIds"},
        name="DBInstanceIdentifier",
        longest=63,
        lower=True,
        create="create_db_instance",
        made="DBInstance",
        attributes="DBInstanceArn DbiResourceId",
        tagged="DBInstanceArn",
        described=Described(
            "describe_db_instances DBInstanceIdentifier",
            "DBInstances",
            "DBInstanceStatus",
            bad="failed incompatible-parameters incompatible-network storage-full deleted",
            timeout_s=300.0,  # an upgrade takes its time
        ),
        delete="delete_db_instance DBInstanceIdentifier",
    )

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make an instance; one from a snapshot is asked for as such, which the twin refuses by name."""
        if snapshot := properties.get("DBSnapshotIdentifier"):
            named = {"DBInstanceIdentifier": self.made_up_name(logical, properties)}
            self.call(
                "restore_db_instance_from_db_snapshot", DBSnapshotIdentifier=snapshot, **named
            )
        return super().create(logical, properties)

    def arguments(self, logical: LogicalResource, properties: Properties) -> dict[str, Any]:
        """Return the tags its data folder is known by, and its secret's key."""
        return {
            "Tags": [*(properties.get("Tags") or ()), *logical.tags()],
            "MasterUserSecretKmsKeyId": pick(properties, "MasterUserSecret.KmsKeyId"),
        }

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change class, storage, password, groups and the like at once."""
        fixed = self.replaces | self.inert | {"AllowMajorVersionUpgrade", "Tags"}
        changes = {k: v for k, v in new.items() if k not in fixed and old.get(k) != v}
        if changes or changed(old, new, EXPORTS):
            self.call(
                "modify_db_instance",
                self.wanted(changes),
                DBInstanceIdentifier=physical.id,
                ApplyImmediately=True,
                AllowMajorVersionUpgrade=new.get("AllowMajorVersionUpgrade"),
                DBPortNumber=changes.get("Port"),
                CloudwatchLogsExportConfiguration=_exports(old, new),
            )
        return super().update(logical, physical, old, new)

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the instance without a snapshot; AWS refuses while it has deletion protection."""
        found = self.describe(physical.id)
        if found and found["DBInstanceStatus"] != "deleting":
            named = {"DBInstanceIdentifier": physical.id}
            self.remove("delete_db_instance", SkipFinalSnapshot=True, **named)
        self.until_gone(lambda: self.describe(physical.id), timeout_s=120.0)

    def attributes(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Add where it listens, and its secret."""
        return super().attributes(document) | {
            "Endpoint.Address": pick(document, "Endpoint.Address") or "",
            "Endpoint.Port": str(pick(document, "Endpoint.Port") or ""),
            "Endpoint.HostedZoneId": pick(document, "Endpoint.HostedZoneId") or "",
            "MasterUserSecret.SecretArn": pick(document, "MasterUserSecret.SecretArn") or "",
        }


def _parameter(name: str, static: Collection[str], value: Any = None) -> dict[str, Any]:
    method = "pending-reboot" if name in static else "immediate"
    parameter = {"ParameterName": name, "ApplyMethod": method}
    return parameter if value is None else {**parameter, "ParameterValue": value}


def _exports(old: Properties, new: Properties) -> dict[str, list[str]] | None:
    gone, come = differ(old, new, EXPORTS)
    return {"EnableLogTypes": come, "DisableLogTypes": gone} if gone or come else None
