"""Elastic Load Balancing's descriptions as values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from underpass.twin.services.elbv2.health import HealthCheck, State, TargetKey
from underpass.twin.services.elbv2.model import (
    Action,
    Condition,
    FixedResponse,
    Forward,
    Listener,
    LoadBalancer,
    Redirect,
    Rule,
    Target,
    TargetGroup,
)

CUTS = "connection_termination.enabled"
Described = Mapping[str, Any]
T = TypeVar("T")


def load_balancers(elb: Any) -> tuple[LoadBalancer, ...]:
    """Return the load balancers, with their listeners and rules."""
    described = _all(elb, "describe_load_balancers", "LoadBalancers")
    return _that_stay(lambda one: _load_balancer(elb, one), described)


def target_groups(elb: Any) -> tuple[TargetGroup, ...]:
    """Return the target groups listeners use; those of instances and ALBs still without addresses."""
    described = _all(elb, "describe_target_groups", "TargetGroups")
    used = (one for one in described if one.get("LoadBalancerArns"))
    return _that_stay(lambda one: _target_group(elb, one), used)


def _that_stay(read: Callable[[Described], T], described: Iterable[Described]) -> tuple[T, ...]:
    """Return what ``read`` makes of each; what is deleted while it is being read is left out."""
    found = []
    for one in described:
        try:
            found.append(read(one))
        except ClientError as error:
            if not error.response["Error"]["Code"].endswith("NotFound"):
                raise
    return tuple(found)


def _all(elb: Any, action: str, key: str, **named: str) -> Iterable[Described]:
    return (one for page in elb.get_paginator(action).paginate(**named) for one in page[key])


def _attributes(answer: Described) -> dict[str, str]:
    return {one["Key"]: one["Value"] for one in answer["Attributes"]}


# Load balancers


def _load_balancer(elb: Any, one: Described) -> LoadBalancer:
    arn = one["LoadBalancerArn"]
    attributes = _attributes(elb.describe_load_balancer_attributes(LoadBalancerArn=arn))
    listeners = elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]
    return LoadBalancer(
        arn=arn,
        name=one["LoadBalancerName"],
        dns_name=one["DNSName"],
        kind=one["Type"],
        state=one["State"]["Code"],
        groups=tuple(sorted(one.get("SecurityGroups", ()))),
        subnets=tuple(_subnet(zone) for zone in one["AvailabilityZones"]),
        listeners=tuple(_listener(elb, one["Type"], listener) for listener in listeners),
        cross_zone=attributes.get("load_balancing.cross_zone.enabled") == "true",
        idle_s=int(attributes.get("idle_timeout.timeout_seconds", 60)),
        keep_alive_s=int(attributes.get("client_keep_alive.seconds", 3600)),
        drops_invalid_headers=attributes.get("routing.http.drop_invalid_header_fields.enabled")
        == "true",
        enforces_inbound=one.get("EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic") == "on",
    )


def _subnet(zone: Described) -> tuple[str, str, str]:
    addresses = zone.get("LoadBalancerAddresses") or [{}]
    return zone["SubnetId"], zone["ZoneName"], addresses[0].get("PrivateIPv4Address", "")


def _listener(elb: Any, kind: str, one: Described) -> Listener:
    rules: list[Rule] = []
    if kind == "application":
        described = _all(elb, "describe_rules", "Rules", ListenerArn=one["ListenerArn"])
        special = [rule for rule in described if not rule["IsDefault"]]
        rules = [
            Rule(_action(rule["Actions"]), tuple(map(_condition, rule["Conditions"])))
            for rule in sorted(special, key=lambda rule: int(rule["Priority"]))
        ]
    rules.append(Rule(_action(one["DefaultActions"])))
    return Listener(one["Port"], one["Protocol"], tuple(rules))


def _condition(one: Described) -> Condition:
    field = one["Field"]
    parts = "".join(part.capitalize() for part in field.split("-"))
    config: Described = one.get(f"{parts}Config") or {"Values": one.get("Values", ())}
    return Condition(field, tuple(config["Values"]), config.get("HttpHeaderName", ""))


def _action(actions: Iterable[Described]) -> Action:
    """Return the action that ends a rule; on the twin it is the only one."""
    one = list(actions)[-1]
    if one["Type"] == "fixed-response":
        fixed = one["FixedResponseConfig"]
        return FixedResponse(
            int(fixed["StatusCode"]), fixed.get("ContentType", ""), fixed.get("MessageBody", "")
        )
    if one["Type"] == "redirect":
        parts = {key.lower(): value for key, value in one["RedirectConfig"].items()}
        status = 301 if parts.pop("statuscode") == "HTTP_301" else 302
        return Redirect(status, **parts)
    groups = one.get("ForwardConfig", {}).get("TargetGroups") or [one]
    return Forward(tuple((group["TargetGroupArn"], group.get("Weight", 1)) for group in groups))


# Target groups


def _target_group(elb: Any, one: Described) -> TargetGroup:
    arn = one["TargetGroupArn"]
    attributes = _attributes(elb.describe_target_group_attributes(TargetGroupArn=arn))
    described = elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    targets: list[Target] = []
    draining: list[Target] = []
    for target in described:
        asked = target["Target"]
        key = TargetKey(arn, asked["Id"], asked["Port"])
        own = one["TargetType"] == "ip"
        addresses = ((key.id, asked.get("AvailabilityZone", "")),) if own else ()
        leaves = target["TargetHealth"]["State"] == State.DRAINING
        (draining if leaves else targets).append(Target(key, addresses))
    sticky_s, cookie = _stickiness(attributes)
    cross = attributes.get("load_balancing.cross_zone.enabled")
    return TargetGroup(
        arn=arn,
        target_type=one["TargetType"],
        protocol=one["Protocol"],
        check=_check(one),
        targets=tuple(targets),
        draining=tuple(draining),
        drain_s=float(attributes["deregistration_delay.timeout_seconds"]),
        cuts_unhealthy=attributes.get(f"target_health_state.unhealthy.{CUTS}") == "true",
        cuts_drained=attributes.get(f"deregistration_delay.{CUTS}") == "true",
        algorithm=attributes.get("load_balancing.algorithm.type", "round_robin"),
        cross_zone={"true": True, "false": False}.get(cross or ""),
        sticky_s=sticky_s,
        sticky_cookie=cookie,
        version=one.get("ProtocolVersion") or "HTTP1",
    )


def _stickiness(attributes: Mapping[str, str]) -> tuple[int, str]:
    """Return for how long a client stays, and by which cookie of the application's."""
    kind = attributes.get("stickiness.type", "")
    if attributes.get("stickiness.enabled") != "true" or not kind.endswith("_cookie"):
        return 0, ""
    duration_s = int(attributes.get(f"stickiness.{kind}.duration_seconds", 86400))
    return duration_s, attributes.get("stickiness.app_cookie.cookie_name", "") if kind[
        0
    ] == "a" else ""


def _check(one: Described) -> HealthCheck:
    port = one["HealthCheckPort"]
    return HealthCheck(
        protocol=one["HealthCheckProtocol"],
        port=0 if port == "traffic-port" else int(port),
        path=one.get("HealthCheckPath", "/"),
        matcher=next(iter(one.get("Matcher", {}).values()), "200"),
        interval_s=one["HealthCheckIntervalSeconds"],
        timeout_s=one["HealthCheckTimeoutSeconds"],
        healthy_threshold=one["HealthyThresholdCount"],
        unhealthy_threshold=one["UnhealthyThresholdCount"],
        version=one.get("ProtocolVersion") or "HTTP1",
    )
