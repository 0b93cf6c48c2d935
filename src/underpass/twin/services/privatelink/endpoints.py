"""VPC endpoints, the consumer's side of PrivateLink: interfaces in its subnets, names, and states.

An interface endpoint waits as ``pendingAcceptance`` where its service asks for that, is ``pending`` until
the balancers have wired it, and then ``available``. Gateway endpoints stay moto's.
Source: vpc/latest/privatelink/create-endpoint-service and the EC2 API's CreateVpcEndpoint.
"""

from __future__ import annotations

import random
import string
from collections.abc import Iterable
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import ec2_backends
from moto.ec2.models import vpcs as moto_vpcs
from moto.ec2.responses import EC2Response
from moto.ec2.utils import add_tag_specification, random_id, random_vpc_ep_id

from underpass.twin.api import patch
from underpass.twin.region.records import records
from underpass.twin.services.ec2.patches import mark_interface
from underpass.twin.services.iam import callers
from underpass.twin.services.iam.callers import Caller
from underpass.twin.services.privatelink import endpoint_connections, endpoint_services

SHORT_NAMES = {"ecs-agent": "ecs-a", "ecs-telemetry": "ecs-t"}
HOSTED_ZONE = "Z7HUB22UULQXV"  # of vpce.amazonaws.com in us-east-1
AWS_SERVICES = {*moto_vpcs.AWS_ENDPOINT_SERVICES, *moto_vpcs.COVERED_ENDPOINT_SERVICES}


@records()
def set_state(endpoint_id: str, state: str, region: str) -> bool:
    """Move an endpoint that is ``pending`` or ``available`` to ``state``; return whether that changed it.

    What a provider rejected, or has not accepted yet, is for the provider to change.
    """
    for account in list(ec2_backends.values()):
        backend = account[region]
        endpoint = backend.vpc_end_points.get(endpoint_id)
        if endpoint and endpoint.state in {"pending", "available"} and endpoint.state != state:
            endpoint.state = state
            return True
    return False


@patch.replace(EC2Response, "create_vpc_endpoint")
def _created(response: Any) -> Any:
    backend, params = response.ec2_backend, response._get_params()  # noqa: SLF001
    kind = params.get("VpcEndpointType", "Gateway")
    tags = add_tag_specification(params.get("TagSpecifications", []))
    if kind == "Gateway":
        endpoint = backend.create_vpc_endpoint(
            params["VpcId"],
            params["ServiceName"],
            kind,
            params.get("PolicyDocument"),
            params.get("RouteTableIds", []),
            tags=tags,
            private_dns_enabled=False,
        )
        return ActionResult({"VpcEndpoint": endpoint})
    if kind != "Interface":
        raise EC2ClientError(
            "UnsupportedOperation", f"The twin has no VPC endpoints of type {kind}"
        )
    return ActionResult({"VpcEndpoint": _interface_endpoint(response, params, tags)})


def _interface_endpoint(response: Any, params: dict[str, Any], tags: dict[str, str]) -> Any:
    backend = response.ec2_backend
    vpc = backend.get_vpc(params["VpcId"])
    name = params["ServiceName"]
    service = _usable_service(backend, name, callers.find(response.get_access_key()))
    subnets = _checked_subnets(backend, vpc, service, name, params.get("SubnetIds", []))
    groups = _checked_groups(backend, vpc, params.get("SecurityGroupIds", []))
    private_name = _private_name(name, service, backend.region_name)
    private = _private_dns(vpc, name, private_name, params.get("PrivateDnsEnabled"))
    endpoint = moto_vpcs.VPCEndPoint(
        backend,
        random_vpc_ep_id(),
        vpc.id,
        name,
        "Interface",
        params.get("PolicyDocument"),
        [],
        subnet_ids=[],
        client_token=params.get("ClientToken"),
        security_group_ids=groups,
        tags=tags,
        private_dns_enabled=private,
    )
    letters = string.ascii_lowercase + string.digits
    endpoint.suffix = "".join(random.choices(letters, k=8))  # noqa: S311  a name, not a secret
    endpoint.private_name = private_name
    endpoint.connection_id = random_id("vpce-con")
    endpoint.ip_address_type = "ipv4"
    endpoint.dns_options = {"DnsRecordIpType": "ipv4"}
    endpoint.requester_managed = False
    endpoint.service_region = backend.region_name
    waits = service is not None and service.acceptance_required
    endpoint.state = "pendingAcceptance" if waits else "pending"
    backend.vpc_end_points[endpoint.id] = endpoint
    _add_interfaces(endpoint, subnets)
    endpoint_connections.tell("Connect", endpoint)
    return endpoint


def _usable_service(backend: Any, name: str, caller: Caller | None) -> Any:
    """Return the endpoint service, or None for one of AWS's own; refuse any other name as AWS does."""
    service = endpoint_services.find(name, backend.region_name)
    if service is not None and endpoint_services.allows(service, backend.account_id, caller):
        return service
    prefix = f"com.amazonaws.{backend.region_name}."
    if service is None and name.startswith(prefix) and name[len(prefix) :] in AWS_SERVICES:
        return None
    raise endpoint_services.invalid_service_name(name)


def _checked_subnets(
    backend: Any, vpc: Any, service: Any, name: str, subnet_ids: Iterable[str]
) -> list[Any]:
    subnets = [backend.get_subnet(subnet_id) for subnet_id in subnet_ids]
    zones: set[str] = set()
    for subnet in subnets:
        if subnet.vpc_id != vpc.id:
            raise EC2ClientError(
                "InvalidParameter", f"The subnet {subnet.id} does not belong to the VPC {vpc.id}"
            )
        if service is not None and subnet.availability_zone not in service.availability_zones:
            raise EC2ClientError(
                "InvalidParameter",
                f"The VPC endpoint service {name} does not support the availability zone of the subnet:"
                f" {subnet.id}.",
            )
        if subnet.availability_zone in zones:
            raise EC2ClientError(
                "DuplicateSubnetsInSameZone",
                f"Found another VPC endpoint subnet in the availability zone of {subnet.id}. VPC endpoint"
                " subnets should be in different availability zones supported by the VPC endpoint service.",
            )
        zones.add(subnet.availability_zone)
    return subnets


def _checked_groups(backend: Any, vpc: Any, groups: list[str]) -> list[str]:
    for group_id in groups:
        group = backend.get_security_group_from_id(group_id)
        if group is None or group.vpc_id != vpc.id:
            raise EC2ClientError(
                "InvalidGroup.NotFound", f"The security group '{group_id}' does not exist"
            )
    return groups or [backend.get_default_security_group(vpc.id).id]


def _private_name(name: str, service: Any, region: str) -> str:
    if service is not None:
        return service.private_dns_name or ""
    api = name.removeprefix(f"com.amazonaws.{region}.")
    api = SHORT_NAMES.get(api, api)
    api = ".".join(reversed(api.split(".")))  # com.amazonaws.REGION.ecr.api is api.ecr.REGION
    if api == "dkr.ecr":
        api = "*.dkr.ecr"  # a registry's name begins with its account
    return f"{api}.{region}.amazonaws.com"


def _private_dns(vpc: Any, service_name: str, private_name: str, asked: Any) -> bool:
    """Tell whether the endpoint answers for the service's own name; by default AWS's services do."""
    if asked is None:
        asked = bool(private_name)
    if str(asked).lower() != "true":
        return False
    if not private_name:
        raise EC2ClientError(
            "InvalidParameter",
            f"Private DNS can't be enabled because the service {service_name} does not provide a"
            " private DNS name.",
        )
    if not (vpc.enable_dns_support and vpc.enable_dns_hostnames):
        raise EC2ClientError(
            "InvalidParameter",
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes"
            f" set to true for {vpc.id}",
        )
    return True


# Interfaces and names


def _add_interfaces(endpoint: Any, subnets: Iterable[Any]) -> None:
    backend = endpoint.ec2_backend
    for subnet in subnets:
        interface = backend.create_network_interface(
            subnet,
            None,
            group_ids=list(endpoint.security_group_ids),
        )
        mark_interface(interface, f"VPC Endpoint Interface {endpoint.id}", "vpc_endpoint")
        endpoint.subnet_ids.append(subnet.id)
        endpoint.network_interface_ids.append(interface.id)
    endpoint.dns_entries = _dns_entries(endpoint)


def _remove_interfaces(endpoint: Any, subnet_ids: Iterable[str]) -> None:
    backend, gone = endpoint.ec2_backend, set(subnet_ids)
    for interface_id in list(endpoint.network_interface_ids):
        interface = backend.enis.get(interface_id)
        if interface is None or interface.subnet_id in gone:
            endpoint.network_interface_ids.remove(interface_id)
        if interface is not None and interface.subnet_id in gone:
            interface.delete()
    endpoint.subnet_ids = [one for one in endpoint.subnet_ids if one not in gone]
    endpoint.dns_entries = _dns_entries(endpoint)


def _dns_entries(endpoint: Any) -> list[dict[str, str]]:
    """Return the regional name first, then one for each zone, then the service's own if private DNS is on."""
    backend, region = endpoint.ec2_backend, endpoint.service_region
    service = endpoint.service_name.removeprefix(f"com.amazonaws.vpce.{region}.")
    service = service.removeprefix(f"com.amazonaws.{region}.")
    base, stem = f"{service}.{region}.vpce.amazonaws.com", f"{endpoint.id}-{endpoint.suffix}"
    zones = [backend.get_subnet(one).availability_zone for one in endpoint.subnet_ids]
    names = [f"{stem}.{base}", *(f"{stem}-{zone}.{base}" for zone in zones)]
    entries = [{"DnsName": name, "HostedZoneId": HOSTED_ZONE} for name in names]
    if endpoint.private_dns_enabled:
        entries.append({"DnsName": endpoint.private_name})
    return entries


@patch.replace(EC2Response, "modify_vpc_endpoint")
def _modified(response: Any) -> Any:
    backend, params = response.ec2_backend, response._get_params()  # noqa: SLF001
    endpoint = backend.get_vpc_end_point(params["VpcEndpointId"])
    added, removed = params.get("AddSubnetIds", []), params.get("RemoveSubnetIds", [])
    add_groups = params.get("AddSecurityGroupIds", [])
    if endpoint.vpc_endpoint_type == "Interface":
        vpc = backend.get_vpc(endpoint.vpc_id)
        service = endpoint_services.find(endpoint.service_name, backend.region_name)
        kept = [one for one in endpoint.subnet_ids if one not in removed]
        wanted = list(dict.fromkeys([*kept, *added]))
        _checked_subnets(backend, vpc, service, endpoint.service_name, wanted)
        if add_groups:
            _checked_groups(backend, vpc, add_groups)
        if "PrivateDnsEnabled" in params:
            asked = params["PrivateDnsEnabled"]
            endpoint.private_dns_enabled = _private_dns(
                vpc, endpoint.service_name, endpoint.private_name, asked
            )
        _remove_interfaces(endpoint, removed)
        new = [backend.get_subnet(one) for one in wanted if one not in endpoint.subnet_ids]
        added, removed = [], []
    backend.modify_vpc_endpoint(
        endpoint.id,
        params.get("PolicyDocument"),
        added,
        removed,
        params.get("RemoveRouteTableIds", []),
        params.get("AddRouteTableIds", []),
        add_groups,
        params.get("RemoveSecurityGroupIds", []),
    )
    if endpoint.vpc_endpoint_type == "Interface":
        for interface_id in endpoint.network_interface_ids:
            backend.modify_network_interface_attribute(interface_id, endpoint.security_group_ids)
        _add_interfaces(endpoint, new)
    else:
        _move_routes(
            endpoint, params.get("AddRouteTableIds", []), params.get("RemoveRouteTableIds", [])
        )
    return ActionResult({"Return": True})


def _move_routes(endpoint: Any, added: Iterable[str], removed: Iterable[str]) -> None:
    """Give the route tables of a gateway endpoint its route; moto does so only when it is made."""
    backend, prefixes = endpoint.ec2_backend, endpoint.destination_prefix_list_id
    for table in added:
        backend.create_route(
            table, None, gateway_id=endpoint.id, destination_prefix_list_id=prefixes
        )
    for table in removed:
        backend.delete_route(table, None, destination_prefix_list_id=prefixes)


@patch.replace(EC2Response, "delete_vpc_endpoints")
def _deleted(response: Any) -> Any:
    backend, unsuccessful = response.ec2_backend, []
    for endpoint_id in response._get_param("VpcEndpointIds", []):  # noqa: SLF001
        endpoint = backend.vpc_end_points.get(endpoint_id)
        if endpoint is None:
            unsuccessful.append(
                endpoint_services.failure(
                    endpoint_id,
                    "InvalidVpcEndpoint.NotFound",
                    f"The Vpc Endpoint Id '{endpoint_id}' does not exist",
                )
            )
            continue
        if endpoint.vpc_endpoint_type == "Interface":
            _remove_interfaces(endpoint, list(endpoint.subnet_ids))
            endpoint.state = "deleted"
            endpoint_connections.tell("Delete", endpoint)
        else:
            backend.delete_vpc_endpoints([endpoint_id])
        del backend.vpc_end_points[endpoint_id]
    return ActionResult({"Unsuccessful": unsuccessful})
