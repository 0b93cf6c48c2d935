"""EC2 networking in moto, made to give interfaces addresses that can be wired.

moto draws many private addresses at random. Here each interface has a free address of its own subnet, each
public address is one of 203.0.113.0/24, and interfaces AWS makes itself (NAT gateways') are described,
grouped and deleted as AWS's are.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import ec2_backends
from moto.ec2.models.elastic_ip_addresses import ElasticAddressBackend
from moto.ec2.models.elastic_network_interfaces import NetworkInterface, NetworkInterfaceBackend
from moto.ec2.models.launch_templates import LaunchTemplate
from moto.ec2.models.nat_gateways import NatGatewayBackend
from moto.ec2.models.security_groups import SecurityGroupBackend, SecurityGroupRule
from moto.ec2.models.subnets import Subnet
from moto.ec2.responses.elastic_network_interfaces import ElasticNetworkInterfaces
from moto.ec2.utils import parse_user_data

from underpass.twin.api import patch
from underpass.twin.region.aws import ACCOUNT_ID
from underpass.twin.region.records import records

PUBLIC_ADDRESSES = IPv4Network("203.0.113.0/24")
_FIRST_PUBLIC = 10
_FIRST_HOST = 4  # AWS keeps the first four addresses of a subnet, and the last
_WITHOUT_GROUP = ("ELB net/",)  # a network load balancer may carry none, and then lets all pass

_FILTERS = {  # by their attributes of moto's interfaces
    "status": "status",
    "interface-type": "interface_type",
    "requester-managed": "requester_managed",
    "mac-address": "mac_address",
    "association.public-ip": "public_ip",
}

Method = Callable[..., Any]


# Private addresses


def free_address(subnet: Any, *, at_random: bool = False) -> str:
    """Return an address of a moto subnet that no interface has: the next one after the last given.

    An address that was given back is not given out again at once, unless it is drawn ``at_random``.
    """
    hosts = IPv4Network(subnet.cidr_block)
    count = hosts.num_addresses - _FIRST_HOST - 1
    taken = _addresses(subnet)
    start = getattr(subnet, "underpass_next", 0)
    if at_random:
        start = random.randrange(count)  # noqa: S311  an address, not a secret
    for offset in range(count):
        position = (start + offset) % count
        address = str(hosts[_FIRST_HOST + position])
        if address not in taken:
            if not at_random:
                subnet.underpass_next = position + 1
            return address
    raise EC2ClientError(
        "InsufficientFreeAddressesInSubnet",
        f"The specified subnet does not have enough free addresses: {subnet.id}",
    )


@patch.replace(Subnet, "get_available_subnet_ip")
def _get_available(subnet: Any, instance: Any) -> str:  # noqa: ARG001  moto names it
    return free_address(subnet)


@patch.replace(Subnet, "request_ip")
def _request(subnet: Any, address: str, instance: Any) -> None:  # noqa: ARG001
    _check_address(subnet, address)


def _check_address(subnet: Any, address: str) -> None:
    """Refuse an address that was asked for and cannot be had."""
    hosts = IPv4Network(subnet.cidr_block)
    if IPv4Address(address) not in hosts:
        raise EC2ClientError(
            "InvalidParameterValue", "Address does not fall within the subnet's address range"
        )
    position = int(IPv4Address(address)) - int(hosts.network_address)
    if not _FIRST_HOST <= position < hosts.num_addresses - 1:
        raise EC2ClientError(
            "InvalidParameterValue", "Address is in subnet's reserved address range"
        )
    if address in _addresses(subnet):
        raise EC2ClientError("InvalidIPAddress.InUse", f"Address {address} is in use.")


def _addresses(subnet: Any) -> set[str]:
    return {
        address["PrivateIpAddress"]
        for interface in tuple(
            subnet.ec2_backend.enis.values()
        )  # nodes' are drawn without the lock
        if interface.subnet.id == subnet.id
        for address in interface.private_ip_addresses
    }


# Interfaces


@patch.wrap(NetworkInterfaceBackend, "create_network_interface")
def _create_interface(
    original: Method,
    backend: Any,
    subnet: Any,
    private_ip_address: Any = None,
    private_ip_addresses: Any = None,
    group_ids: Any = None,
    description: str | None = None,
    tags: Any = None,
    **kwargs: Any,
) -> Any:
    subnet = backend.get_subnet(subnet) if isinstance(subnet, str) else subnet
    if isinstance(private_ip_address, list):
        private_ip_address = private_ip_address[0] if private_ip_address else None
    for group_id in group_ids or ():
        if backend.get_security_group_from_id(group_id) is None:
            raise EC2ClientError(
                "InvalidGroup.NotFound", f"The security group '{group_id}' does not exist"
            )
    inside = IPv4Network(subnet.cidr_block)
    if private_ip_address and IPv4Address(private_ip_address) in inside:
        _check_address(subnet, private_ip_address)
    elif not private_ip_addresses:
        private_ip_address = free_address(subnet)  # in the place of one moto drew at random
    if "device_index" in kwargs:  # made with an instance: AWS deletes it with the instance
        kwargs["delete_on_termination"] = True
    interface = original(
        backend,
        subnet,
        private_ip_address,
        private_ip_addresses,
        group_ids=group_ids,
        description=description,
        tags=tags,
        **kwargs,
    )
    if not group_ids and interface.description.startswith(_WITHOUT_GROUP):
        interface._group_set = []  # noqa: SLF001
    return interface


@patch.wrap(ElasticNetworkInterfaces, "create_network_interface")
def _check_request(original: Method, response: Any) -> Any:
    address = response._get_param("PrivateIpAddress")  # noqa: SLF001
    if address:
        _check_address(response.ec2_backend.get_subnet(response._get_param("SubnetId")), address)  # noqa: SLF001
    return original(response)


@patch.wrap(NetworkInterfaceBackend, "delete_network_interface")
def _delete_interface(original: Method, backend: Any, eni_id: str) -> Any:
    for address in backend.addresses:
        if address.eni is not None and address.eni.id == eni_id:
            backend.disassociate_address(address=address.public_ip)
    return original(backend, eni_id)


@patch.wrap(SecurityGroupBackend, "create_security_group")
def _create_group(original: Method, backend: Any, *args: Any, **kwargs: Any) -> Any:
    """Let a VPC's default group take in what comes from its own interfaces, as AWS's does."""
    group = original(backend, *args, **kwargs)
    if group.is_default:
        own = [{"GroupId": group.id}]
        backend.authorize_security_group_ingress(
            group.id, "-1", None, None, [], source_groups=own, vpc_id=group.vpc_id
        )
    return group


@patch.wrap(NetworkInterface, "get_filter_value")
def _filter_value(
    original: Method, interface: Any, filter_name: str, method_name: str | None = None
) -> Any:
    if filter_name in _FILTERS:
        return getattr(interface, _FILTERS[filter_name])
    return original(interface, filter_name, method_name)


def mark_interface(interface: Any, description: str, kind: str) -> None:
    """Mark an interface as one AWS made for a service."""
    interface.description = description
    interface.interface_type = kind
    interface.requester_managed = True
    interface.status = "in-use"


@records()
def change_interface(region: str, interface_id: str, **shown: Any) -> None:
    """Change what EC2 shows of an interface, by moto's names; one that is gone is no error."""
    interface = ec2_backends[ACCOUNT_ID][region].enis.get(interface_id)
    if interface is not None:
        vars(interface).update(shown)


# Public addresses


@patch.wrap(ElasticAddressBackend, "allocate_address")
def _allocate_address(
    original: Method, backend: Any, domain: str, address: str | None = None, tags: Any = None
) -> Any:
    return original(backend, domain, address or _free_public_address(backend), tags)


@patch.replace(NetworkInterface, "check_auto_public_ip")
def _give_public_address(interface: Any) -> None:
    if str(interface.public_ip_auto_assign).lower() == "true" and not interface.public_ip:
        interface.public_ip = _free_public_address(interface.ec2_backend)


def _free_public_address(backend: Any) -> str:
    taken: set[str] = set()
    for account in ec2_backends.values():  # there is one internet
        there = account[backend.region_name]
        taken.update(address.public_ip for address in there.addresses)
        taken.update(interface.public_ip for interface in there.enis.values())
    candidates: Iterable[str] = map(str, list(PUBLIC_ADDRESSES.hosts())[_FIRST_PUBLIC - 1 :])
    for candidate in candidates:
        if candidate not in taken:
            return candidate
    raise EC2ClientError(
        "AddressLimitExceeded", "The maximum number of addresses has been reached."
    )


# Interfaces of other services


@patch.wrap(NatGatewayBackend, "create_nat_gateway")
def _create_nat_gateway(original: Method, backend: Any, *args: Any, **kwargs: Any) -> Any:
    gateway = original(backend, *args, **kwargs)
    interface = gateway._eni  # noqa: SLF001
    mark_interface(interface, f"Interface for NAT Gateway {gateway.id}", "nat_gateway")
    interface._group_set = []  # noqa: SLF001
    return gateway


@patch.wrap(NatGatewayBackend, "delete_nat_gateway")
def _delete_nat_gateway(original: Method, backend: Any, nat_gateway_id: str) -> Any:
    if nat_gateway_id not in backend.nat_gateways:
        raise EC2ClientError("NatGatewayNotFound", f"NAT gateway {nat_gateway_id} was not found")
    gateway = original(backend, nat_gateway_id)
    if gateway._eni.id in backend.enis:  # noqa: SLF001
        backend.delete_network_interface(gateway._eni.id)  # noqa: SLF001
    return gateway


@patch.replace(SecurityGroupRule, "__eq__")
def _same_rule(rule: Any, other: Any) -> bool:
    """Compare rules by what they allow; in moto a group's description makes another rule of it."""
    return _allowed(rule) == _allowed(other)


def _allowed(rule: Any) -> tuple[Any, ...]:
    group = {key: value for key, value in rule.source_group.items() if key != "Description"}
    ports = (rule.from_port, rule.to_port) if rule.ip_protocol != "-1" else ()
    blocks = (rule.ip_range.get("CidrIp"), rule.ip_range.get("CidrIpv6"))
    return (rule.ip_protocol, ports, blocks, group, rule.prefix_list_id)


# Launch templates


@patch.wrap(LaunchTemplate, "create_version")
def _version(original: Method, template: Any, data: Any, description: str) -> Any:
    """Take a later version's user data as moto takes the first's, or no instance could be made of it."""
    text = data.get("UserData")
    if isinstance(text, str):
        data = {**data, "UserData": parse_user_data(text)}
    return original(template, data, description)
