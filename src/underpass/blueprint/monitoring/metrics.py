"""The metrics that alarms and dashboard share: namespace, name, dimensions, statistic and period.

A dimension's value is the name of a parameter, which is the name of the output of the foundation or of the
service that holds it; or ``Zone<n>``, the name of the n-th Availability Zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from troposphere.cloudwatch import Metric as MetricProperty
from troposphere.cloudwatch import MetricDimension

from underpass.blueprint.cross_stack import given
from underpass.config import Config

MINUTE_S = 60
CREDITS_S = 300  # between two looks at CPU credits
DAY_S = 86_400


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes
    ----------
    dimensions
        The parameter that holds the value, by dimension.
    statistic
        ``Average``, ``Sum``, ``Minimum``, ``Maximum``, or a percentile such as ``p99``.
    period_s
        Seconds one data point stands for: not less than the service publishes.
    """

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    statistic: str
    period_s: int = MINUTE_S

    def dimension_list(self) -> list[MetricDimension]:
        """Return the dimensions as CloudFormation writes them."""
        return [
            MetricDimension(Name=name, Value=given(parameter))
            for name, parameter in self.dimensions.items()
        ]

    def property(self) -> MetricProperty:
        """Return the metric as a query names it."""
        return MetricProperty(
            Namespace=self.namespace,
            MetricName=self.name,
            Dimensions=self.dimension_list(),
        )


def zones(config: Config) -> list[str]:
    """Return the parameters that name the zones."""
    return [f"Zone{number}" for number in range(1, config.network.zones + 1)]


# https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-cloudwatch-metrics.html
def nlb(name: str, statistic: str) -> Metric:
    """Return a metric of the NLB as a whole."""
    return Metric("AWS/NetworkELB", name, {"LoadBalancer": "NlbFullName"}, statistic)


def nlb_targets(name: str, statistic: str, zone: str = "") -> Metric:
    """Return a metric of the NLB's target group, of one zone or of all."""
    targets = {"LoadBalancer": "NlbFullName", "TargetGroup": "NlbTargetGroupFullName"}
    return Metric("AWS/NetworkELB", name, _in_zone(targets, zone), statistic)


# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
def alb(name: str, statistic: str) -> Metric:
    """Return a metric of the ALB as a whole."""
    return Metric("AWS/ApplicationELB", name, {"LoadBalancer": "AlbFullName"}, statistic)


def alb_targets(name: str, statistic: str, zone: str = "") -> Metric:
    """Return a metric of the ALB's target group, of one zone or of all."""
    targets = {"LoadBalancer": "AlbFullName", "TargetGroup": "AlbTargetGroupFullName"}
    return Metric("AWS/ApplicationELB", name, _in_zone(targets, zone), statistic)


# https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-cloudwatch-metrics.html
def endpoint_service(name: str, statistic: str) -> Metric:
    """Return a metric of the endpoint service."""
    return Metric("AWS/PrivateLinkServices", name, {"Service Id": "EndpointServiceId"}, statistic)


def _of(service: str) -> dict[str, str]:
    return {"ClusterName": "ClusterName", "ServiceName": service}


# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html
def ecs(name: str, statistic: str, service: str = "ServiceName") -> Metric:
    """Return a metric of a service that ECS itself publishes; ``service`` is the parameter that names it."""
    return Metric("AWS/ECS", name, _of(service), statistic)


# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-ECS.html
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-enhanced-observability-metrics-ECS.html
def insights(name: str, statistic: str, service: str = "ServiceName") -> Metric:
    """Return a metric of a service that Container Insights publishes, unless it is off."""
    return Metric("ECS/ContainerInsights", name, _of(service), statistic)


# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cluster-auto-scaling.html
def capacity(name: str, statistic: str) -> Metric:
    """Return a metric of the capacity provider."""
    dimensions = {"CapacityProviderName": "CapacityProviderName", "ClusterName": "ClusterName"}
    return Metric("AWS/ECS/ManagedScaling", name, dimensions, statistic)


# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/viewing_metrics_with_cloudwatch.html
def instances(name: str, statistic: str, period_s: int = MINUTE_S) -> Metric:
    """Return a metric of all the instances of the Auto Scaling group together."""
    dimensions = {"AutoScalingGroupName": "AutoScalingGroupName"}
    return Metric("AWS/EC2", name, dimensions, statistic, period_s)


# https://docs.aws.amazon.com/vpc/latest/userguide/vpc-nat-gateway-cloudwatch.html
def nat(name: str, statistic: str, number: int) -> Metric:
    """Return a metric of the n-th zone's NAT gateway."""
    return Metric("AWS/NATGateway", name, {"NatGatewayId": f"NatGatewayId{number}"}, statistic)


# https://docs.aws.amazon.com/acm/latest/userguide/cloudwatch-metrics.html
def certificate(name: str, statistic: str, period_s: int) -> Metric:
    """Return a metric of the ALB's certificate."""
    dimensions = {"CertificateArn": "CertificateArn"}
    return Metric("AWS/CertificateManager", name, dimensions, statistic, period_s)


# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html
def rds(name: str, statistic: str, period_s: int = MINUTE_S) -> Metric:
    """Return a metric of the database instance."""
    dimensions = {"DBInstanceIdentifier": "DatabaseInstanceId"}
    return Metric("AWS/RDS", name, dimensions, statistic, period_s)


# https://docs.aws.amazon.com/efs/latest/ug/efs-metrics.html
def efs(name: str, statistic: str) -> Metric:
    """Return a metric of the file system."""
    return Metric("AWS/EFS", name, {"FileSystemId": "FileSystemId"}, statistic)


# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
def function(which: str, name: str, statistic: str) -> Metric:
    """Return a metric of a function: ``Registrar`` or ``Rotation``."""
    dimensions = {"FunctionName": f"{which}FunctionName"}
    return Metric("AWS/Lambda", name, dimensions, statistic)


def registrar(name: str, statistic: str) -> Metric:
    """Return a metric that the registrar writes of itself, in its log."""
    return Metric("Underpass/Registrar", name, {"LoadBalancer": "AlbFullName"}, statistic)


def _in_zone(dimensions: dict[str, str], zone: str) -> dict[str, str]:
    return dimensions | ({"AvailabilityZone": zone} if zone else {})
