"""docs/costs.md counts whatever costs something before anybody uses it; test_tables.py holds it to that."""

from __future__ import annotations

import json

import pytest
from tests.templates.emitted import curated
from tests.unit.blueprint.configs import EVERYTHING, config
from tests.unit.registrar.fakes import Aws, once
from tools.costs import GROUPS, PRICED, REGISTRAR_METRICS, ROWS, monthly

# Billed by use, or not at all, however many there are.
BY_USE = {
    f"AWS::{service}::{kind}"
    for service, kinds in {
        "ApplicationAutoScaling": "ScalableTarget",
        "DynamoDB": "Table",
        "EC2": "FlowLog InternetGateway Route RouteTable SecurityGroup SecurityGroupEgress "
        "SecurityGroupIngress Subnet SubnetRouteTableAssociation VPC VPCEndpointConnectionNotification "
        "VPCEndpointService VPCEndpointServicePermissions VPCGatewayAttachment",
        "ECR": "Repository",
        "ECS": "Cluster ClusterCapacityProviderAssociations Service",
        "EFS": "AccessPoint FileSystem MountTarget",
        "ElasticLoadBalancingV2": "Listener TargetGroup",
        "Events": "Rule",
        "IAM": "InstanceProfile ManagedPolicy Role",
        "KMS": "Alias",
        "Lambda": "EventSourceMapping Permission",
        "Logs": "LogGroup",
        "RDS": "DBParameterGroup DBSubnetGroup EventSubscription",
        "Route53": "RecordSet",
        "S3": "Bucket BucketPolicy",
        "SNS": "Subscription Topic TopicPolicy",
        "SQS": "Queue QueuePolicy",
        "Scheduler": "Schedule ScheduleGroup",
        "SSM": "Parameter",
        "SecretsManager": "RotationSchedule SecretTargetAttachment",
    }.items()
    for kind in kinds.split()
} | {"Custom::DatabaseUser"}


def test_each_type_has_a_price_or_is_known_to_have_none() -> None:
    emitted = {resource["Type"] for one in curated() for resource in one.resources.values()}
    unknown = emitted - {*PRICED} - BY_USE
    assert unknown == set(), "say in tools/costs.py what it costs, or in BY_USE that it does not"
    assert {*PRICED} <= emitted
    assert BY_USE.isdisjoint(PRICED)


def test_the_pattern_costs_what_the_sum_by_hand_says() -> None:
    costs = monthly(config(**EVERYTHING))
    assert costs["network"] == pytest.approx(65.70 + 7.30)  # 2 NAT gateways, 2 addresses
    assert costs["balancers"] == pytest.approx(16.425 + 16.425)  # ALB, NLB
    assert costs["endpoint"] == pytest.approx(14.60 + 0.50)  # in 2 zones; the zone of its name
    assert costs["tasks"] == pytest.approx(60.736 + 4.80)  # 2 t3.medium, 2 disks of 30 GB
    assert costs["database"] == pytest.approx(23.36 + 4.60)  # db.t4g.micro, 20 GB, both twice
    assert costs["keys"] == pytest.approx(1.80)  # a key; two secrets
    assert {*costs} == {*GROUPS}


def test_endpoints_are_counted_by_service_and_zone() -> None:
    services, hour = 7, 0.01 * 730  # ECR's two, logs, secrets, and ECS's three
    assert monthly(ROWS['`egress = "endpoints"`'])["network"] == pytest.approx(services * 2 * hour)
    three = monthly(ROWS['`egress = "endpoints"`, `zones = 3`'])["network"]
    assert three == pytest.approx(services * 3 * hour)


def test_the_registrar_writes_as_many_metrics_as_are_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    once(Aws(["10.0.0.1"]))
    (directive,) = json.loads(capsys.readouterr().out)["_aws"]["CloudWatchMetrics"]
    assert len(directive["Metrics"]) == REGISTRAR_METRICS
