"""What the ALB and the tasks have to say to each other: health check, protocol, stickiness, and the way."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.blueprint.configs import CHECKED, CURATED, GRPC, config
from tests.unit.blueprint.templates import parts, resource, resources

TLS = {"certificate": "arn:aws:acm:us-east-1:111111111111:certificate/0f0f"}


def group(name: str = "AlbTargetGroup", **sections: Any) -> dict[str, Any]:
    found = resource(parts(config(**sections)).path, name)
    assert isinstance(found, dict)
    return found


def attributes(**sections: Any) -> dict[str, str]:
    return {one["Key"]: one["Value"] for one in group(**sections)["TargetGroupAttributes"]}


def test_a_health_check_is_told_whole() -> None:
    found = group(service={"health_check": CHECKED})
    assert {
        key: found[key]
        for key in found
        if "Health" in key or "Threshold" in key or key == "Matcher"
    } == {
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPath": "/up",
        "HealthCheckPort": "8001",
        "HealthCheckIntervalSeconds": 30,
        "HealthCheckTimeoutSeconds": 10,
        "HealthyThresholdCount": 3,
        "UnhealthyThresholdCount": 5,
        "Matcher": {"HttpCode": "200-299,301"},
    }


def test_a_port_for_checks_has_a_way_of_its_own_before_it_is_asked() -> None:
    path = parts(config(service={"health_check": CHECKED})).path
    out = resource(path, "AlbEgressToHealthPort")
    into = resource(path, "TaskIngressOfChecks")
    assert (out["FromPort"], into["ToPort"]) == (8001, 8001)
    assert out["DestinationSecurityGroupId"] == into["GroupId"] == {"Ref": "TaskSecurityGroupId"}
    assert out["GroupId"] == into["SourceSecurityGroupId"]
    depends = path.template["Resources"]["AlbTargetGroup"]["DependsOn"]
    assert depends == ["AlbEgressToHealthPort", "TaskIngressOfChecks"]


@pytest.mark.parametrize("port", [None, 8000])
def test_the_applications_own_port_has_its_way_already(port: int | None) -> None:
    path = parts(config(service={"health_check": {"port": port}})).path
    told = resource(path, "AlbTargetGroup").get("HealthCheckPort")
    assert told == ("traffic-port" if port else None)  # back from another, it has to be said
    assert "AlbEgressToHealthPort" not in path.template["Resources"]


def test_grpc_has_its_own_codes_and_its_own_path() -> None:
    found = group(tls=TLS, service={"protocol": "grpc", "health_check": {}})
    assert (found["ProtocolVersion"], found["Protocol"]) == ("GRPC", "HTTP")
    assert (found["HealthCheckPath"], found["Matcher"]) == (
        "/AWS.ALB/healthcheck",
        {"GrpcCode": "12"},
    )
    found = group(tls=TLS | {"to_tasks": True}, service=GRPC)
    assert (found["ProtocolVersion"], found["Protocol"]) == ("GRPC", "HTTPS")
    assert found["Matcher"] == {"GrpcCode": "0"}


def test_http2_is_a_version_and_http1_is_not_mentioned() -> None:
    assert group(tls=TLS, service={"protocol": "http2"})["ProtocolVersion"] == "HTTP2"
    assert "ProtocolVersion" not in group(tls=TLS)


@pytest.mark.parametrize(
    ("service", "codes"),
    [
        ({}, "200-399"),
        ({"health_check": {"codes": "204"}}, "204"),
        ({"health_check": CHECKED}, "200-499"),  # the path is another port's
        ({"protocol": "http2"}, "464"),  # the NLB speaks HTTP/1.1, and the ALB answers that itself
        (GRPC, "464"),
    ],
)
def test_the_nlb_takes_what_an_alb_that_is_well_answers(
    service: dict[str, Any], codes: str
) -> None:
    found = group("NlbTargetGroup", tls=TLS, service=service, privatelink={"alb_targets": "alb"})
    assert found["Matcher"] == {"HttpCode": codes}


def test_a_cookie_of_the_applications_keeps_a_client() -> None:
    kept = attributes(service={"sticky_cookie": "sid"})
    assert (kept["stickiness.enabled"], kept["stickiness.type"]) == ("true", "app_cookie")
    assert kept["stickiness.app_cookie.cookie_name"] == "sid"
    assert kept["stickiness.app_cookie.duration_seconds"] == "86400"
    for_an_hour = attributes(service={"sticky_cookie": "sid", "sticky": 3600})
    assert for_an_hour["stickiness.app_cookie.duration_seconds"] == "3600"
    assert not [key for key in for_an_hour if "lb_cookie" in key]


def test_a_user_is_named_and_what_root_keeps_is_not_dropped() -> None:
    def container(**service: Any) -> dict[str, Any]:
        stack = parts(config(service=service)).service
        (found,) = resources(stack, "ECS::TaskDefinition").values()
        (only,) = found["ContainerDefinitions"]
        assert isinstance(only, dict)
        return only

    assert container(user="1000:33")["User"] == "1000:33"
    assert "User" not in container()
    dropped = container(capabilities=["SETUID", "SETGID"])["LinuxParameters"]["Capabilities"]
    assert {"SETUID", "SETGID", "ALL"}.isdisjoint(dropped["Drop"])
    assert len(dropped["Drop"]) == 12
    low = container(capabilities=["SETUID"], port=80)["LinuxParameters"]["Capabilities"]["Drop"]
    assert {"SETUID", "NET_BIND_SERVICE"}.isdisjoint(low)


def test_the_matrix_has_each_of_them() -> None:
    services = [one.service for one in CURATED.values()]
    assert {one.protocol for one in services} == {"http1", "http2", "grpc"}
    for key in ("sticky_cookie", "capabilities", "user"):
        assert any(getattr(one, key) for one in services)
