"""Log groups and the metrics drawn from them."""

from __future__ import annotations

from underpass.twin.services.cloudformation.resource import Resource, attributes, changed, names
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
)


class LogGroup(Resource):
    """A log group."""

    type = "AWS::Logs::LogGroup"
    service = "logs"
    honoured = names("KmsKeyId LogGroupClass LogGroupName RetentionInDays Tags")
    inert = names("BearerTokenAuthenticationEnabled DeletionProtectionEnabled FieldIndexPolicies")
    replaces = names("LogGroupName")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the group."""
        name = properties.get("LogGroupName") or logical.generated_name(512)
        self.call("create_log_group", properties, LogGroupName=name)
        with self.undone_on_failure(Physical(name), properties):
            self._retain(name, {}, properties)
            found = self.one("describe_log_groups", "logGroups", LogGroupNamePrefix=name)
        arn = str(found["arn"]) if found else ""
        return Physical(name, attributes(Arn=arn if arn.endswith(":*") else f"{arn}:*"))

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change retention, key and tags; what was logged stays."""
        name = physical.id
        self._retain(name, old, new)
        if changed(old, new, "KmsKeyId"):
            if "KmsKeyId" in new:
                self.call("associate_kms_key", LogGroupName=name, KmsKeyId=new["KmsKeyId"])
            else:
                self.call("disassociate_kms_key", LogGroupName=name)
        arn = str(physical.attributes["Arn"]).removesuffix(":*")
        self.retag(arn, old.get("Tags"), new.get("Tags"))
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the group with what was logged."""
        self.remove("delete_log_group", LogGroupName=physical.id)

    def _retain(self, name: str, old: Properties, new: Properties) -> None:
        if changed(old, new, "RetentionInDays"):
            if "RetentionInDays" in new:
                self.call("put_retention_policy", new, LogGroupName=name)
            else:
                self.remove("delete_retention_policy", LogGroupName=name)


class MetricFilter(Resource):
    """A metric counted from what is logged."""

    type = "AWS::Logs::MetricFilter"
    service = "logs"
    honoured = names("FilterName FilterPattern LogGroupName MetricTransformations")
    inert = names("ApplyOnTransformedLogs EmitSystemFieldDimensions FieldSelectionCriteria")
    replaces = names("FilterName LogGroupName")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Put the filter."""
        name = properties.get("FilterName") or logical.generated_name(512)
        return self._put(name, properties)

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Put the filter anew."""
        return self._put(physical.id, new)

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the filter."""
        group = properties["LogGroupName"]
        self.remove("delete_metric_filter", LogGroupName=group, FilterName=physical.id)

    def _put(self, name: str, properties: Properties) -> Physical:
        self.call("put_metric_filter", properties, FilterName=name)
        return Physical(name)
