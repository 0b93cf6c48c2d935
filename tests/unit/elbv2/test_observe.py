"""From the API's descriptions to values."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError
from tests.unit.elbv2.conftest import Apis

from underpass.twin.region.aws import Clients
from underpass.twin.region.reconcile import ChangeFeed
from underpass.twin.region.topics import Topic
from underpass.twin.services.elbv2.describe import load_balancers
from underpass.twin.services.elbv2.health import TargetKey
from underpass.twin.services.elbv2.model import (
    Balancing,
    Condition,
    FixedResponse,
    Forward,
    Redirect,
    Rule,
    Target,
)
from underpass.twin.services.elbv2.observe import Observer, in_service


def observed(apis: Apis) -> Balancing:
    clients = {"ec2": apis.ec2, "elbv2": apis.elb}
    return Observer(cast(Clients, clients.__getitem__), ChangeFeed(), in_service).observe()


def test_load_balancing_is_read_again_only_when_someone_says_it_changed(apis: Apis) -> None:
    clients, feed = {"ec2": apis.ec2, "elbv2": apis.elb}, ChangeFeed()
    observer = Observer(cast(Clients, clients.__getitem__), feed, in_service)
    assert observer.observe().balancers == ()
    apis.balancer("network")
    description = "ELB net/gone/0"
    apis.ec2.create_network_interface(SubnetId=apis.subnets[0], Description=description)
    seen_by_ec2 = observer.observe()
    assert seen_by_ec2.balancers == ()
    assert description in dict(seen_by_ec2.nodes), "a node whose load balancer is gone is seen"
    feed.publish(Topic.ELB)
    assert [one.name for one in observer.observe().balancers] == ["notes"]


@pytest.mark.parametrize(
    ("code", "raised"), [("LoadBalancerNotFound", False), ("Throttling", True)]
)
def test_what_is_deleted_while_it_is_read_is_left_out(apis: Apis, code: str, raised: bool) -> None:
    apis.balancer("network")

    class Elb:
        get_paginator = apis.elb.get_paginator

        def describe_load_balancer_attributes(self, **_: str) -> Any:
            raise ClientError({"Error": {"Code": code}}, "DescribeLoadBalancerAttributes")

    with pytest.raises(ClientError) if raised else nullcontext():
        assert load_balancers(Elb()) == ()


def test_nothing_is_observed_in_an_empty_account(apis: Apis) -> None:
    found = observed(apis)
    assert replace(found, nodes=()) == Balancing()


def test_rules_are_read_in_order_of_priority_the_default_one_last(apis: Apis) -> None:
    alb = apis.balancer("application")["LoadBalancerArn"]
    one, two = apis.target_group("one", "HTTP"), apis.target_group("two", "HTTP")
    listener = apis.listen(alb, "HTTP", one)

    def rule(priority: int, action: dict[str, Any], *conditions: dict[str, Any]) -> None:
        apis.elb.create_rule(
            ListenerArn=listener, Priority=priority, Actions=[action], Conditions=list(conditions)
        )

    weights = [{"TargetGroupArn": one, "Weight": 3}, {"TargetGroupArn": two, "Weight": 1}]
    path = {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a*", "/b*"]}}
    agent = {"HttpHeaderName": "User-Agent", "Values": ["*x*"]}
    redirect = {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}
    rule(30, {"Type": "redirect", "RedirectConfig": redirect}, path)
    rule(20, {"Type": "forward", "ForwardConfig": {"TargetGroups": weights}}, path)
    rule(
        100,
        {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}},
        {"Field": "host-header", "Values": ["x.example"]},
        {"Field": "http-header", "HttpHeaderConfig": agent},
    )
    paths = Condition("path-pattern", ("/a*", "/b*"))
    assert observed(apis).balancers[0].listeners[0].rules == (
        Rule(Forward(((one, 3), (two, 1))), (paths,)),
        Rule(Redirect(301, "HTTPS", port="443"), (paths,)),
        Rule(
            FixedResponse(404),
            (
                Condition("host-header", ("x.example",)),
                Condition("http-header", ("*x*",), "User-Agent"),
            ),
        ),
        Rule(Forward(((one, 1),))),
    )


def test_attributes_of_a_target_group_are_read(apis: Apis) -> None:
    group = apis.target_group("g", "TCP", HealthCheckProtocol="HTTP", HealthCheckPort="8080")
    values = {
        "deregistration_delay.timeout_seconds": "60",
        "deregistration_delay.connection_termination.enabled": "true",
        "load_balancing.cross_zone.enabled": "true",
    }
    apis.elb.modify_target_group_attributes(
        TargetGroupArn=group,
        Attributes=[{"Key": key, "Value": value} for key, value in values.items()],
    )
    assert observed(apis).groups == (), "a group no listener uses needs nothing"
    apis.listen(apis.balancer("network")["LoadBalancerArn"], "TCP", group)
    apis.elb.register_targets(
        TargetGroupArn=group, Targets=[{"Id": "10.20.0.9"}, {"Id": "10.20.1.9"}]
    )
    apis.elb.deregister_targets(TargetGroupArn=group, Targets=[{"Id": "10.20.0.9"}])
    (found,) = observed(apis).groups
    assert found.targets == (
        Target(TargetKey(group, "10.20.1.9", 80), (("10.20.1.9", "us-east-1b"),)),
    )
    assert [target.key.id for target in found.draining] == ["10.20.0.9"]
    assert (found.drain_s, found.cuts_drained, found.cuts_unhealthy) == (60, True, True)
    assert found.cross_zone is True
    assert (found.check.port, found.check.protocol, found.check.matcher) == (
        8080,
        "HTTP",
        "200-399",
    )
