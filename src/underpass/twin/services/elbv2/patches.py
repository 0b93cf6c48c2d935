"""Elastic Load Balancing as the twin needs it: names and states that are true, and no promise it cannot keep.

moto stores load balancers; this module corrects what it stores (an NLB's ARN says ``net/``,
DNS names look like AWS's, security groups and attributes have AWS's defaults, a load balancer is
``provisioning`` until its nodes run) and refuses by name what the data plane would not carry.
Listeners and rules are in ``listeners``, target groups and their health in ``target_groups``.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import ec2_backends
from moto.elbv2.exceptions import (
    DuplicateLoadBalancerName,
    ELBClientError,
    InvalidConfigurationRequest,
    LoadBalancerNotFoundError,
)
from moto.elbv2.models import ELBv2Backend, FakeLoadBalancer, elbv2_backends
from moto.elbv2.responses import ELBV2Response

from underpass.twin.api import patch
from underpass.twin.region.aws import ACCOUNT_ID
from underpass.twin.region.records import records
from underpass.twin.services.ec2.patches import free_address
from underpass.twin.services.elbv2.attributes import (
    DEFAULTS,
    ONLY,
    check_logs,
    check_only,
    unsupported,
)

ENFORCE = "enforce_security_group_inbound_rules_on_private_link_traffic"
HOSTED_ZONES = {"application": "Z35SXDOTRQ7X7K", "network": "Z26RNL4JYFTOTI"}  # us-east-1's


@patch.replace(FakeLoadBalancer, "activate")
def _activate(_balancer: Any) -> None:
    """Leave the state as it is: ``set_state`` says when."""


@records()
def set_state(arn: str, state: str) -> None:
    """Set a load balancer's state ("provisioning", "active", "failed"); one that is gone is no error."""
    account, region = arn.split(":")[4], arn.split(":")[3]
    balancer = elbv2_backends[account][region].load_balancers.get(arn)
    if balancer is not None:
        balancer.state = state


@records()
def random_address(subnet_id: str, region: str) -> str:
    """Return any free address of a subnet, for a node."""
    return free_address(ec2_backends[ACCOUNT_ID][region].get_subnet(subnet_id), at_random=True)


# Load balancers


@patch.wrap(ELBv2Backend, "create_load_balancer")
def _created(
    original: Callable[..., Any],
    backend: Any,
    name: str,
    security_groups: list[str],
    subnet_ids: list[str],
    subnet_mappings: list[dict[str, str]] | None = None,
    scheme: str | None = None,
    loadbalancer_type: str | None = None,
    ip_address_type: str = "ipv4",
    tags: list[dict[str, str]] | None = None,
) -> Any:
    kind = loadbalancer_type or "application"
    if kind not in DEFAULTS:
        raise unsupported(f"load balancers of type {kind}")
    if ip_address_type != "ipv4":
        raise unsupported(f"the address type {ip_address_type}")
    if any(balancer.name == name for balancer in backend.load_balancers.values()):
        raise DuplicateLoadBalancerName
    mappings = subnet_mappings or []
    subnets = _checked_subnets(backend, kind, subnet_ids, mappings)
    groups = _checked_groups(backend, kind, security_groups, subnets[0].vpc_id)
    balancer = original(
        backend,
        name,
        groups,
        subnet_ids,
        mappings,
        scheme or "internet-facing",
        kind,
        ip_address_type,
        tags,
    )
    balancer.attrs = dict(DEFAULTS[kind])
    balancer.canonical_hosted_zone_id = HOSTED_ZONES[kind]
    balancer.static_addresses = _static_addresses(mappings)
    if kind == "network":
        _make_network(backend, balancer, tags)
        if groups:
            setattr(balancer, ENFORCE, "on")
    balancer.dns_name = _dns_name(balancer, backend.region_name)
    return balancer


def _make_network(backend: Any, balancer: Any, tags: list[dict[str, str]] | None) -> None:
    del backend.load_balancers[balancer.arn]
    backend.tagging_service.delete_all_tags_for_resource(balancer.arn)
    balancer.arn = balancer.arn.replace(":loadbalancer/app/", ":loadbalancer/net/")
    backend.load_balancers[balancer.arn] = balancer
    backend.tagging_service.tag_resource(balancer.arn, tags)


def _dns_name(balancer: Any, region: str) -> str:
    internal = balancer.scheme == "internal"
    if balancer.type == "network":
        return f"{balancer.name}-{balancer.arn.rpartition('/')[2]}.elb.{region}.amazonaws.com"
    number = random.randrange(10**9, 2 * 10**9)  # noqa: S311  a name, not a secret
    return f"{'internal-' if internal else ''}{balancer.name}-{number}.{region}.elb.amazonaws.com"


def _checked_subnets(
    backend: Any, kind: str, ids: Iterable[str], mappings: Iterable[Mapping[str, str]]
) -> list[Any]:
    subnets = []
    for subnet_id in [*ids, *(mapping["SubnetId"] for mapping in mappings)]:
        try:
            subnets.append(backend.ec2_backend.get_subnet(subnet_id))
        except EC2ClientError:
            raise ELBClientError(
                "InvalidSubnet", f"The subnet ID '{subnet_id}' is not valid"
            ) from None
    if not subnets:
        raise ELBClientError(
            "ValidationError",
            "You must specify either subnets or subnet mappings",
        )
    if len({subnet.vpc_id for subnet in subnets}) > 1:
        raise ELBClientError("InvalidSubnet", "All subnets must belong to the same VPC")
    if len({subnet.availability_zone for subnet in subnets}) < len(subnets):
        raise InvalidConfigurationRequest(
            "A load balancer cannot be attached to multiple subnets in the same Availability Zone",
        )
    if kind == "application" and len(subnets) < 2:
        raise ELBClientError(
            "ValidationError",
            "At least two subnets in two different Availability Zones must be specified",
        )
    return subnets


def _checked_groups(backend: Any, kind: str, groups: list[str], vpc_id: str) -> list[str]:
    for group_id in groups:
        group = backend.ec2_backend.get_security_group_from_id(group_id)
        if group is None or group.vpc_id != vpc_id:
            raise ELBClientError(
                "InvalidSecurityGroup", f"Security group '{group_id}' is not valid"
            )
    if groups or kind == "network":
        return groups
    return [backend.ec2_backend.get_default_security_group(vpc_id).id]


def _static_addresses(mappings: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {
        mapping["SubnetId"]: mapping["PrivateIPv4Address"]
        for mapping in mappings
        if mapping.get("PrivateIPv4Address")
    }


@patch.compute(FakeLoadBalancer, "availability_zones")
def _availability_zones(balancer: Any) -> list[dict[str, Any]]:
    static = getattr(balancer, "static_addresses", {})
    return [
        {
            "ZoneName": subnet.availability_zone,
            "SubnetId": subnet.id,
            "LoadBalancerAddresses": [{"PrivateIPv4Address": static[subnet.id]}]
            if subnet.id in static
            else [],
        }
        for subnet in balancer.subnets
    ]


@patch.wrap(ELBv2Backend, "delete_load_balancer")
def _deleted(original: Callable[..., None], backend: Any, arn: str) -> None:
    balancer = backend.load_balancers.get(arn)
    if balancer is None:
        return
    if balancer.attrs.get("deletion_protection.enabled") == "true":
        raise ELBClientError(
            "OperationNotPermitted",
            f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled",
        )
    for service in backend.ec2_backend.configurations.values():
        if arn in service.network_load_balancer_arns:
            raise ELBClientError(
                "ResourceInUse",
                f"Load balancer '{arn}' cannot be deleted because it is currently associated with"
                " another service",
            )
    for group in backend.target_groups.values():
        if any(target["Id"] == arn for target in group.targets.values()):
            raise ELBClientError(
                "ResourceInUse",
                f"Load balancer '{arn}' cannot be deleted because it is a target of '{group.arn}':"
                " deregister it first",
            )
    original(backend, arn)
    backend.tagging_service.delete_all_tags_for_resource(arn)


@patch.replace(ELBv2Backend, "set_subnets")
def _subnets_set(
    backend: Any, arn: str, subnets: list[str], subnet_mappings: list[dict[str, str]]
) -> list[dict[str, Any]]:
    balancer = backend.load_balancers.get(arn)
    if balancer is None:
        raise LoadBalancerNotFoundError
    balancer.subnets = _checked_subnets(backend, balancer.type, subnets, subnet_mappings)
    balancer.static_addresses = _static_addresses(subnet_mappings)
    return _availability_zones(balancer)


@patch.wrap(ELBv2Backend, "modify_load_balancer_attributes")
def _attributes_modified(
    original: Callable[..., dict[str, Any]], backend: Any, arn: str, attrs: dict[str, Any]
) -> dict[str, Any]:
    check_only("load balancer", attrs, ONLY)
    if balancer := backend.load_balancers.get(arn):
        check_logs(balancer, {**balancer.attrs, **attrs})
    return original(backend, arn, attrs)


@patch.replace(ELBV2Response, "set_security_groups")
def _security_groups_set(response: Any) -> Any:
    params = response._get_params()  # noqa: SLF001  moto's own way to a request's parameters
    backend, arn = response.elbv2_backend, params["LoadBalancerArn"]
    balancer = backend.load_balancers.get(arn)
    if balancer is None:
        raise LoadBalancerNotFoundError
    groups = params.get("SecurityGroups", [])
    network = balancer.type == "network"
    if network and bool(balancer.security_groups) != bool(groups):
        raise InvalidConfigurationRequest(
            "A Network Load Balancer has security groups from its creation or never",
        )
    backend.set_security_groups(
        arn, _checked_groups(backend, balancer.type, groups, balancer.vpc_id)
    )
    enforce = params.get("EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic")
    if network and enforce:
        setattr(balancer, ENFORCE, enforce)
    result = {"SecurityGroupIds": balancer.security_groups}
    if hasattr(balancer, ENFORCE):
        result["EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"] = getattr(balancer, ENFORCE)
    return ActionResult(result)
