"""What EC2 says of interface endpoints, read into values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from underpass.twin.services.ec2.model import Rule
from underpass.twin.services.elbv2.model import Eni, LoadBalancer
from underpass.twin.services.elbv2.observe import interfaces
from underpass.twin.services.privatelink.model import Endpoint, Endpoints

_INTERFACE = "VPC Endpoint Interface "
Described = Mapping[str, Any]


def observe(ec2: Sequence[Any], balancers: Iterable[LoadBalancer]) -> Endpoints:
    """Return the interface endpoints, and the rules that ``balancers`` enforce on their traffic.

    Parameters
    ----------
    ec2
        boto3 clients, one of each account, that of the balancers first: endpoints may be in others.
    """
    of_interfaces = [{"Name": "vpc-endpoint-type", "Values": ["Interface"]}]
    described = [
        (one, found)
        for one in ec2
        if (found := one.describe_vpc_endpoints(Filters=of_interfaces)["VpcEndpoints"])
    ]
    if not described:
        return Endpoints()
    services = {
        one["ServiceName"]: tuple(one.get("NetworkLoadBalancerArns", ()))
        for owner in ec2
        for one in owner.describe_vpc_endpoint_service_configurations()["ServiceConfigurations"]
    }
    return Endpoints(
        tuple(
            endpoint
            for one, found in described
            for endpoint in _endpoints(services, found, interfaces(one, f"{_INTERFACE}*"))
        ),
        _inbound(ec2[0], balancers),
    )


def _endpoints(
    services: Mapping[str, tuple[str, ...]],
    described: Iterable[Described],
    enis: Mapping[str, tuple[Eni, ...]],
) -> Iterator[Endpoint]:
    return (
        Endpoint(
            id=one["VpcEndpointId"],
            vpc_id=one["VpcId"],
            state=one["State"],
            service=one["ServiceName"],
            balancers=services.get(one["ServiceName"], ()),
            enis=enis.get(f"{_INTERFACE}{one['VpcEndpointId']}", ()),
            names=tuple(entry["DnsName"] for entry in one["DnsEntries"]),
        )
        for one in described
    )


def _inbound(
    ec2: Any, balancers: Iterable[LoadBalancer]
) -> tuple[tuple[str, tuple[Rule, ...]], ...]:
    wanted = {group for one in balancers if one.enforces_inbound for group in one.groups}
    if not wanted:
        return ()
    named = [{"Name": "group-id", "Values": sorted(wanted)}]  # a filter minds no group that is gone
    groups = ec2.describe_security_groups(Filters=named)["SecurityGroups"]
    return tuple(
        (one["GroupId"], tuple(map(_inbound_rule, one["IpPermissions"]))) for one in groups
    )


def _inbound_rule(one: Described) -> Rule:
    return Rule(
        protocol=one["IpProtocol"],
        from_port=one.get("FromPort", -1),
        to_port=one.get("ToPort", -1),
        cidrs=tuple(block["CidrIp"] for block in one.get("IpRanges", ())),
        groups=tuple(pair["GroupId"] for pair in one.get("UserIdGroupPairs", ())),
    )
