"""The load balancers' attributes, and where they log."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from tests.unit.blueprint.configs import CURATED, config, configs
from tests.unit.blueprint.templates import by_part, parts, resource, resources

from underpass.blueprint import Stack, stacks
from underpass.config.model import Config
from underpass.policies.resource_policies import Act, policy_allows

drawn = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
BUCKET = "arn:aws:s3:::logs"
ALB = "arn:aws:elasticloadbalancing:us-east-1:111111111111:loadbalancer/app/a/1"


def attributes(stack: Stack, name: str) -> dict[str, Any]:
    listed = resource(stack, name)["LoadBalancerAttributes"]
    return {one["Key"]: one["Value"] for one in listed}


@pytest.mark.parametrize("production", [True, False])
def test_production_protects_both_from_deletion_once_somebody_says_so(*, production: bool) -> None:
    path = parts(config(production=production)).path
    for name in ("Alb", "Nlb"):
        wanted = attributes(path, name)["deletion_protection.enabled"]
        assert wanted == ({"Ref": "Protect"} if production else "false")
    assert ("Protect" in path.template["Parameters"]) is production


@drawn
@given(configs())
def test_a_creation_that_fails_meets_no_protection(config: Config) -> None:
    """A rollback cannot delete what is protected: nothing is, unless a deployment says so afterwards."""
    for stack in stacks(config):
        protect = stack.template.get("Parameters", {}).get("Protect", {"Default": "false"})
        assert protect["Default"] == "false"
        for group in resources(stack, "AutoScaling::AutoScalingGroup").values():
            assert not group.get("NewInstancesProtectedFromScaleIn")
        for provider in resources(stack, "ECS::CapacityProvider").values():
            scaling = provider["AutoScalingGroupProvider"]
            assert scaling["ManagedTerminationProtection"] == "DISABLED"
            assert scaling["ManagedDraining"] == "ENABLED"
        for database in resources(stack, "RDS::DBInstance").values():
            assert database["DeletionProtection"] in (False, {"Ref": "Protect"})


def test_the_alb_is_strict_and_its_times_are_told() -> None:
    found = attributes(by_part(CURATED["nat-ec2-nothing"])[1], "Alb")
    assert found["routing.http.drop_invalid_header_fields.enabled"] == "true"
    assert found["routing.http.desync_mitigation_mode"] == "defensive"
    assert {"idle_timeout.timeout_seconds", "client_keep_alive.seconds"} <= found.keys()


def test_long_requests_and_clients_that_stay_are_told_of() -> None:
    path = parts(config(service={"timeout": 300, "drain": 600, "sticky": 3600})).path
    assert attributes(path, "Alb")["idle_timeout.timeout_seconds"] == "300"
    for group in ("AlbTargetGroup", "NlbTargetGroup"):
        listed = resource(path, group)["TargetGroupAttributes"]
        found = {one["Key"]: one["Value"] for one in listed}
        assert found["deregistration_delay.timeout_seconds"] == "600"
        if group == "AlbTargetGroup":
            assert found["stickiness.lb_cookie.duration_seconds"] == "3600"
            assert (found["stickiness.enabled"], found["stickiness.type"]) == ("true", "lb_cookie")


def test_cross_zone_is_told() -> None:
    found = attributes(by_part(CURATED["nat-ec2-nothing"])[1], "Nlb")
    assert found["load_balancing.cross_zone.enabled"] == "true"


def access_logs_policy() -> Any:
    foundation = by_part(CURATED["nat-ec2-nothing"])[0]
    text = json.dumps(resource(foundation, "AccessLogsBucketPolicy")["PolicyDocument"])
    for written, meant in (
        ('{"Fn::GetAtt": ["AccessLogsBucket", "Arn"]}', f'"{BUCKET}"'),
        ("${AccessLogsBucket.Arn}", BUCKET),
        ("${AWS::Partition}", "aws"),
        ("${AWS::Region}", "us-east-1"),
        ("${AWS::AccountId}", "111111111111"),
    ):
        text = text.replace(written, meant)
    plain = json.loads(text, object_hook=lambda one: one.get("Fn::Sub", one))
    assert "Fn::" not in json.dumps(plain)
    return plain


@pytest.mark.parametrize(
    ("source", "folder", "secure", "allowed"),
    [
        (ALB, "111111111111", "true", True),
        (ALB, "222222222222", "true", False),
        (ALB.replace("1" * 12, "2" * 12), "111111111111", "true", False),
        (ALB, "111111111111", "false", False),
    ],
)
def test_only_load_balancers_of_this_account_log(
    source: str, folder: str, secure: str, *, allowed: bool
) -> None:
    act = Act(
        "logdelivery.elasticloadbalancing.amazonaws.com",
        "s3:PutObject",
        f"{BUCKET}/AWSLogs/{folder}/elasticloadbalancing/us-east-1/2026/11/25/x.log.gz",
        {"aws:SourceArn": source, "aws:SecureTransport": secure},
    )
    assert policy_allows(access_logs_policy(), act) is allowed


def test_the_logs_expire_and_are_private() -> None:
    foundation, service, _ = by_part(CURATED["nat-ec2-nothing"])
    bucket = resource(foundation, "AccessLogsBucket")
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", 90)
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    found = attributes(service, "Alb")
    assert found["access_logs.s3.enabled"] == "true"
    assert found["access_logs.s3.bucket"] == {"Ref": "AccessLogsBucketName"}
