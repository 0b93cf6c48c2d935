"""Flow logs, and what leads out of the network."""

from __future__ import annotations

import pytest
from tests.unit.blueprint.configs import CURATED, EXISTING, config
from tests.unit.blueprint.templates import asked, by_part, resource, resources


def test_every_flow_is_logged_encrypted_and_for_a_while() -> None:
    foundation = by_part(CURATED["nat-ec2-nothing"])[0]
    (log,) = resources(foundation, "EC2::FlowLog").values()
    assert (log["ResourceType"], log["ResourceId"]) == ("VPC", {"Ref": "Vpc"})
    assert log["TrafficType"] == "ALL"
    assert log["LogGroupName"] == {"Ref": "FlowLogGroup"}
    group = resource(foundation, "FlowLogGroup")
    assert group["KmsKeyId"] == {"Fn::GetAtt": ["Key", "Arn"]}
    assert group["RetentionInDays"] > 0


def test_flow_logs_are_delivered_for_this_account_only() -> None:
    role = resource(by_part(CURATED["nat-ec2-nothing"])[0], "FlowLogRole")
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert trust["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"].endswith(":vpc-flow-log/*")
    (statement,) = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert statement["Resource"] == {"Fn::GetAtt": ["FlowLogGroup", "Arn"]}


def test_without_flow_logs_there_is_nothing_of_them() -> None:
    foundation = by_part(config(network={"flow_logs": False}))[0]
    assert not any("Flow" in name for name in foundation.template["Resources"])


EXISTING_VPC = [name for name in CURATED if name.startswith("existing-vpc")]


@pytest.mark.parametrize("name", EXISTING_VPC)
def test_in_an_existing_vpc_no_network_is_made(name: str) -> None:
    foundation = by_part(CURATED[name])[0]
    kinds = {item["Type"] for item in foundation.template["Resources"].values()}
    network = {"VPC", "Subnet", "RouteTable", "Route", "InternetGateway", "NatGateway", "EIP"}
    assert kinds.isdisjoint(f"AWS::EC2::{kind}" for kind in (*network, "VPCEndpoint"))
    zones = CURATED[name].network.zones
    assert foundation.parameters == {
        "VpcId": EXISTING["vpc_id"],
        "AppSubnetIds": ",".join(EXISTING["app_subnets"][:zones]),
        "DataSubnetIds": ",".join(EXISTING["data_subnets"][:zones]),
    }


@pytest.mark.parametrize("egress", ["nat", "endpoints"])
def test_everything_is_put_into_the_existing_vpc(egress: str) -> None:
    foundation, service, _ = by_part(CURATED[f"existing-vpc-{egress}"])
    data = [{"Fn::Select": [number, {"Ref": "DataSubnetIds"}]} for number in range(3)]
    targets = resources(foundation, "EFS::MountTarget").values()
    assert [target["SubnetId"] for target in targets] == data
    assert resource(foundation, "DatabaseSubnetGroup")["SubnetIds"] == data
    groups = resources(foundation, "EC2::SecurityGroup").values()
    assert all(group["VpcId"] == {"Ref": "VpcId"} for group in groups)
    outputs = foundation.template["Outputs"]
    assert outputs["VpcCidr"]["Value"] == "10.20.0.0/16"
    same = by_part(CURATED["nat-ec2-everything"])[0].template["Outputs"].keys()
    assert same - outputs.keys() == {"PublicSubnetIds"}  # which nothing is given
    assert asked(service) <= {*outputs, "Image"}


def test_only_the_named_subnets_of_an_existing_vpc_are_logged() -> None:
    logs = resources(by_part(CURATED["existing-vpc-nat"])[0], "EC2::FlowLog").values()
    assert {log["ResourceType"] for log in logs} == {"Subnet"}
    assert len(logs) == 6


def test_without_named_consumers_the_alb_admits_the_existing_vpcs_block() -> None:
    service = by_part(CURATED["existing-vpc-nobody"])[1]
    rule = resource(service, "AlbIngressFrom10x20x0x0x16")
    assert rule["GroupId"] == {"Fn::GetAtt": ["AlbSecurityGroup", "GroupId"]}
    assert (rule["CidrIp"], rule["FromPort"]) == ("10.20.0.0/16", 80)


def test_with_endpoints_of_an_existing_vpc_tasks_leave_to_the_vpc_and_s3_only() -> None:
    foundation, service, _ = by_part(CURATED["existing-vpc-endpoints"])
    for stack, name in ((foundation, "TaskSecurityGroup"), (service, "InstanceSecurityGroup")):
        rules = resource(stack, name)["SecurityGroupEgress"]
        assert {rule["FromPort"] for rule in rules} == {443}
        assert [rule.get("CidrIp") for rule in rules] == ["10.20.0.0/16", None]
        assert "DestinationPrefixListId" in rules[1]


@pytest.mark.parametrize("name", ["nat-ec2-everything", "endpoints-fargate-everything"])
def test_nothing_carries_the_vpcs_default_security_group(name: str) -> None:
    """CloudFormation cannot empty it (decision 16), so whatever has interfaces names its groups."""
    named = {
        "EC2::VPCEndpoint": "SecurityGroupIds",
        "EFS::MountTarget": "SecurityGroups",
        "ElasticLoadBalancingV2::LoadBalancer": "SecurityGroups",
        "RDS::DBInstance": "VPCSecurityGroups",
    }
    foundation, service, consumers = by_part(CURATED[name])
    for stack in (foundation, service, *consumers):
        for kind, key in named.items():
            for properties in resources(stack, kind).values():
                assert properties.get(key) or properties.get("VpcEndpointType") == "Gateway"
    tasks = resource(service, "Service")["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert tasks["SecurityGroups"]
    for template in resources(service, "EC2::LaunchTemplate").values():
        assert template["LaunchTemplateData"]["SecurityGroupIds"]
