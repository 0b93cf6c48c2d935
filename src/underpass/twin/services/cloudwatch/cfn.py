"""Alarms and dashboards."""

from __future__ import annotations

from underpass.twin.services.cloudformation.resource import Resource, attributes, names
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
)
from underpass.twin.services.cloudformation.tagging import Tagging


class Alarm(Resource):
    """An alarm on a metric."""

    type = "AWS::CloudWatch::Alarm"
    service = "cloudwatch"
    tagging = Tagging(resource="ResourceARN")
    honoured = names(
        "ActionsEnabled AlarmActions AlarmDescription AlarmName ComparisonOperator DatapointsToAlarm "
        "Dimensions EvaluateLowSampleCountPercentile EvaluationPeriods ExtendedStatistic "
        "InsufficientDataActions MetricName Metrics Namespace OKActions Period Statistic Tags Threshold "
        "ThresholdMetricId TreatMissingData Unit"
    )
    replaces = names("AlarmName")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Put the alarm."""
        return self._put(properties.get("AlarmName") or logical.generated_name(255), properties)

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Put the alarm anew."""
        put = self._put(physical.id, new)
        self.retag(put.attributes["Arn"], old.get("Tags"), new.get("Tags"))
        return put

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the alarm."""
        self.remove("delete_alarms", AlarmNames=[physical.id])

    def _put(self, name: str, properties: Properties) -> Physical:
        self.call("put_metric_alarm", properties, AlarmName=name)
        found = self.one("describe_alarms", "MetricAlarms", AlarmNames=[name])
        return Physical(name, attributes(Arn=found["AlarmArn"] if found else None))


class CompositeAlarm(Resource):
    """An alarm on other alarms."""

    type = "AWS::CloudWatch::CompositeAlarm"
    service = "cloudwatch"
    tagging = Tagging(resource="ResourceARN")
    honoured = names(
        "ActionsEnabled ActionsSuppressor ActionsSuppressorExtensionPeriod ActionsSuppressorWaitPeriod "
        "AlarmActions AlarmDescription AlarmName AlarmRule InsufficientDataActions OKActions Tags"
    )
    replaces = names("AlarmName")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Put the alarm."""
        return self._put(properties.get("AlarmName") or logical.generated_name(255), properties)

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Put the alarm anew."""
        put = self._put(physical.id, new)
        self.retag(put.attributes["Arn"], old.get("Tags"), new.get("Tags"))
        return put

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the alarm."""
        self.remove("delete_alarms", AlarmNames=[physical.id])

    def _put(self, name: str, properties: Properties) -> Physical:
        self.call("put_composite_alarm", properties, AlarmName=name)
        found = self.one(
            "describe_alarms", "CompositeAlarms", AlarmNames=[name], AlarmTypes=["CompositeAlarm"]
        )
        return Physical(name, attributes(Arn=found["AlarmArn"] if found else None))


class Dashboard(Resource):
    """A dashboard."""

    type = "AWS::CloudWatch::Dashboard"
    service = "cloudwatch"
    honoured = names("DashboardBody DashboardName")
    inert = names("Tags")
    replaces = names("DashboardName")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Put the dashboard."""
        name = properties.get("DashboardName") or logical.generated_name(255)
        self.call("put_dashboard", properties, DashboardName=name)
        return Physical(name)

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Put the dashboard anew."""
        self.call("put_dashboard", new, DashboardName=physical.id)
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the dashboard."""
        self.remove("delete_dashboards", DashboardNames=[physical.id])
