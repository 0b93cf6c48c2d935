"""What an account asks for: tags, roles' boundary and path, what is there already, and where tasks start."""

from typing import Any

import pytest
from tests.unit.blueprint.configs import (
    ACCOUNT,
    BOUNDARY,
    CURATED,
    EVERYTHING,
    KEY,
    THERE,
    TOPIC,
    config,
)
from tests.unit.blueprint.templates import parts, resource

from underpass import blueprint
from underpass.blueprint import Stack
from underpass.config import Config

FARGATE = {"provider": "fargate"}
ROTATED = EVERYTHING | {"database": {"rotation_days": 7}}


def every(kind: str, of: Config) -> dict[str, Any]:
    return {
        f"{stack.name}/{name}": found["Properties"]
        for stack in blueprint.stacks(of)
        for name, found in stack.template["Resources"].items()
        if found["Type"] == kind
    }


def test_every_stack_has_the_tags_and_so_have_the_volumes_that_no_stack_reaches() -> None:
    stacks = blueprint.stacks(config(**EVERYTHING, **ACCOUNT))
    assert all(stack.tags == ACCOUNT["tags"] for stack in stacks)
    (template,) = every("AWS::EC2::LaunchTemplate", config(**ACCOUNT)).values()
    (volumes,) = template["LaunchTemplateData"]["TagSpecifications"]
    tags = {tag["Key"]: tag["Value"] for tag in volumes["Tags"]}
    assert tags == {**ACCOUNT["tags"], "Name": "notes"}
    assert all(not stack.tags for stack in blueprint.stacks(config(**EVERYTHING)))


def test_the_service_hands_its_tags_on_to_its_tasks() -> None:
    (service,) = every("AWS::ECS::Service", config(**ACCOUNT)).values()
    assert service["PropagateTags"] == "SERVICE"


@pytest.mark.parametrize("name", ["nat-ec2-everything", "rotation", "exec-fargate"])
def test_every_role_has_its_boundary_and_its_path(name: str) -> None:
    bound = CURATED[name].model_copy(update=ACCOUNT)
    roles = every("AWS::IAM::Role", bound)
    assert len(roles) > 5
    for role in roles.values():
        assert (role["PermissionsBoundary"], role["Path"]) == (BOUNDARY, "/apps/")
    assert all(
        one["Path"] == "/apps/" for one in every("AWS::IAM::InstanceProfile", bound).values()
    )
    for role in every("AWS::IAM::Role", CURATED[name]).values():
        assert not {"PermissionsBoundary", "Path"} & {*role}


def _texts(stacks: tuple[Stack, ...]) -> str:
    return "".join(stack.text() for stack in stacks)


def test_what_is_there_is_used_and_not_made() -> None:
    stacks = blueprint.stacks(config(**ROTATED, **THERE))
    kinds = [one["Type"] for stack in stacks for one in stack.template["Resources"].values()]
    assert not {"AWS::KMS::Key", "AWS::KMS::Alias", "AWS::SNS::Topic", "AWS::SNS::TopicPolicy"} & {
        *kinds
    }
    outputs = {name: one["Value"] for name, one in stacks[0].template["Outputs"].items()}
    assert outputs["KeyArn"] == KEY
    assert outputs["TopicArn"] == TOPIC
    assert outputs["AccessLogsBucketName"] == "central-logs"
    assert "AccessLogsBucket" not in stacks[0].template["Resources"]
    assert '"Key"' not in _texts(stacks).replace('"Key":', "")  # nothing refers to the one not made
    balancer = resource(parts(config(**THERE)).path, "Alb")["LoadBalancerAttributes"]
    attributes = {one["Key"]: one["Value"] for one in balancer}
    assert attributes["access_logs.s3.prefix"] == "notes"


def test_everything_at_rest_is_under_the_key_that_is_there() -> None:
    there = config(**EVERYTHING, kms_key=KEY)
    (repository,) = every("AWS::ECR::Repository", there).values()
    assert repository["EncryptionConfiguration"]["KmsKey"] == KEY
    for kind, name in (
        ("AWS::RDS::DBInstance", "KmsKeyId"),
        ("AWS::EFS::FileSystem", "KmsKeyId"),
        ("AWS::SecretsManager::Secret", "KmsKeyId"),
        ("AWS::SNS::Topic", "KmsMasterKeyId"),
    ):
        assert {one[name] for one in every(kind, there).values()} == {KEY}


def _strategy(**sections: Any) -> list[tuple[str, int, int]]:
    (service,) = every("AWS::ECS::Service", config(**sections)).values()
    items = service["CapacityProviderStrategy"]
    return [(one["CapacityProvider"], one["Weight"], one.get("Base", 0)) for one in items]


def test_on_spot_the_least_that_serves_is_on_demand() -> None:
    assert _strategy(capacity=FARGATE) == [("FARGATE", 1, 0)]
    tasks = {"tasks": {"min": 3, "max": 9}}
    assert _strategy(capacity=FARGATE | {"spot": True}, service=tasks) == [
        ("FARGATE", 1, 3),
        ("FARGATE_SPOT", 1000, 0),
    ]
    none = {"tasks": {"min": 0, "max": 3}}
    assert _strategy(capacity=FARGATE | {"spot": True}, service=none)[0] == ("FARGATE", 1, 0)
    stack = parts(config(capacity=FARGATE | {"spot": True})).capacity
    found = resource(stack, "ClusterCapacityProviders")
    assert found["CapacityProviders"] == ["FARGATE", "FARGATE_SPOT"]


@pytest.mark.parametrize(
    ("capacity", "expected"),
    [
        (FARGATE, "X86_64"),
        (FARGATE | {"architecture": "x86_64"}, "X86_64"),
        (FARGATE | {"architecture": "arm64"}, "ARM64"),
        (FARGATE | {"instance_type": "m7g.large"}, "X86_64"),
        ({"instance_type": "m7g.large"}, "ARM64"),
    ],
)
def test_tasks_run_on_the_architecture_that_is_named(capacity: Any, expected: str) -> None:
    (definition,) = every("AWS::ECS::TaskDefinition", config(capacity=capacity)).values()
    assert definition["RuntimePlatform"]["CpuArchitecture"] == expected


def test_session_manager_has_its_policy_and_without_internet_its_endpoints() -> None:
    alone = {"egress": "endpoints"}
    each = parts(config(capacity={"ssm": True}, network=alone))
    (policy,) = resource(each.capacity, "InstanceRole")["ManagedPolicyArns"]
    assert policy["Fn::Sub"].endswith(":policy/AmazonSSMManagedInstanceCore")
    more = {"SsmEndpoint", "SsmMessagesEndpoint", "Ec2MessagesEndpoint"}
    assert more <= {*each.foundation.template["Resources"]}
    assert more.isdisjoint(parts(config(network=alone)).foundation.template["Resources"])


def test_a_role_of_an_addon_without_properties_is_no_mistake_of_ours() -> None:
    """AWS refuses it, and says why."""
    template = {"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": None}}}
    addon = {"addons": [{"template": "aa.yaml"}], "documents": {"aa.yaml": template}}
    (stack,) = (
        one
        for one in blueprint.stacks(config(role_path="/apps/", **addon))
        if "-addon-" in one.name
    )
    assert stack.template["Resources"]["Role"]["Properties"] == {"Path": "/apps/"}
