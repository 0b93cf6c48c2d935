"""Elastic Load Balancing's API as the twin answers it."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.unit.elbv2.conftest import Apis

from underpass.twin.region.clock import SPEED
from underpass.twin.services.elbv2 import health
from underpass.twin.services.elbv2 import patches as elbv2
from underpass.twin.services.elbv2.health import CheckKey, TargetKey


def states(
    apis: Apis, group: str, *targets: dict[str, Any]
) -> dict[tuple[str, int], dict[str, str]]:
    described = apis.elb.describe_target_health(TargetGroupArn=group, Targets=list(targets))
    return {
        (one["Target"]["Id"], one["Target"]["Port"]): one["TargetHealth"]
        for one in described["TargetHealthDescriptions"]
    }


def test_names_are_aws_own(apis: Apis) -> None:
    nlb, alb = apis.balancer("network"), apis.balancer("application", "web")
    number = nlb["LoadBalancerArn"].rpartition("/")[2]
    assert ":loadbalancer/net/notes/" in nlb["LoadBalancerArn"]
    assert nlb["DNSName"] == f"notes-{number}.elb.us-east-1.amazonaws.com"
    assert ":loadbalancer/app/web/" in alb["LoadBalancerArn"]
    assert re.fullmatch(r"internal-web-\d+\.us-east-1\.elb\.amazonaws\.com", alb["DNSName"])
    listener = apis.listen(nlb["LoadBalancerArn"], "TCP", apis.target_group("g", "TCP"))
    assert ":listener/net/notes/" in listener


def test_a_load_balancer_is_provisioning_until_it_is_said_to_be_active(apis: Apis) -> None:
    arn = apis.balancer("network")["LoadBalancerArn"]

    def state() -> str:
        return str(apis.elb.describe_load_balancers()["LoadBalancers"][0]["State"]["Code"])

    assert [state(), state()] == ["provisioning", "provisioning"]
    elbv2.set_state(arn, "active")
    assert state() == "active"


def test_inbound_enforcement_is_on_by_default_and_can_be_set(apis: Apis) -> None:
    key = "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"
    nlb = apis.balancer("network")
    assert nlb[key] == "on"
    apis.elb.set_security_groups(
        LoadBalancerArn=nlb["LoadBalancerArn"], SecurityGroups=[apis.group], **{key: "off"}
    )
    assert apis.elb.describe_load_balancers()["LoadBalancers"][0][key] == "off"
    assert key not in apis.balancer("network", "open", SecurityGroups=[])
    assert key not in apis.balancer("application", "web")


def test_an_nlb_has_security_groups_from_its_creation_or_never(apis: Apis) -> None:
    arn = apis.balancer("network", SecurityGroups=[])["LoadBalancerArn"]
    with pytest.raises(ClientError, match="from its creation or never"):
        apis.elb.set_security_groups(LoadBalancerArn=arn, SecurityGroups=[apis.group])


@pytest.mark.parametrize(
    ("kind", "wanted", "code"),
    [
        ("application", {"Subnets": "a"}, "ValidationError"),
        ("network", {"Subnets": "aa"}, "InvalidConfigurationRequest"),
        ("network", {"Subnets": []}, "ValidationError"),
        ("network", {"Subnets": ["subnet-0"]}, "InvalidSubnet"),
        ("network", {"SecurityGroups": ["sg-0"]}, "InvalidSecurityGroup"),
        ("gateway", {}, "OperationNotPermitted"),
        ("network", {"IpAddressType": "dualstack"}, "OperationNotPermitted"),
    ],
)
def test_what_cannot_be_made_is_refused(
    apis: Apis, kind: str, wanted: dict[str, Any], code: str
) -> None:
    if isinstance(wanted.get("Subnets"), str):
        zones = {"a": apis.subnets[0]}
        wanted = {"Subnets": [zones[zone] for zone in wanted["Subnets"]]}
    with pytest.raises(ClientError) as refused:
        apis.balancer(kind, **wanted)
    assert refused.value.response["Error"]["Code"] == code


def test_names_are_unique_and_protection_protects(apis: Apis) -> None:
    arn = apis.balancer("network")["LoadBalancerArn"]
    with pytest.raises(ClientError, match="DuplicateLoadBalancerName"):
        apis.balancer("application")
    protection = {"Key": "deletion_protection.enabled", "Value": "true"}
    apis.elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[protection])
    with pytest.raises(ClientError, match="deletion protection is enabled"):
        apis.elb.delete_load_balancer(LoadBalancerArn=arn)
    protection["Value"] = "false"
    apis.elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[protection])
    apis.elb.delete_load_balancer(LoadBalancerArn=arn)
    assert apis.elb.describe_load_balancers()["LoadBalancers"] == []
    apis.elb.delete_load_balancer(LoadBalancerArn=arn)


def test_a_load_balancer_of_an_endpoint_service_cannot_be_deleted(apis: Apis) -> None:
    arn = apis.balancer("network")["LoadBalancerArn"]
    apis.service(arn)
    with pytest.raises(ClientError, match="ResourceInUse"):
        apis.elb.delete_load_balancer(LoadBalancerArn=arn)


def test_listeners_match_their_load_balancer(apis: Apis) -> None:
    nlb = apis.balancer("network")["LoadBalancerArn"]
    alb = apis.balancer("application", "web")["LoadBalancerArn"]
    tcp, http = apis.target_group("tcp", "TCP"), apis.target_group("http", "HTTP")
    apis.listen(nlb, "TCP", tcp)
    for balancer, protocol, group, port, message in (
        (nlb, "TCP", tcp, 80, "DuplicateListener"),
        (nlb, "TCP", http, 81, "cannot be used by a load balancer of type network"),
        (alb, "HTTP", tcp, 80, "cannot be used by a load balancer of type application"),
        (nlb, "TLS", tcp, 443, "OperationNotPermitted"),
        (nlb, "HTTP", tcp, 82, "must be one of"),
    ):
        with pytest.raises(ClientError, match=message):
            apis.listen(balancer, protocol, group, port)
    other = apis.balancer("network", "other")["LoadBalancerArn"]
    with pytest.raises(ClientError, match="TargetGroupAssociationLimit"):
        apis.listen(other, "TCP", tcp)


def test_what_the_alb_would_not_do_is_refused_by_name(apis: Apis) -> None:
    alb = apis.balancer("application")["LoadBalancerArn"]
    group = apis.target_group("http", "HTTP")
    listener = apis.listen(alb, "HTTP", group)
    forward = {"Type": "forward", "TargetGroupArn": group}
    source = {"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"]}}
    with pytest.raises(ClientError, match="does not support the rule condition source-ip"):
        apis.elb.create_rule(
            ListenerArn=listener, Priority=1, Conditions=[source], Actions=[forward]
        )
    path = {"Field": "path-pattern", "Values": ["/x*"]}
    apis.elb.create_rule(ListenerArn=listener, Priority=1, Conditions=[path], Actions=[forward])


def test_a_target_group_knows_its_load_balancers_as_they_come_and_go(apis: Apis) -> None:
    group = apis.target_group("g", "TCP")

    def users() -> list[str]:
        described = apis.elb.describe_target_groups(TargetGroupArns=[group])["TargetGroups"][0]
        return list(described.get("LoadBalancerArns", ()))

    assert users() == []
    nlb = apis.balancer("network")["LoadBalancerArn"]
    listener = apis.listen(nlb, "TCP", group)
    assert users() == [nlb]
    apis.elb.delete_listener(ListenerArn=listener)
    assert users() == []


def test_a_matcher_can_be_changed(apis: Apis) -> None:
    group = apis.target_group("g", "HTTP")
    apis.elb.modify_target_group(TargetGroupArn=group, Matcher={"HttpCode": "200-399"})
    described = apis.elb.describe_target_groups(TargetGroupArns=[group])["TargetGroups"][0]
    assert described["Matcher"] == {"HttpCode": "200-399"}
    with pytest.raises(ClientError, match="HttpCode must be like"):
        apis.elb.modify_target_group(TargetGroupArn=group, Matcher={"HttpCode": "fine"})


def test_a_target_is_known_by_id_and_port_and_has_a_zone(apis: Apis) -> None:
    group = apis.target_group("g", "TCP")
    apis.elb.register_targets(
        TargetGroupArn=group, Targets=[{"Id": "10.20.1.9"}, {"Id": "10.20.1.9", "Port": 81}]
    )
    described = apis.elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert [one["Target"] for one in described] == [
        {"Id": "10.20.1.9", "Port": port, "AvailabilityZone": "us-east-1b"} for port in (80, 81)
    ]
    assert [one["HealthCheckPort"] for one in described] == ["80", "81"]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({"Id": "nonsense"}, "is not a valid IPv4 address"),
        ({"Id": "10.99.0.1"}, "must be 'all'"),
    ],
)
def test_targets_that_cannot_be_are_refused(
    apis: Apis, target: dict[str, Any], message: str
) -> None:
    group = apis.target_group("g", "TCP")
    with pytest.raises(ClientError, match=message):
        apis.elb.register_targets(TargetGroupArn=group, Targets=[target])
    assert states(apis, group) == {}


def test_a_target_outside_the_vpc_needs_all_zones(apis: Apis) -> None:
    group = apis.target_group("g", "TCP")
    target = {"Id": "10.99.0.1", "AvailabilityZone": "all"}
    apis.elb.register_targets(TargetGroupArn=group, Targets=[target])
    assert list(states(apis, group)) == [("10.99.0.1", 80)]


def test_an_alb_as_target_needs_a_listener_on_the_port(apis: Apis) -> None:
    alb = apis.balancer("application")["LoadBalancerArn"]
    group = apis.target_group("g", "TCP", TargetType="alb")
    target = [{"Id": alb, "Port": 80}]
    with pytest.raises(ClientError, match="has no listener on port 80"):
        apis.elb.register_targets(TargetGroupArn=group, Targets=target)
    apis.listen(alb, "HTTP", apis.target_group("http", "HTTP"))
    apis.elb.register_targets(TargetGroupArn=group, Targets=target)
    assert list(states(apis, group)) == [(alb, 80)]
    with pytest.raises(ClientError, match="cannot be modified"):
        apis.elb.modify_target_group_attributes(
            TargetGroupArn=group, Attributes=[{"Key": "stickiness.enabled", "Value": "true"}]
        )


def test_health_is_what_the_checks_see(apis: Apis) -> None:
    group = apis.target_group("g", "TCP")
    apis.elb.register_targets(TargetGroupArn=group, Targets=[{"Id": "10.20.0.9"}])
    key = ("10.20.0.9", 80)
    assert states(apis, group)[key]["Reason"] == "Target.NotInUse"
    apis.listen(apis.balancer("network")["LoadBalancerArn"], "TCP", group)
    assert states(apis, group)[key]["Reason"] == "Elb.RegistrationInProgress"
    check = CheckKey(TargetKey(group, *key), "10.20.0.9", "eni-1")
    apis.health.keep([check], {})
    assert states(apis, group)[key]["Reason"] == "Elb.InitialHealthChecking"
    apis.health.put(check, health.mismatch(503))
    assert states(apis, group)[key] == {
        "State": "unhealthy",
        "Reason": "Target.ResponseCodeMismatch",
        "Description": "Health checks failed with these codes: [503]",
    }
    apis.health.put(check, health.HEALTHY)
    assert states(apis, group)[key] == {"State": "healthy"}


def test_a_deregistered_target_drains_and_is_then_unknown(apis: Apis) -> None:
    group = apis.target_group("g", "TCP")
    apis.listen(apis.balancer("network")["LoadBalancerArn"], "TCP", group)
    delay = {
        "Key": "deregistration_delay.timeout_seconds",
        "Value": str(int(SPEED)),
    }  # one second here
    apis.elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=[delay])
    target = {"Id": "10.20.0.9", "Port": 80}
    apis.elb.register_targets(TargetGroupArn=group, Targets=[target])
    apis.elb.deregister_targets(TargetGroupArn=group, Targets=[target])
    assert states(apis, group)["10.20.0.9", 80] == {
        "State": "draining",
        "Reason": "Target.DeregistrationInProgress",
        "Description": "Target deregistration is in progress",
    }
    time.sleep(1.05)
    assert states(apis, group), "nobody has seen that nothing is under way"
    apis.health.quiet(TargetKey(group, "10.20.0.9", 80), time.monotonic())
    assert states(apis, group) == {}
    assert states(apis, group, target)["10.20.0.9", 80]["Reason"] == "Target.NotRegistered"


def test_a_draining_target_can_come_back_and_an_unknown_one_may_be_deregistered(apis: Apis) -> None:
    group = apis.target_group("g", "TCP")
    apis.listen(apis.balancer("network")["LoadBalancerArn"], "TCP", group)
    target = {"Id": "10.20.0.9", "Port": 80}
    apis.elb.deregister_targets(TargetGroupArn=group, Targets=[target])
    assert states(apis, group) == {}
    apis.elb.register_targets(TargetGroupArn=group, Targets=[target])
    apis.elb.deregister_targets(TargetGroupArn=group, Targets=[target])
    apis.elb.register_targets(TargetGroupArn=group, Targets=[target])
    assert states(apis, group)["10.20.0.9", 80]["State"] == "initial"


def test_what_flows_cannot_do_is_refused(apis: Apis) -> None:
    group = apis.target_group("g", "TCP")
    for key in (
        "proxy_protocol_v2.enabled",
        "preserve_client_ip.enabled",
        "stickiness.enabled",
        "slow_start.duration_seconds",
    ):
        with pytest.raises(ClientError, match="OperationNotPermitted"):
            apis.elb.modify_target_group_attributes(
                TargetGroupArn=group, Attributes=[{"Key": key, "Value": "true"}]
            )
    with pytest.raises(ClientError, match="OperationNotPermitted"):
        apis.target_group("u", "UDP")


def _alb_behind(apis: Apis) -> tuple[str, str]:
    alb = str(apis.balancer("application", "web")["LoadBalancerArn"])
    apis.listen(alb, "HTTP", apis.target_group("tasks", "HTTP"))
    return alb, apis.target_group("albs", "TCP", TargetType="alb")


def _code(call: Any, **asked: Any) -> str:
    with pytest.raises(ClientError) as raised:
        call(**asked)
    return str(raised.value.response["Error"]["Code"])


def test_an_alb_is_registered_on_a_port_it_listens_on_alone_and_goes_first(apis: Apis) -> None:
    alb, group = _alb_behind(apis)
    other = str(apis.balancer("application", "other")["LoadBalancerArn"])
    apis.listen(other, "HTTP", apis.target_group("others", "HTTP"))

    def target(arn: str, port: int = 80) -> dict[str, Any]:
        return {"TargetGroupArn": group, "Targets": [{"Id": arn, "Port": port}]}

    assert _code(apis.elb.register_targets, **target(alb, 81)) == "InvalidTarget"
    apis.elb.register_targets(**target(alb))
    assert _code(apis.elb.register_targets, **target(other)) == "TooManyTargets"
    assert _code(apis.elb.delete_load_balancer, LoadBalancerArn=alb) == "ResourceInUse"
    apis.elb.deregister_targets(**target(alb))
    apis.elb.delete_load_balancer(LoadBalancerArn=alb)


def test_an_albs_target_group_is_tcp_and_keeps_its_attributes(apis: Apis) -> None:
    _, group = _alb_behind(apis)
    assert (
        _code(
            apis.elb.create_target_group,
            Name="x",
            Protocol="HTTP",
            Port=80,
            VpcId=apis.vpc,
            TargetType="alb",
        )
        == "InvalidConfigurationRequest"
    )
    attributes = [{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}]
    modify = apis.elb.modify_target_group_attributes
    assert (
        _code(modify, TargetGroupArn=group, Attributes=attributes) == "InvalidConfigurationRequest"
    )


def test_an_alb_that_gets_another_node_stays_healthy(apis: Apis) -> None:
    key = TargetKey("albs", "alb", 80)
    old, new = CheckKey(key, "10.20.0.9", "eni-nlb"), CheckKey(key, "10.20.0.8", "eni-nlb")
    apis.health.keep([old], {})
    apis.health.put(old, health.HEALTHY)
    apis.health.keep([old, new], {})
    assert apis.health.of(key) == health.HEALTHY
    apis.health.put(new, health.FAILED)
    assert apis.health.of(key) == health.HEALTHY
    apis.health.put(old, health.FAILED)
    assert apis.health.of(key) == health.FAILED
