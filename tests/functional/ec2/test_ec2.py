"""Interfaces get addresses that can be wired, whoever makes them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from botocore.exceptions import ClientError

from underpass.twin.region.aws import Clients

Described = dict[str, Any]


def interface(clients: Clients, subnet: Described, **named: Any) -> Described:
    made = clients("ec2").create_network_interface(SubnetId=subnet["SubnetId"], **named)
    described: Described = made["NetworkInterface"]
    return described


def refusal(clients: Clients, subnet: Described, **named: Any) -> str:
    with pytest.raises(ClientError) as refused:
        interface(clients, subnet, **named)
    return str(refused.value.response["Error"]["Code"])


def in_subnet(clients: Clients, subnet: Described) -> list[Described]:
    filters = [{"Name": "subnet-id", "Values": [subnet["SubnetId"]]}]
    found: list[Described] = clients("ec2").describe_network_interfaces(Filters=filters)[
        "NetworkInterfaces"
    ]
    return found


def test_a_subnet_gives_each_of_its_addresses_once_and_none_of_the_reserved(
    clients: Clients, subnet: Described
) -> None:
    given = [interface(clients, subnet)["PrivateIpAddress"] for _ in range(11)]
    assert given == [f"10.9.0.{16 + host}" for host in range(4, 15)]
    assert refusal(clients, subnet) == "InsufficientFreeAddressesInSubnet"


def test_an_address_given_back_is_not_the_next_to_be_given(
    clients: Clients, subnet: Described
) -> None:
    first = interface(clients, subnet)
    clients("ec2").delete_network_interface(NetworkInterfaceId=first["NetworkInterfaceId"])
    assert interface(clients, subnet)["PrivateIpAddress"] != first["PrivateIpAddress"]


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("10.9.0.19", "InvalidParameterValue"),
        ("10.9.0.31", "InvalidParameterValue"),
        ("10.9.0.40", "InvalidParameterValue"),
        ("10.9.0.21", "InvalidIPAddress.InUse"),
    ],
    ids=["reserved", "broadcast", "another subnet's", "taken"],
)
def test_an_address_that_cannot_be_had_is_refused(
    clients: Clients, subnet: Described, address: str, code: str
) -> None:
    assert interface(clients, subnet, PrivateIpAddress="10.9.0.21")["PrivateIpAddress"]
    assert refusal(clients, subnet, PrivateIpAddress=address) == code


def test_groups_are_those_given_else_the_vpcs_default(clients: Clients, subnet: Described) -> None:
    own = clients("ec2").create_security_group(
        GroupName="own", Description="own", VpcId=subnet["VpcId"]
    )["GroupId"]
    groups = [
        [group["GroupName"] for group in interface(clients, subnet, **named)["Groups"]]
        for named in ({"Groups": [own]}, {}, {"Description": "ELB net/a/1"})
    ]
    assert groups == [["own"], ["default"], []]
    assert refusal(clients, subnet, Groups=["sg-0123456789abcdef0"]) == "InvalidGroup.NotFound"


def test_a_nat_gateways_interface_comes_and_goes_with_it(
    clients: Clients, subnet: Described
) -> None:
    ec2 = clients("ec2")
    address = ec2.allocate_address(Domain="vpc")
    gateway = ec2.create_nat_gateway(
        SubnetId=subnet["SubnetId"], AllocationId=address["AllocationId"]
    )["NatGateway"]
    assert IPv4Address(address["PublicIp"]) in IPv4Network("203.0.113.0/24")
    (made,) = in_subnet(clients, subnet)
    assert made["Description"] == f"Interface for NAT Gateway {gateway['NatGatewayId']}"
    assert made["Groups"] == []
    assert made["Association"]["PublicIp"] == address["PublicIp"]
    (told,) = gateway["NatGatewayAddresses"]
    assert told["PublicIp"] == address["PublicIp"]
    assert told["PrivateIp"] == made["PrivateIpAddress"]
    ec2.delete_nat_gateway(NatGatewayId=gateway["NatGatewayId"])
    assert in_subnet(clients, subnet) == []
    ec2.release_address(
        AllocationId=address["AllocationId"]
    )  # which AWS refuses while it is in use


def test_a_mount_targets_interface_comes_and_goes_with_it(
    clients: Clients, subnet: Described
) -> None:
    efs = clients("efs")
    system = efs.create_file_system(CreationToken=subnet["SubnetId"])["FileSystemId"]
    target = efs.create_mount_target(FileSystemId=system, SubnetId=subnet["SubnetId"])
    (made,) = in_subnet(clients, subnet)
    assert made["Description"] == f"EFS mount target for {system} ({target['MountTargetId']})"
    assert made["PrivateIpAddress"] == target["IpAddress"]
    efs.delete_mount_target(MountTargetId=target["MountTargetId"])
    assert in_subnet(clients, subnet) == []


def test_an_instances_interface_comes_and_goes_with_it(clients: Clients, subnet: Described) -> None:
    ec2 = clients("ec2")
    placement = {"DeviceIndex": 0, "SubnetId": subnet["SubnetId"], "AssociatePublicIpAddress": True}
    instance = ec2.run_instances(
        ImageId="ami-12c6146b", MinCount=1, MaxCount=1, NetworkInterfaces=[placement]
    )["Instances"][0]
    (made,) = in_subnet(clients, subnet)
    assert made["PrivateIpAddress"] == instance["PrivateIpAddress"] == "10.9.0.20"
    assert IPv4Address(made["Association"]["PublicIp"]) in IPv4Network("203.0.113.0/24")
    ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])
    assert in_subnet(clients, subnet) == []


def test_public_addresses_differ(clients: Clients) -> None:
    ec2 = clients("ec2")
    given = [ec2.allocate_address(Domain="vpc")["PublicIp"] for _ in range(5)]
    assert len(set(given)) == 5
