"""Whatever the configuration, the four kinds of stack are whole, closed and the same every time."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from tests.unit.blueprint.configs import CURATED, EVERYTHING, config, configs
from tests.unit.blueprint.templates import (
    asked,
    by_part,
    intrinsics,
    monitoring,
    outputs,
    references,
)

from underpass.blueprint import stacks
from underpass.config.model import Config

TWIN_UNDERSTANDS = {
    *("Ref", "Fn::GetAtt", "Fn::Sub", "Fn::Join", "Fn::Select", "Fn::Split", "Fn::GetAZs"),
    "Fn::Base64",
}
drawn = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@drawn
@given(configs())
def test_every_reference_leads_somewhere(config: Config) -> None:
    foundation, service, consumers = by_part(config)
    watched = monitoring(config)
    for stack in (foundation, service, watched, *consumers):
        known = {*stack.template["Resources"], *stack.template.get("Parameters", {})}
        assert references(stack) <= known
        assert {name for name, _ in intrinsics(stack.template)} <= TWIN_UNDERSTANDS
        unused = set(stack.template.get("Parameters", {})) - references(stack)
        assert not unused
    # What a stack is given are outputs of those before it, but for what the pipeline looks up itself.
    zones = {f"Zone{number}" for number in range(1, config.network.zones + 1)}
    offer = {"EndpointServiceName", "VpcId", "SubnetIds", "ConsumerCidr"}
    assert asked(foundation) <= {"S3PrefixListId"}
    assert asked(service) <= {*outputs(foundation), "Image"}
    assert asked(watched) <= {*outputs(foundation), *outputs(service), *zones}
    assert all(asked(consumer) <= offer for consumer in consumers)


@drawn
@given(configs())
def test_no_stack_holds_another_back(config: Config) -> None:
    """An export in use cannot change: with none, each stack may change what it hands on."""
    for stack in stacks(config):
        assert not any("Export" in one for one in stack.template.get("Outputs", {}).values())


@drawn
@given(configs())
def test_stacks_are_in_order_named_and_the_same_twice(config: Config) -> None:
    emitted = stacks(config)
    assert [stack.name for stack in emitted] == [
        f"{config.name}-foundation",
        f"{config.name}-service",
        f"{config.name}-monitoring",
        *(f"{config.name}-consumer-{consumer.name}" for consumer in config.consumers),
    ]
    assert [stack.body() for stack in emitted] == [stack.body() for stack in stacks(config)]
    for stack in emitted:
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
        assert len(stack.body().encode()) <= 51_200
        assert len(stack.template["Resources"]) <= 500
        assert json.loads(stack.body()) == json.loads(stack.text()) == stack.template


@drawn
@given(configs())
def test_what_holds_data_is_not_simply_deleted(config: Config) -> None:
    holds_data = {
        "AWS::RDS::DBInstance": "Snapshot",
        "AWS::EFS::FileSystem": "Retain",
        "AWS::S3::Bucket": "Retain",
        "AWS::KMS::Key": "Retain",
    }
    for resource in by_part(config)[0].template["Resources"].values():
        if policy := holds_data.get(resource["Type"]):
            assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == policy


@pytest.mark.parametrize(
    ("sections", "absent"),
    [
        ({"database": None}, {"DatabaseInstanceId", "DatabaseSecretArn", "DatabaseEndpoint"}),
        ({"files": None}, {"FileSystemId", "AccessPointId"}),
        ({"assets": None}, {"BucketName"}),
        ({"network": {"egress": "endpoints"}}, {"PublicSubnetIds"}),
    ],
)
def test_outputs_follow_the_configuration(sections: dict[str, object], absent: set[str]) -> None:
    everything = set(by_part(config(**EVERYTHING))[0].template["Outputs"])
    fewer = set(by_part(config(**(EVERYTHING | sections)))[0].template["Outputs"])
    assert everything >= absent
    assert fewer.isdisjoint(absent)
    assert fewer - everything <= {"EndpointSecurityGroupId", "S3PrefixListId"}  # the other egress


def test_the_contract_with_the_pipeline() -> None:
    foundation, service, (consumer,) = by_part(CURATED["nat-ec2-everything"])
    assert set(foundation.template["Outputs"]) == {
        *("VpcId", "VpcCidr", "PublicSubnetIds", "AppSubnetIds", "DataSubnetIds"),
        *("RepositoryName", "RepositoryUri", "KeyArn", "TaskSecurityGroupId", "BucketName"),
        *("DatabaseInstanceId", "DatabaseEndpoint", "DatabasePort", "DatabaseName"),
        *("DatabaseSecretArn", "DatabaseUserSecretArn", "DatabaseUserSecurityGroupId"),
        *("DatabaseUserFunctionName", "FileSystemId", "AccessPointId"),
        *("AccessLogsBucketName", "TopicArn"),
    }
    assert set(service.template["Outputs"]) == {
        *("ClusterName", "ServiceName", "NlbArn", "AlbArn", "NlbDnsName", "AlbDnsName"),
        *("NlbTargetGroupArn", "AlbTargetGroupArn", "EndpointServiceId", "EndpointServiceName"),
        *("LogGroupName", "RegistrarFunctionName", "CapacityProviderName"),
        *("NlbFullName", "NlbTargetGroupFullName", "AlbFullName", "AlbTargetGroupFullName"),
    }
    assert set(consumer.template["Parameters"]) == {
        *("EndpointServiceName", "VpcId", "ConsumerCidr", "SubnetIds"),
    }
    assert set(consumer.template["Outputs"]) == {"EndpointId", "EndpointDnsName", "Url"}


def test_a_consumer_elsewhere_gets_what_the_configuration_knows() -> None:
    _, _, (one, two) = by_part(CURATED["consumers-elsewhere"])
    assert (one.account, one.parameters) == ("333333333333", {"ConsumerCidr": "10.1.0.0/16"})
    assert (two.account, two.parameters) == (
        "",
        {
            "ConsumerCidr": "10.20.0.0/16",
            "VpcId": "vpc-01234567",
            "SubnetIds": "subnet-01234567",
        },
    )
    assert one.template["Outputs"]["Url"]["Value"] == "http://n.example/"
