"""An alarm: when it is raised, what no data mean, and whom it tells.

Each says with ``missing`` what CloudWatch is to make of minutes without data, as no answer fits all:

========================  =====================================================================
Missing.BREACHING         silence is the failure itself: no healthy host, no run
Missing.NOT_BREACHING     silence is calm: AWS publishes the metric only when there is something
Missing.MISSING           silence says nothing: the measuring itself has stopped
========================  =====================================================================

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, TypeAlias

from troposphere import Ref, Template
from troposphere.cloudwatch import Alarm, MetricDataQuery, MetricStat

from underpass.blueprint.monitoring.metrics import Metric

Topic: TypeAlias = Ref
"""The ARN of the topic that alarms tell."""


class Missing(StrEnum):
    """What minutes without data mean."""

    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"
    MISSING = "missing"


@dataclass(frozen=True)
class When:
    """When an alarm is raised: ``minutes`` of ``of`` data points are on the wrong side of ``limit``."""

    side: Literal["<", ">=", ">"]
    limit: float
    points: int
    of: int
    missing: Missing

    def properties(self) -> dict[str, Any]:
        """Return them as the alarm's properties."""
        comparisons = {
            "<": "LessThanThreshold",
            ">=": "GreaterThanOrEqualToThreshold",
            ">": "GreaterThanThreshold",
        }
        return {
            "ComparisonOperator": comparisons[self.side],
            "Threshold": self.limit,
            "DatapointsToAlarm": self.points,
            "EvaluationPeriods": self.of,
            "TreatMissingData": self.missing.value,
        }


# A single time is told: what does it once in weeks has no second minute to fail in.
FAILED = When(">", 0, 1, 1, Missing.NOT_BREACHING)
# CPU that goes on being charged for half of an hour: an instance that ends pays its debt at once, too.
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-performance-instances-unlimited-mode-concepts.html
CHARGED = When(">", 0, 6, 12, Missing.NOT_BREACHING)


def alarm(
    template: Template, topic: Topic, title: str, description: str, metric: Metric, when: When
) -> Alarm:
    """Add an alarm on one metric; it tells the topic when it is raised and when it is over."""
    percentile = metric.statistic.startswith("p")
    statistic = {"ExtendedStatistic" if percentile else "Statistic": metric.statistic}
    if percentile:  # of a handful of requests the slowest is no p99
        statistic["EvaluateLowSampleCountPercentile"] = "ignore"
    return template.add_resource(
        Alarm(
            title,
            AlarmDescription=description,
            Namespace=metric.namespace,
            MetricName=metric.name,
            Dimensions=metric.dimension_list(),
            Period=metric.period_s,
            AlarmActions=[topic],
            OKActions=[topic],
            **statistic,
            **when.properties(),
        )
    )


def alarm_on(
    template: Template,
    topic: Topic,
    title: str,
    description: str,
    expression: str,
    metrics: Mapping[str, Metric],
    when: When,
) -> Alarm:
    """Add an alarm on what ``expression`` makes of ``metrics``, which it names by their keys."""
    queries = [
        MetricDataQuery(
            Id=name,
            MetricStat=MetricStat(
                Metric=metric.property(), Period=metric.period_s, Stat=metric.statistic
            ),
            ReturnData=False,
        )
        for name, metric in metrics.items()
    ]
    result = MetricDataQuery(Id="result", Expression=expression, Label=title, ReturnData=True)
    return template.add_resource(
        Alarm(
            title,
            AlarmDescription=description,
            Metrics=[*queries, result],
            AlarmActions=[topic],
            OKActions=[topic],
            **when.properties(),
        )
    )
