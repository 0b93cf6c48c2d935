"""What EC2 describes becomes the network that is wired."""

from __future__ import annotations

from typing import Any

from underpass.twin.region.aws import Clients
from underpass.twin.services.ec2.describe import observe
from underpass.twin.services.ec2.model import Network, Route, RouteTarget, Rule


def of(network: Network, vpc_id: str) -> dict[str, Any]:
    """Return the parts of one VPC."""
    return {
        name: [part for part in parts if getattr(part, "vpc_id", "") == vpc_id]
        for name, parts in vars(network).items()
    }


def test_routes_come_from_the_subnets_own_table_or_else_the_main_one(
    clients: Clients, subnet: dict[str, Any]
) -> None:
    ec2, vpc_id = clients("ec2"), subnet["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc_id)
    public = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=public, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    other = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.9.0.32/28")["Subnet"]["SubnetId"]
    ec2.associate_route_table(RouteTableId=public, SubnetId=subnet["SubnetId"])
    address = ec2.allocate_address(Domain="vpc")
    nat = ec2.create_nat_gateway(SubnetId=subnet["SubnetId"], AllocationId=address["AllocationId"])[
        "NatGateway"
    ]
    seen = of(observe(ec2), vpc_id)
    tables = {table.id: table.routes for table in seen["route_tables"]}
    used = {s.id: tables[s.route_table_id] for s in seen["subnets"]}
    local = Route("10.9.0.0/24", RouteTarget.LOCAL)
    out = Route("0.0.0.0/0", RouteTarget.INTERNET_GATEWAY, gateway)
    assert set(used[subnet["SubnetId"]]) == {local, out}
    assert used[other] == (local,)
    network = observe(ec2)
    (gateway_seen,) = [g for g in network.nat_gateways if g.id == nat["NatGatewayId"]]
    assert gateway_seen.public_address == address["PublicIp"]
    ec2.delete_nat_gateway(NatGatewayId=nat["NatGatewayId"])
    assert nat["NatGatewayId"] not in {g.id for g in observe(ec2).nat_gateways}


def test_groups_and_who_carries_them(clients: Clients, subnet: dict[str, Any]) -> None:
    ec2, vpc_id = clients("ec2"), subnet["VpcId"]
    front = ec2.create_security_group(GroupName="a", Description="a", VpcId=vpc_id)["GroupId"]
    behind = ec2.create_security_group(GroupName="b", Description="b", VpcId=vpc_id)["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=behind,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 8000,
                "ToPort": 8001,
                "UserIdGroupPairs": [{"GroupId": front}],
                "IpRanges": [{"CidrIp": "10.1.0.0/16"}],
            }
        ],
    )
    made = ec2.create_network_interface(SubnetId=subnet["SubnetId"], Groups=[behind])
    seen = of(observe(ec2), vpc_id)
    groups = {group.id: group for group in seen["groups"]}
    assert groups[behind].ingress == (Rule("tcp", 8000, 8001, ("10.1.0.0/16",), (front,)),)
    assert groups[front].egress == (Rule("-1", -1, -1, ("0.0.0.0/0",)),)
    (interface,) = seen["interfaces"]
    assert interface.groups == (behind,)
    assert interface.address == made["NetworkInterface"]["PrivateIpAddress"]
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsSupport={"Value": False})
    (vpc,) = [vpc for vpc in observe(ec2).vpcs if vpc.id == vpc_id]
    assert not vpc.dns_support


def test_a_prefix_list_is_the_service_it_stands_for(
    clients: Clients, subnet: dict[str, Any]
) -> None:
    ec2, vpc_id = clients("ec2"), subnet["VpcId"]
    table = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    endpoint = ec2.create_vpc_endpoint(
        VpcId=vpc_id, ServiceName=f"com.amazonaws.{clients.region}.s3", RouteTableIds=[table]
    )["VpcEndpoint"]["VpcEndpointId"]
    lists = ec2.describe_managed_prefix_lists()["PrefixLists"]
    (named,) = [one for one in lists if one["PrefixListName"].endswith(".s3")]
    group = ec2.create_security_group(GroupName="c", Description="c", VpcId=vpc_id)["GroupId"]
    peer = {"PrefixListIds": [{"PrefixListId": named["PrefixListId"]}]}
    ec2.authorize_security_group_egress(
        GroupId=group,
        IpPermissions=[{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, **peer}],
    )
    seen = of(observe(ec2), vpc_id)
    (routes,) = [one.routes for one in seen["route_tables"] if one.id == table]
    assert Route("198.51.100.11/32", RouteTarget.GATEWAY_ENDPOINT, endpoint) in routes
    (rules,) = [one.egress for one in seen["groups"] if one.id == group]
    assert Rule("tcp", 443, 443, ("198.51.100.11/32",)) in rules
