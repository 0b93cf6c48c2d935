"""DynamoDB's CloudFormation types: tables."""

from __future__ import annotations

from typing import Any

from underpass.twin.services.cloudformation.resource import Resource
from underpass.twin.services.cloudformation.resource_type import (
    Form,
    LogicalResource,
    Physical,
    Properties,
    ProvisionError,
    changed,
)
from underpass.twin.services.cloudformation.service_calls import truth

# What the update action takes at once; an index is made or deleted by a call of its own.
UPDATED = "BillingMode DeletionProtectionEnabled ProvisionedThroughput SSESpecification StreamSpecification"
NO_STREAM = {"StreamEnabled": False}


class Table(Resource):
    """A table; its items go with it. They outlive their time, for which AWS promises no day."""

    form = Form(
        type="AWS::DynamoDB::Table",
        service="dynamodb",
        honoured=f"{UPDATED} AttributeDefinitions GlobalSecondaryIndexes KeySchema LocalSecondaryIndexes "
        "PointInTimeRecoverySpecification TableName Tags TimeToLiveSpecification",
        inert="ContributorInsightsSpecification OnDemandThroughput TableClass WarmThroughput",
        replaces="KeySchema TableName",
        name="TableName",
        create="create_table",
        made="TableDescription",
        found="describe_table TableName Table",
        attributes="Arn=TableArn StreamArn=LatestStreamArn",
        delete="delete_table TableName",
        tagged="Arn",
    )

    def arguments(self, logical: LogicalResource, properties: Properties) -> dict[str, Any]:
        """Return what the action calls otherwise: encryption and the stream."""
        return _specified(properties)

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change capacity, encryption, stream, indexes and the rest; a new stream has a new ARN."""
        if changed(old, new, "LocalSecondaryIndexes"):
            raise ProvisionError(
                "Local secondary indexes are made with their table and stay as they are"
            )
        named: dict[str, Any] = {"TableName": physical.id}
        before, after = ({**of, **_specified(of)} for of in (old, new))
        wanted = {name: after.get(name) for name in UPDATED.split() if changed(before, after, name)}
        if "StreamSpecification" in wanted:
            if "StreamSpecification" in old and wanted["StreamSpecification"]:
                self.call("update_table", StreamSpecification=NO_STREAM, **named)
            wanted["StreamSpecification"] = wanted["StreamSpecification"] or NO_STREAM
        if any(value is not None for value in wanted.values()):
            self.call("update_table", **wanted, **named)
        self._indexes(physical.id, old, new)
        super().update(logical, physical, old, new)
        return self.physical(physical.id, self.call("describe_table", **named)["Table"])

    def settle(self, physical: Physical, old: Properties, new: Properties) -> None:
        """Put the time to live and the backups, which have actions of their own."""
        named = {"TableName": physical.id}
        if changed(old, new, "TimeToLiveSpecification"):
            before, after = (of.get("TimeToLiveSpecification") for of in (old, new))
            given = after or {**(before or {}), "Enabled": False}
            self.call("update_time_to_live", TimeToLiveSpecification=given, **named)
        if changed(old, new, "PointInTimeRecoverySpecification"):
            given = new.get("PointInTimeRecoverySpecification") or {}
            enabled = {"PointInTimeRecoveryEnabled": given.get("PointInTimeRecoveryEnabled", False)}
            self.call(
                "update_continuous_backups", PointInTimeRecoverySpecification=enabled, **named
            )

    def _indexes(self, table: str, old: Properties, new: Properties) -> None:
        before, after = (
            {one["IndexName"]: one for one in of.get("GlobalSecondaryIndexes") or ()}
            for of in (old, new)
        )
        steps = [
            {"Delete": {"IndexName": name}} for name in before if before[name] != after.get(name)
        ]
        steps += [{"Create": one} for name, one in after.items() if before.get(name) != one]
        for step in steps:
            defined = new.get("AttributeDefinitions")
            named = {"TableName": table, "AttributeDefinitions": defined}
            self.call("update_table", GlobalSecondaryIndexUpdates=[step], **named)


def _specified(properties: Properties) -> dict[str, Any]:
    """Return encryption and the stream in the action's own words."""
    found: dict[str, Any] = {}
    if encrypted := properties.get("SSESpecification"):
        rest = {key: value for key, value in encrypted.items() if key != "SSEEnabled"}
        found["SSESpecification"] = {"Enabled": truth(encrypted.get("SSEEnabled", False)), **rest}
    if stream := properties.get("StreamSpecification"):
        view = stream.get("StreamViewType")
        found["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": view}
    return found
