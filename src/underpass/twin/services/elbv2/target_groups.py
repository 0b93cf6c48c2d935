"""Target groups: who is registered where, draining after deregistration, and health as the checks see it.

moto knows a target by its id alone; AWS by id and port. moto deregisters at once; AWS drains, and so does the
twin (``draining``). moto says healthy; here the health table speaks.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Any

from moto.elbv2.exceptions import (
    ELBClientError,
    InvalidConfigurationRequest,
    TargetGroupNotFoundError,
    TargetNotRunning,
)
from moto.elbv2.models import ELBv2Backend, FakeTargetGroup, elbv2_backends
from moto.elbv2.responses import ELBV2Response

from underpass.twin.api import patch
from underpass.twin.services.elbv2 import health as words
from underpass.twin.services.elbv2.attributes import check_only, unsupported
from underpass.twin.services.elbv2.draining import over
from underpass.twin.services.elbv2.health import Health, HealthTable, TargetKey

DELAY = "deregistration_delay.timeout_seconds"
ONLY = {  # what would change how packets go, and is not carried out here
    "preserve_client_ip.enabled": "false",
    "proxy_protocol_v2.enabled": "false",
    "slow_start.duration_seconds": "0",
}
TCP_ATTRIBUTES = {
    "deregistration_delay.connection_termination.enabled": "false",
    "preserve_client_ip.enabled": "false",
    "proxy_protocol_v2.enabled": "false",
    "target_health_state.unhealthy.connection_termination.enabled": "true",
}


_health_table: list[HealthTable] = []


def attach(health: HealthTable) -> None:
    """Have ``health`` be what ``describe_target_health`` tells from now on."""
    _health_table[:] = [health]


@patch.compute(FakeTargetGroup, "load_balancer_arns")
def _load_balancer_arns(group: Any) -> list[str]:
    """Return the load balancers whose listeners forward here now; moto only ever adds."""
    backend = elbv2_backends[group.account_id][group.region_name]
    return [
        balancer.arn
        for balancer in backend.load_balancers.values()
        if any(
            group.arn in backend._get_target_group_arns_from(action.data)  # noqa: SLF001
            for listener in balancer.listeners.values()
            for rule in listener.rules.values()
            for action in rule.actions
        )
    ]


@patch.wrap(ELBv2Backend, "create_target_group")
def _created(original: Callable[..., Any], backend: Any, name: str, **kwargs: Any) -> Any:
    protocol, kind = kwargs.get("protocol"), kwargs.get("target_type")
    if kind == "lambda" or protocol in {"UDP", "TCP_UDP", "TLS", "GENEVE"}:
        raise unsupported(f"target groups of type {kind} and protocol {protocol}")
    if kwargs.get("protocol_version") == "GRPC":
        kwargs["healthcheck_path"] = kwargs.get("healthcheck_path") or "/AWS.ALB/healthcheck"
        kwargs["matcher"] = kwargs.get("matcher") or {"GrpcCode": "12"}
    if kind == "alb" and protocol != "TCP":
        raise InvalidConfigurationRequest(
            f"Protocol '{protocol}' is not supported with the target type 'alb'"
        )
    if protocol == "TCP" and kwargs.get("healthcheck_protocol") in {"HTTP", "HTTPS"}:
        kwargs["healthcheck_path"] = kwargs.get("healthcheck_path") or "/"
        kwargs["matcher"] = kwargs.get("matcher") or {"HttpCode": "200-399"}
    group = original(backend, name, **kwargs)
    if protocol == "TCP":
        group.attributes.update(TCP_ATTRIBUTES)
    return group


@patch.wrap(ELBV2Response, "modify_target_group")
def _modified(original: Callable[..., Any], response: Any) -> Any:
    """Change a group, its matcher too, which moto overlooks."""
    params, answer = response._get_params(), original(response)  # noqa: SLF001
    for kind, codes in params.get("Matcher", {}).items():
        if not FakeTargetGroup.HTTP_CODE_REGEX.fullmatch(codes):
            raise ELBClientError(
                "InvalidParameterValue", f"{kind} must be like 200 | 200-399 | 200,201 ..."
            )
        response.elbv2_backend.target_groups[params["TargetGroupArn"]].matcher = {kind: codes}
    return answer


@patch.wrap(ELBv2Backend, "modify_target_group_attributes")
def _attributes_modified(
    original: Callable[..., None], backend: Any, target_group_arn: str, attributes: dict[str, Any]
) -> None:
    group = backend.target_groups.get(target_group_arn)
    if group is not None and group.target_type == "alb" and attributes:
        raise InvalidConfigurationRequest(
            "Attributes of target groups with target type 'alb' cannot be modified"
        )
    check_only("target group", attributes, ONLY)
    if group is not None:
        after = {**group.attributes, **attributes}
        kind = after["stickiness.type"]
        if after["stickiness.enabled"] == "true" and kind not in {"lb_cookie", "app_cookie"}:
            raise unsupported(f"stickiness of type {kind}")
        cookie = after.get("stickiness.app_cookie.cookie_name", "")
        if kind == "app_cookie" and (not cookie or cookie.startswith("AWSALB")):
            raise InvalidConfigurationRequest(
                f"The application cookie's name must be given, and not start with AWSALB: '{cookie}'"
            )
    original(backend, target_group_arn, attributes)


# Targets


@patch.replace(FakeTargetGroup, "register")
def _register(group: Any, targets: list[dict[str, Any]]) -> None:
    registered = [_checked(group, target) for target in targets]
    if group.target_type == "alb" and len({*group.targets, *map(_key, registered)}) > 1:
        raise ELBClientError(
            "TooManyTargets",
            "A target group with target type 'alb' holds one Application Load Balancer",
        )
    for target in registered:
        group.targets[_key(target)] = target
        group.deregistered_targets.pop(_key(target), None)


def _key(target: dict[str, Any]) -> tuple[str, int]:
    return target["Id"], int(target["Port"])


def _checked(group: Any, target: dict[str, Any]) -> dict[str, Any]:
    checked = {"Id": target["Id"], "Port": int(target.get("Port") or group.port)}
    zone = target.get("AvailabilityZone")
    if group.target_type == "ip":
        zone = _zone_of_address(group, target["Id"], zone)
    elif group.target_type == "instance":
        zone = _zone_of_instance(group, target["Id"])
    else:
        _check_load_balancer(group, checked)
    return checked | ({"AvailabilityZone": zone} if zone else {})


def _zone_of_address(group: Any, address: str, asked: str | None) -> str:
    try:
        parsed = IPv4Address(address)
    except AddressValueError:
        raise ELBClientError(
            "ValidationError", f"The IP address '{address}' is not a valid IPv4 address"
        ) from None
    for subnets in group.ec2_backend.subnets.values():
        for subnet in subnets.values():
            if subnet.vpc_id == group.vpc_id and parsed in IPv4Network(subnet.cidr_block):
                return str(subnet.availability_zone)
    if asked != "all":
        raise ELBClientError(
            "ValidationError",
            f"The IP address '{address}' is not in the target group's VPC: its Availability Zone must"
            " be 'all'",
        )
    return "all"


def _zone_of_instance(group: Any, instance_id: str) -> str:
    instance = group.ec2_backend.get_instance_by_id(instance_id)
    if instance is None:
        raise ELBClientError("InvalidTarget", f"The instance ID '{instance_id}' is not valid")
    if instance.state != "running":
        raise TargetNotRunning(instance_id=instance_id)
    return str(instance.placement)


def _check_load_balancer(group: Any, target: dict[str, Any]) -> None:
    backend = elbv2_backends[group.account_id][group.region_name]
    balancer = backend.load_balancers.get(target["Id"])
    if balancer is None or balancer.type != "application" or balancer.vpc_id != group.vpc_id:
        raise ELBClientError(
            "InvalidTarget",
            f"The target '{target['Id']}' is not an Application Load Balancer of this VPC",
        )
    if not any(int(one.port) == target["Port"] for one in balancer.listeners.values()):
        raise ELBClientError(
            "InvalidTarget",
            f"The Application Load Balancer '{target['Id']}' has no listener on port {target['Port']}",
        )


@patch.replace(FakeTargetGroup, "deregister")
def _deregister(group: Any, targets: list[dict[str, Any]]) -> None:
    """Drain the targets; without a port, all registrations of an id. An unknown one is no error."""
    drains = {"since_s": time.monotonic(), "delay_s": float(group.attributes[DELAY])}
    for target in targets:
        for key in [key for key in group.targets if _named(key, target)]:
            gone = group.targets.pop(key)
            if group.load_balancer_arns:
                group.deregistered_targets[key] = gone | drains


def _named(key: tuple[str, int], target: dict[str, Any]) -> bool:
    return key[0] == target["Id"] and target.get("Port") in {None, key[1]}


@patch.replace(FakeTargetGroup, "deregister_terminated_instances")
def _deregister_terminated(group: Any, instance_ids: list[str]) -> None:
    _deregister(group, [{"Id": instance_id} for instance_id in instance_ids])


# Health


@patch.replace(ELBv2Backend, "describe_target_health")
def _describe_health(
    backend: Any, target_group_arn: str, targets: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    group = backend.target_groups.get(target_group_arn)
    if group is None:
        raise TargetGroupNotFoundError
    now = time.monotonic()
    for key, drains in list(group.deregistered_targets.items()):
        quiet_s = _health_table[0].quiet_s(TargetKey(group.arn, *key))
        if over(drains["since_s"], now, drains["delay_s"], quiet_s):
            del group.deregistered_targets[key]
    known = {**group.deregistered_targets, **group.targets}
    if not targets:
        return [_description(group, target) for target in known.values()]
    told = []
    for target in targets:
        found = [value for key, value in known.items() if _named(key, target)]
        told.extend(found or [{"Port": group.port, **target, "unknown": True}])
    return [_description(group, target) for target in told]


def _description(group: Any, target: dict[str, Any]) -> dict[str, Any]:
    health = _health(group, target)
    check_port = group.health_check_port
    return {
        "Target": {key: target[key] for key in ("Id", "Port", "AvailabilityZone") if key in target},
        "HealthCheckPort": str(target["Port"] if check_port == "traffic-port" else check_port),
        "TargetHealth": {
            key: value
            for key, value in (
                ("State", str(health.state)),
                ("Reason", health.reason),
                ("Description", health.description),
            )
            if value
        },
    }


def _health(group: Any, target: dict[str, Any]) -> Health:
    if "unknown" in target:
        return words.NOT_REGISTERED
    if "since_s" in target:
        return words.DRAINING
    if not group.load_balancer_arns:
        return words.NOT_CONFIGURED
    return _health_table[0].of(TargetKey(group.arn, *_key(target)))
