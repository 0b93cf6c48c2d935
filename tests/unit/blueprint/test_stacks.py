"""Whatever the configuration, the seven kinds of stack are whole, closed and the same every time."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from tests.unit.blueprint.configs import CURATED, EVERYTHING, config, configs
from tests.unit.blueprint.templates import (
    asked,
    by_part,
    intrinsics,
    outputs,
    parts,
    references,
)

from underpass.blueprint import stacks
from underpass.config.model import Config

TWIN_UNDERSTANDS = {
    *("Ref", "Fn::GetAtt", "Fn::Sub", "Fn::Join", "Fn::Select", "Fn::Split"),
    "Fn::Base64",
}
drawn = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@drawn
@given(configs())
def test_every_reference_leads_somewhere(config: Config) -> None:
    each = parts(config)
    foundation, path, capacity, service, watched, consumers, *_ = each
    database, release, added = each.database, each.release, each.addons
    for stack in stacks(config):
        known = {*stack.template["Resources"], *stack.template.get("Parameters", {})}
        assert references(stack) <= known
        assert {name for name, _ in intrinsics(stack.template)} <= TWIN_UNDERSTANDS
        unused = set(stack.template.get("Parameters", {})) - references(stack)
        assert not unused
    # What a stack is given are outputs of those before it, but for what the pipeline looks up itself.
    zones = {f"Zone{number}" for number in range(1, config.network.zones + 1)}
    lists = {"S3PrefixListId", "DynamodbPrefixListId"}
    offer = {"EndpointServiceName", "VpcId", "SubnetIds"}
    assert asked(foundation) <= lists | zones
    assert asked(path) <= {*outputs(foundation)}
    assert asked(capacity) <= {*outputs(foundation), "InstanceImage"}
    assert not database or asked(database) <= {*outputs(foundation)}
    served = {*outputs(foundation), *outputs(path), *outputs(capacity)}
    assert all(asked(one) <= {*outputs(foundation), "Name", "Seconds"} for one in added)
    served |= {f"Addon{name}" for one in added for name in outputs(one)}
    assert not release or asked(release) <= {*served, "Image"}
    ran = {*outputs(release)} if release else set()
    images = {"Image", *(one.image_parameter for one in config.service.sidecars)}
    assert asked(service) <= {*served, *ran, *images}
    assert not each.rotation or asked(each.rotation) <= {*served, *outputs(service)}
    rotated = {*outputs(each.rotation)} if each.rotation else set()
    assert asked(watched) <= {*served, *outputs(service), *rotated}
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
        f"{config.name}-path",
        f"{config.name}-capacity",
        *([f"{config.name}-database"] if config.instance else []),
        *([f"{config.name}-addon-queue"] if config.addons else []),
        *([f"{config.name}-release"] if config.service.release else []),
        f"{config.name}-service",
        *([f"{config.name}-rotation"] if config.instance and config.instance.rotates else []),
        f"{config.name}-monitoring",
        *(f"{config.name}-consumer-{consumer.name}" for consumer in config.consumers),
    ]
    assert [stack.body() for stack in emitted] == [stack.body() for stack in stacks(config)]
    for stack in emitted:
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
        assert len(stack.body().encode()) < 45_000  # of 51,200 in a request: none is full
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
    kept = {**parts(config).foundation.template["Resources"]}
    del kept["WorkBucket"]  # what is in it goes after a day
    for resource in kept.values():
        if policy := holds_data.get(resource["Type"]):
            assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == policy


@pytest.mark.parametrize(
    ("sections", "absent"),
    [
        ({"database": None}, {"DatabaseInstanceId", "DatabaseSecretArn", "DatabaseEndpoint"}),
        ({"files": None}, {"FileSystemId", "AccessPointId"}),
        ({"assets": None}, {"BucketName"}),
        ({"network": {"egress": "endpoints"}}, {"PublicSubnetIds", "NatGatewayId1"}),
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
        *("NatGatewayId1", "NatGatewayId2"),
        *("RepositoryName", "RepositoryUri", "KeyArn", "TaskSecurityGroupId", "BucketName"),
        *("DatabaseInstanceId", "DatabaseEndpoint", "DatabasePort", "DatabaseName"),
        *("DatabaseSecretArn", "DatabaseUserSecretArn", "DatabaseUserSecurityGroupId"),
        *("FileSystemId", "AccessPointId"),
        *("AccessLogsBucketName", "WorkBucketName", "TopicArn", "Zone1", "Zone2"),
    }
    assert set(service.template["Outputs"]) == {
        "DatabaseUserFunctionName",
        "AlbSecurityGroupId",
        *("ClusterName", "ServiceName", "NlbArn", "AlbArn", "NlbDnsName", "AlbDnsName"),
        *("NlbTargetGroupArn", "AlbTargetGroupArn", "EndpointServiceId", "EndpointServiceName"),
        *("LogGroupName", "RegistrarFunctionName", "CapacityProviderName", "AutoScalingGroupName"),
        *("NlbFullName", "NlbTargetGroupFullName", "AlbFullName", "AlbTargetGroupFullName"),
    }
    assert set(consumer.template["Parameters"]) == {
        *("EndpointServiceName", "VpcId", "SubnetIds"),
    }
    assert set(consumer.template["Outputs"]) == {"EndpointId", "EndpointDnsName", "Url"}


def test_a_consumer_elsewhere_gets_what_the_configuration_knows() -> None:
    _, _, (one, two) = by_part(CURATED["consumers-elsewhere"])
    assert (one.account, one.parameters) == ("333333333333", {})
    assert (two.account, two.parameters) == (
        "",
        {
            "VpcId": "vpc-01234567",
            "SubnetIds": "subnet-01234567",
        },
    )
    assert one.template["Outputs"]["Url"]["Value"] == "http://n.example/"


def test_only_these_names_are_fixed() -> None:
    """Any other would be in the way of whatever is made anew before the old one goes."""
    named: dict[str, set[str]] = {}
    keys = {"LogGroupName", "AliasName", "DashboardName", "RoleName", "FunctionName"}
    keys |= {"QueueName", "TopicName", "BucketName", "ClusterName", "RepositoryName", "ServiceName"}
    keys |= {"DBInstanceIdentifier", "AlarmName", "AutoScalingGroupName", "LaunchTemplateName"}
    keys |= {"GroupName", "CapacityProviderName", "TargetGroupName", "Name"}
    for one in CURATED.values():
        for stack in stacks(one) if one.name == "notes" else ():
            for resource in stack.template["Resources"].values():
                kind = resource["Type"].removeprefix("AWS::")
                for key in keys & resource.get("Properties", {}).keys():
                    value = resource["Properties"][key]
                    if isinstance(value, str) and not kind.startswith("Route53::"):  # DNS's own
                        named.setdefault(f"{kind}.{key}", set()).add(value)
    assert named == {
        "Logs::LogGroup.LogGroupName": {
            f"/underpass/notes/{part}"
            for part in ("service", "release", "registrar", "rotation", "database-user")
        },
        "KMS::Alias.AliasName": {"alias/underpass/notes"},
    }
