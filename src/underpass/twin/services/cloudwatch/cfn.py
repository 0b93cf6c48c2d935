"""CloudWatch's CloudFormation types: alarms and dashboards."""

from __future__ import annotations

from underpass.twin.services.cloudformation.resource_type import Described, Form, Tagging

PLAIN = (
    Form(
        type="AWS::CloudWatch::Alarm",
        service="cloudwatch",
        tagging=Tagging(resource="ResourceARN"),
        honoured="ActionsEnabled AlarmActions AlarmDescription AlarmName ComparisonOperator "
        "DatapointsToAlarm Dimensions EvaluateLowSampleCountPercentile EvaluationPeriods "
        "ExtendedStatistic MetricName Metrics Namespace OKActions Period Statistic Tags Threshold "
        "TreatMissingData",
        replaces="AlarmName",
        name="AlarmName",
        create="put_metric_alarm",
        found="describe_alarms AlarmNames MetricAlarms.0",
        takes_over=True,
        attributes="Arn=AlarmArn",
        update="put_metric_alarm AlarmName",
        described=Described("describe_alarms AlarmNames", "MetricAlarms"),
        tagged="Arn",
        delete="delete_alarms AlarmNames",
    ),
    Form(
        type="AWS::CloudWatch::Dashboard",
        service="cloudwatch",
        honoured="DashboardBody DashboardName",
        inert="Tags",
        replaces="DashboardName",
        name="DashboardName",
        create="put_dashboard",
        update="put_dashboard DashboardName",
        delete="delete_dashboards DashboardNames",
    ),
)
