"""Flow logs, and what leads out of the network."""

from __future__ import annotations

import pytest
from tests.unit.blueprint.configs import CURATED, EXISTING, config
from tests.unit.blueprint.templates import (
    asked,
    by_part,
    monitoring,
    outputs,
    resource,
    resources,
)

from underpass.blueprint import stacks


def test_zones_are_given_and_kept_and_told_to_those_who_watch() -> None:
    """Fn::GetAZs answers anew at each update, and another answer is a subnet that cannot move."""
    foundation = by_part(config(network={"zones": 3}))[0]
    for number in range(1, 4):
        parameter = foundation.template["Parameters"][f"Zone{number}"]
        assert parameter["Type"] == "AWS::EC2::AvailabilityZone::Name"
        for tier in ("Public", "App", "Data"):
            subnet = resource(foundation, f"{tier}Subnet{number}")
            assert subnet["AvailabilityZone"] == {"Ref": f"Zone{number}"}
    assert outputs(foundation)["Zone3"] == {"Ref": "Zone3"}
    assert "Zone3" in asked(monitoring(config(network={"zones": 3})))


@pytest.mark.parametrize("egress", ["nat", "endpoints"])
def test_s3_is_reached_by_its_gateway_endpoint(egress: str) -> None:
    endpoint = resource(by_part(config(network={"egress": egress}))[0], "S3Endpoint")
    assert endpoint["VpcEndpointType"] == "Gateway"
    assert endpoint["RouteTableIds"] == [{"Ref": "AppRouteTable1"}, {"Ref": "AppRouteTable2"}]
    # With a way to the internet it must not cut off the buckets that were reached by it.
    assert ("PolicyDocument" in endpoint) == (egress == "endpoints")


def test_further_endpoints_are_open_and_called_by_their_names() -> None:
    foundation = by_part(CURATED["more-endpoints"])[0]
    for title, name in (
        ("Sqs", "sqs"),
        ("SagemakerRuntime", "sagemaker.runtime"),
        ("SecretsManager", "secretsmanager"),  # made anyway, for the database: open now
    ):
        endpoint = resource(foundation, f"{title}Endpoint")
        assert endpoint["ServiceName"] == {"Fn::Sub": f"com.amazonaws.${{AWS::Region}}.{name}"}
        assert (endpoint["VpcEndpointType"], endpoint["PrivateDnsEnabled"]) == ("Interface", True)
        assert "PolicyDocument" not in endpoint
    assert resource(foundation, "DynamodbEndpoint")["VpcEndpointType"] == "Gateway"
    rules = resource(foundation, "TaskSecurityGroup")["SecurityGroupEgress"]
    lists = [rule["DestinationPrefixListId"] for rule in rules]
    assert lists == [{"Ref": "S3PrefixListId"}, {"Ref": "DynamodbPrefixListId"}]


def test_the_s3_endpoint_lets_the_named_buckets_through() -> None:
    policy = resource(by_part(CURATED["more-endpoints"])[0], "S3Endpoint")["PolicyDocument"]
    (statement,) = (one for one in policy["Statement"] if one["Sid"] == "Buckets")
    arns = [arn["Fn::Sub"] for arn in statement["Resource"]]
    assert arns == ["arn:${AWS::Partition}:s3:::models", "arn:${AWS::Partition}:s3:::models/*"]
    own = {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}
    assert statement["Condition"] == {"StringEquals": own}


def test_a_way_out_is_a_rule_called_by_what_it_opens() -> None:
    """Whatever the order, so that a rule that stays is never made twice: EC2 refuses that."""
    foundation, service, _ = by_part(CURATED["more-endpoints"])
    rules = resources(foundation, "EC2::SecurityGroupEgress")
    assert {name: rules[name]["FromPort"] for name in rules if name.startswith("TaskEgress4")} == {
        "TaskEgress443Toplx0123456789abcdef0": 443
    }
    redis = rules["TaskEgress6379To10x9x0x0x16"]
    assert (redis["CidrIp"], redis["ToPort"], redis["IpProtocol"]) == ("10.9.0.0/16", 6379, "tcp")
    group = rules["TaskEgress5432Tosgx0123456789abcdef0"]
    assert group["DestinationSecurityGroupId"] == "sg-0123456789abcdef0"
    # The agent of an instance needs endpoints elsewhere as tasks do; a database it does not.
    instances = resource(service, "InstanceSecurityGroup")["SecurityGroupEgress"]
    assert [rule["FromPort"] for rule in instances] == [443, 443, 443]


def test_what_auditors_ask_for_stays_under_a_name_that_is_in_nobodys_way() -> None:
    for stack in stacks(config(service={"exec": True})):
        for name, made in stack.template["Resources"].items():
            if made["Type"] == "AWS::Logs::LogGroup":
                kept = name in ("FlowLogGroup", "ExecLogGroup")
                fate = "Retain" if kept else "Delete"
                assert made["DeletionPolicy"] == made["UpdateReplacePolicy"] == fate
                assert ("LogGroupName" in made["Properties"]) != kept


def test_only_rejected_flows_may_be_logged() -> None:
    (log,) = resources(
        by_part(config(network={"flow_logs": "rejected"}))[0], "EC2::FlowLog"
    ).values()
    assert log["TrafficType"] == "REJECT"


def test_the_key_has_a_name() -> None:
    alias = resource(by_part(config())[0], "KeyAlias")
    assert alias == {"AliasName": "alias/underpass/notes", "TargetKeyId": {"Ref": "Key"}}


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
    foundation = by_part(config(network={"flow_logs": "off"}))[0]
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
    # Of the ways out, which are the VPC's own, nothing is told.
    assert same - outputs.keys() == {"PublicSubnetIds", "NatGatewayId1", "NatGatewayId2"}
    assert asked(service) <= {*outputs, "Image", "InstanceImage"}


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
