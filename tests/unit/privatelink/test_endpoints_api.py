"""Endpoint services and endpoints in EC2's API as the twin answers it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.unit.elbv2.conftest import OWNER, Apis

from underpass.twin.services.privatelink import endpoints

REGION = "us-east-1"


def state(apis: Apis, endpoint: dict[str, Any]) -> str:
    ids = [endpoint["VpcEndpointId"]]
    return str(apis.ec2.describe_vpc_endpoints(VpcEndpointIds=ids)["VpcEndpoints"][0]["State"])


def nlb(apis: Apis, name: str = "notes") -> str:
    return str(apis.balancer("network", name)["LoadBalancerArn"])


def test_a_service_has_the_zones_of_its_load_balancer(apis: Apis) -> None:
    service = apis.service(nlb(apis))
    assert service["ServiceName"] == f"com.amazonaws.vpce.{REGION}.{service['ServiceId']}"
    assert len(service["ServiceId"]) == len("vpce-svc-") + 17
    (detail,) = apis.ec2.describe_vpc_endpoint_services(ServiceNames=[service["ServiceName"]])[
        "ServiceDetails"
    ]
    assert detail["AvailabilityZones"] == ["us-east-1a", "us-east-1b"]
    zones = apis.ec2.describe_availability_zones()["AvailabilityZones"]
    ids = {zone["ZoneName"]: zone["ZoneId"] for zone in zones}
    assert detail["AvailabilityZoneIds"] == [ids["us-east-1a"], ids["us-east-1b"]]
    assert detail["BaseEndpointDnsNames"] == [f"{service['ServiceId']}.{REGION}.vpce.amazonaws.com"]


def test_one_load_balancer_serves_one_service(apis: Apis) -> None:
    arn = nlb(apis)
    apis.service(arn)
    with pytest.raises(ClientError, match="already associated"):
        apis.service(arn)
    with pytest.raises(ClientError, match="does not exist"):
        apis.service(apis.balancer("application", "web")["LoadBalancerArn"])


def test_a_private_name_comes_with_its_proof(apis: Apis) -> None:
    ids = [apis.service(nlb(apis))["ServiceId"]]

    def described() -> Any:
        asked = apis.ec2.describe_vpc_endpoint_service_configurations(ServiceIds=ids)
        return asked["ServiceConfigurations"][0].get("PrivateDnsNameConfiguration")

    assert not described()
    apis.ec2.modify_vpc_endpoint_service_configuration(
        ServiceId=ids[0], PrivateDnsName="n.example.com"
    )
    proof = described()
    assert (proof["State"], proof["Type"]) == ("verified", "TXT")
    assert proof["Name"].startswith("_")
    assert proof["Value"].startswith("vpce:")


def test_permissions_tell_who_was_added(apis: Apis) -> None:
    service = apis.service(nlb(apis))["ServiceId"]
    account, role = "arn:aws:iam::222222222222:root", "arn:aws:iam::222222222222:role/r"
    added = apis.ec2.modify_vpc_endpoint_service_permissions(
        ServiceId=service, AddAllowedPrincipals=[account, role, "*", account]
    )["AddedPrincipals"]
    assert [one["PrincipalType"] for one in added] == ["Account", "Role", "All"]
    again = apis.ec2.modify_vpc_endpoint_service_permissions(
        ServiceId=service, AddAllowedPrincipals=[account], RemoveAllowedPrincipals=["*"]
    )
    assert again.get("AddedPrincipals", []) == []
    allowed = apis.ec2.describe_vpc_endpoint_service_permissions(ServiceId=service)
    assert [one["Principal"] for one in allowed["AllowedPrincipals"]] == [account, role]
    with pytest.raises(ClientError, match="Invalid Principal"):
        apis.ec2.modify_vpc_endpoint_service_permissions(
            ServiceId=service, AddAllowedPrincipals=["me"]
        )


def test_whoever_is_not_allowed_finds_no_service(apis: Apis) -> None:
    service = apis.service(nlb(apis))
    vpc, subnets = apis.new_vpc()
    with pytest.raises(ClientError, match="InvalidServiceName"):
        apis.endpoint(vpc, service["ServiceName"], subnets[0])
    with pytest.raises(ClientError, match="InvalidServiceName"):
        apis.endpoint(vpc, "com.amazonaws.us-east-1.nonsense", subnets[0])
    apis.ec2.modify_vpc_endpoint_service_permissions(
        ServiceId=service["ServiceId"], AddAllowedPrincipals=[OWNER]
    )
    apis.endpoint(vpc, service["ServiceName"], subnets[0])


def test_another_account_needs_its_own_permission(apis: Apis) -> None:
    service = apis.service(nlb(apis), OWNER)["ServiceName"]
    sts = boto3.client("sts", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")
    role = "arn:aws:iam::222222222222:role/consumer"
    keys = sts.assume_role(RoleArn=role, RoleSessionName="one")["Credentials"]
    other = boto3.client(
        "ec2",
        region_name=REGION,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    with pytest.raises(ClientError, match="InvalidServiceName"):
        other.describe_vpc_endpoint_services(ServiceNames=[service])
    apis.ec2.modify_vpc_endpoint_service_permissions(
        ServiceId=service.rpartition(".")[2],
        AddAllowedPrincipals=["arn:aws:iam::222222222222:root"],
    )
    (detail,) = other.describe_vpc_endpoint_services(ServiceNames=[service])["ServiceDetails"]
    assert detail["Owner"] == "123456789012"


def test_an_endpoint_has_an_interface_inside_each_of_its_subnets(apis: Apis) -> None:
    service = apis.service(nlb(apis), OWNER)
    vpc, subnets = apis.new_vpc()
    group = apis.ec2.create_security_group(GroupName="e", Description="e", VpcId=vpc)["GroupId"]
    made = apis.endpoint(vpc, service["ServiceName"], *subnets[:2], SecurityGroupIds=[group])
    interfaces = apis.ec2.describe_network_interfaces(
        NetworkInterfaceIds=made["NetworkInterfaceIds"]
    )["NetworkInterfaces"]
    assert [one["SubnetId"] for one in interfaces] == list(subnets[:2])
    for number, one in enumerate(interfaces):
        assert IPv4Address(one["PrivateIpAddress"]) in IPv4Network(f"10.20.{number}.0/24")
        assert one["Description"] == f"VPC Endpoint Interface {made['VpcEndpointId']}"
        assert [held["GroupId"] for held in one["Groups"]] == [group]
    names = [entry["DnsName"] for entry in made["DnsEntries"]]
    stem, _, base = names[0].partition(".")
    assert base == f"{service['ServiceId']}.{REGION}.vpce.amazonaws.com"
    assert stem.startswith(made["VpcEndpointId"])
    assert names[1:] == [f"{stem}-us-east-1{zone}.{base}" for zone in "ab"]


def test_a_zone_without_the_service_and_two_subnets_of_one_zone_are_refused(apis: Apis) -> None:
    service = apis.service(nlb(apis), OWNER)["ServiceName"]
    vpc, subnets = apis.new_vpc()
    with pytest.raises(ClientError, match="does not support the availability zone of the subnet"):
        apis.endpoint(vpc, service, *subnets)
    twin = apis.ec2.create_subnet(
        VpcId=vpc, CidrBlock="10.20.9.0/24", AvailabilityZone="us-east-1a"
    )["Subnet"]["SubnetId"]
    with pytest.raises(ClientError, match="DuplicateSubnetsInSameZone"):
        apis.endpoint(vpc, service, subnets[0], twin)
    with pytest.raises(ClientError, match="does not belong to the VPC"):
        apis.endpoint(vpc, service, apis.subnets[0])


def test_private_names_need_a_service_that_has_one_and_a_vpc_with_dns(apis: Apis) -> None:
    service = apis.service(nlb(apis), OWNER)["ServiceName"]
    vpc, subnets = apis.new_vpc()
    with pytest.raises(ClientError, match="does not provide a private DNS name"):
        apis.endpoint(vpc, service, subnets[0], PrivateDnsEnabled=True)
    logs = f"com.amazonaws.{REGION}.logs"
    with pytest.raises(ClientError, match="enableDnsHostnames"):
        apis.endpoint(vpc, logs, subnets[0])
    apis.ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    made = apis.endpoint(vpc, logs, subnets[0])
    assert made["PrivateDnsEnabled"]
    assert made["DnsEntries"][-1]["DnsName"] == f"logs.{REGION}.amazonaws.com"


def test_a_connection_waits_for_its_acceptance_and_its_wiring(apis: Apis) -> None:
    service = apis.service(nlb(apis), OWNER)
    vpc, subnets = apis.new_vpc()
    made = apis.endpoint(vpc, service["ServiceName"], subnets[0])
    endpoint_id, service_id = made["VpcEndpointId"], service["ServiceId"]
    assert state(apis, made) == "pendingAcceptance"
    assert not endpoints.set_state(endpoint_id, "available", REGION), "the provider decides"
    waiting = [{"Name": "vpc-endpoint-state", "Values": ["pendingAcceptance"]}]
    (one,) = apis.ec2.describe_vpc_endpoint_connections(Filters=waiting)["VpcEndpointConnections"]
    assert (one["VpcEndpointId"], one["ServiceId"]) == (endpoint_id, service_id)
    answer = apis.ec2.accept_vpc_endpoint_connections(
        ServiceId=service_id, VpcEndpointIds=[endpoint_id, "vpce-0"]
    )
    assert [one["ResourceId"] for one in answer["Unsuccessful"]] == ["vpce-0"]
    assert state(apis, made) == "pending"
    assert endpoints.set_state(endpoint_id, "available", REGION)
    assert state(apis, made) == "available"
    assert not apis.ec2.describe_vpc_endpoint_connections(Filters=waiting)["VpcEndpointConnections"]


def test_without_acceptance_a_connection_is_pending_at_once(apis: Apis) -> None:
    service = apis.service(nlb(apis), "*", acceptance=False)
    vpc, subnets = apis.new_vpc()
    assert state(apis, apis.endpoint(vpc, service["ServiceName"], subnets[0])) == "pending"


def test_a_service_with_live_connections_is_kept_until_they_are_rejected(apis: Apis) -> None:
    service = apis.service(nlb(apis), OWNER)
    vpc, subnets = apis.new_vpc()
    made = apis.endpoint(vpc, service["ServiceName"], subnets[0])

    def delete() -> list[str]:
        answer = apis.ec2.delete_vpc_endpoint_service_configurations(
            ServiceIds=[service["ServiceId"]]
        )
        return [one["Error"]["Code"] for one in answer["Unsuccessful"]]

    assert delete() == ["ExistingVpcEndpointConnections"]
    apis.ec2.reject_vpc_endpoint_connections(
        ServiceId=service["ServiceId"], VpcEndpointIds=[made["VpcEndpointId"]]
    )
    assert state(apis, made) == "rejected"
    assert delete() == []
    assert delete() == ["InvalidVpcEndpointService.NotFound"]


def test_an_endpoints_subnets_and_groups_can_be_changed(apis: Apis) -> None:
    service = apis.service(nlb(apis), OWNER)["ServiceName"]
    vpc, subnets = apis.new_vpc()
    made = apis.endpoint(vpc, service, subnets[0])
    group = apis.ec2.create_security_group(GroupName="e", Description="e", VpcId=vpc)["GroupId"]
    default = made["Groups"][0]["GroupId"]
    apis.ec2.modify_vpc_endpoint(
        VpcEndpointId=made["VpcEndpointId"],
        AddSubnetIds=[subnets[1]],
        RemoveSubnetIds=[subnets[0]],
        AddSecurityGroupIds=[group],
        RemoveSecurityGroupIds=[default],
    )
    (now,) = apis.ec2.describe_vpc_endpoints()["VpcEndpoints"]
    assert now["SubnetIds"] == [subnets[1]]
    assert now["DnsEntries"][1]["DnsName"].partition(".")[0].endswith("us-east-1b")
    interfaces = apis.ec2.describe_network_interfaces(
        Filters=[{"Name": "vpc-id", "Values": [vpc]}]
    )["NetworkInterfaces"]
    assert [one["SubnetId"] for one in interfaces] == [subnets[1]]
    assert [held["GroupId"] for held in interfaces[0]["Groups"]] == [group]
    with pytest.raises(ClientError, match="does not support the availability zone"):
        apis.ec2.modify_vpc_endpoint(VpcEndpointId=made["VpcEndpointId"], AddSubnetIds=[subnets[2]])


def test_a_deleted_endpoint_takes_its_interfaces_with_it(apis: Apis) -> None:
    service = apis.service(nlb(apis), OWNER)
    vpc, subnets = apis.new_vpc()
    made = apis.endpoint(vpc, service["ServiceName"], *subnets[:2])
    answer = apis.ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"], "vpce-0"])
    assert [one["ResourceId"] for one in answer["Unsuccessful"]] == ["vpce-0"]
    assert apis.ec2.describe_vpc_endpoints()["VpcEndpoints"] == []
    assert apis.ec2.describe_vpc_endpoint_connections()["VpcEndpointConnections"] == []
    assert not apis.ec2.describe_network_interfaces(Filters=[{"Name": "vpc-id", "Values": [vpc]}])[
        "NetworkInterfaces"
    ]


def test_gateway_endpoints_stay_as_they_were(apis: Apis) -> None:
    vpc, _ = apis.new_vpc()
    table = apis.ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])[
        "RouteTables"
    ][0]["RouteTableId"]
    made = apis.ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.s3", RouteTableIds=[table]
    )["VpcEndpoint"]
    assert (made["VpcEndpointType"], made["State"]) == ("Gateway", "available")
    apis.ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])
    assert apis.ec2.describe_vpc_endpoints()["VpcEndpoints"] == []
