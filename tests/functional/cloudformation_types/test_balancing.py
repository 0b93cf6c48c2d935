"""Load balancers, target groups and listeners."""

from __future__ import annotations

from typing import Any

from tests.functional.cloudformation_types.conftest import Bench


def balancer(bench: Bench) -> tuple[str, str]:
    vpc, subnets = bench.subnets()
    made = bench.create(
        "ElasticLoadBalancingV2::LoadBalancer",
        Type="application",
        Scheme="internal",
        Subnets=subnets,
    )
    return vpc, made.id


def group(bench: Bench, vpc: str, **more: Any) -> tuple[Any, dict[str, Any]]:
    properties = {"Protocol": "HTTP", "Port": "80", "VpcId": vpc, "TargetType": "ip", **more}
    return bench.create("ElasticLoadBalancingV2::TargetGroup", **properties), properties


def addresses(bench: Bench, arn: str) -> set[str]:
    health = bench.clients("elbv2").describe_target_health(TargetGroupArn=arn)
    return {one["Target"]["Id"] for one in health["TargetHealthDescriptions"]}


def test_a_changed_target_group_leaves_targets_of_others_alone(bench: Bench) -> None:
    vpc = bench.create("EC2::VPC", CidrBlock="10.0.0.0/16").id
    made, old = group(bench, vpc, Targets=[{"Id": "10.0.0.4", "Port": "80"}])
    bench.clients("elbv2").register_targets(TargetGroupArn=made.id, Targets=[{"Id": "10.0.0.9"}])
    new = {**old, "Targets": [{"Id": "10.0.0.5"}], "HealthCheckPath": "/healthz"}
    bench.update("ElasticLoadBalancingV2::TargetGroup", made, old, new)
    assert addresses(bench, made.id) == {"10.0.0.5", "10.0.0.9"}
    found = bench.clients("elbv2").describe_target_groups(TargetGroupArns=[made.id])
    assert found["TargetGroups"][0]["HealthCheckPath"] == "/healthz"


def test_only_attributes_that_changed_are_set(bench: Bench) -> None:
    vpc = bench.create("EC2::VPC", CidrBlock="10.0.0.0/16").id
    delay = {"Key": "deregistration_delay.timeout_seconds", "Value": 30}
    made, old = group(bench, vpc, TargetGroupAttributes=[delay])
    elbv2 = bench.clients("elbv2")
    by_hand = {"Key": "deregistration_delay.timeout_seconds", "Value": "5"}
    elbv2.modify_target_group_attributes(TargetGroupArn=made.id, Attributes=[by_hand])
    slow = {"Key": "slow_start.duration_seconds", "Value": "40"}
    bench.update(
        "ElasticLoadBalancingV2::TargetGroup",
        made,
        old,
        {**old, "TargetGroupAttributes": [delay, slow]},
    )
    found = elbv2.describe_target_group_attributes(TargetGroupArn=made.id)["Attributes"]
    values = {one["Key"]: one["Value"] for one in found}
    assert (values[delay["Key"]], values[slow["Key"]]) == ("5", "40")


def test_a_listener_leads_elsewhere_in_place(bench: Bench) -> None:
    vpc, arn = balancer(bench)
    (one, _), (two, _) = group(bench, vpc), group(bench, vpc, Port=81)

    def listener(target: str) -> dict[str, Any]:
        action = {"Type": "forward", "TargetGroupArn": target}
        return {"LoadBalancerArn": arn, "Port": 80, "Protocol": "HTTP", "DefaultActions": [action]}

    made = bench.create("ElasticLoadBalancingV2::Listener", **listener(one.id))
    changed = bench.update(
        "ElasticLoadBalancingV2::Listener", made, listener(one.id), listener(two.id)
    )
    assert changed.id == made.id
    found = bench.clients("elbv2").describe_listeners(ListenerArns=[made.id])["Listeners"][0]
    assert found["DefaultActions"][0]["TargetGroupArn"] == two.id


def test_a_rule_changes_its_place(bench: Bench) -> None:
    vpc, arn = balancer(bench)
    target, _ = group(bench, vpc)
    action = {"Type": "forward", "TargetGroupArn": target.id}
    listener = bench.create(
        "ElasticLoadBalancingV2::Listener",
        LoadBalancerArn=arn,
        Port=80,
        Protocol="HTTP",
        DefaultActions=[action],
    )
    old = {
        "ListenerArn": listener.id,
        "Priority": "5",
        "Conditions": [{"Field": "host-header", "HostHeaderConfig": {"Values": ["a.example"]}}],
        "Actions": [action],
    }
    rule = bench.create("ElasticLoadBalancingV2::ListenerRule", **old)
    bench.update("ElasticLoadBalancingV2::ListenerRule", rule, old, {**old, "Priority": 7})
    found = bench.clients("elbv2").describe_rules(RuleArns=[rule.id])["Rules"][0]
    assert found["Priority"] == "7"
