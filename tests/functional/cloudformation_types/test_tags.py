"""A stack's tags on what it makes, as AWS puts them there, asked of each service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.functional.cloudformation_types.account import Account, functions_answer, tasks_run
from tests.functional.cloudformation_types.conftest import Bench
from tests.functional.cloudformation_types.test_blueprint import asked, looked_up
from tests.unit.blueprint.configs import EVERYTHING, config

from underpass.blueprint import Stack, stacks
from underpass.twin.region.aws import Clients

FIRST = {"team": "notes", "Name": "the stack's"}
THEN = {"cost center": "4 711"}
ALL = EVERYTHING | {"database": {"rotation_days": 7}}


def mapped(tags: Any) -> dict[str, str]:
    pairs = tags.items() if isinstance(tags, Mapping) else [[*tag.values()][:2] for tag in tags]
    return {str(key): str(value) for key, value in pairs}


def by_ids(clients: Clients, ref: str, _: str) -> Any:
    wanted = [{"Name": "resource-id", "Values": [ref]}]
    found = clients("ec2").describe_tags(Filters=wanted)["Tags"]
    return {tag["Key"]: tag["Value"] for tag in found}


def addresses(clients: Clients, ref: str, _: str) -> Any:
    found = clients("ec2").describe_addresses(PublicIps=[ref])["Addresses"]
    return by_ids(clients, found[0]["AllocationId"], "")


def group(clients: Clients, ref: str, _: str) -> Any:
    filters = [{"Name": "auto-scaling-group", "Values": [ref]}]
    found = clients("autoscaling").describe_tags(Filters=filters)["Tags"]
    assert all(tag["PropagateAtLaunch"] for tag in found)  # the instances have them too
    return {tag["Key"]: tag["Value"] for tag in found}


def bucket(clients: Clients, ref: str, _: str) -> Any:
    return clients("s3").get_bucket_tagging(Bucket=ref)["TagSet"]


# How the tags of a service's resources are asked for, by Ref and ARN.
ASK: Mapping[str, Callable[[Clients, str, str], Any]] = {
    "AutoScaling": group,
    "CloudWatch": lambda c, _, arn: c("cloudwatch").list_tags_for_resource(ResourceARN=arn)["Tags"],
    "EC2": by_ids,
    "ECR": lambda c, _, arn: c("ecr").list_tags_for_resource(resourceArn=arn)["tags"],
    "ECS": lambda c, _, arn: c("ecs").list_tags_for_resource(resourceArn=arn)["tags"],
    "EFS": lambda c, ref, _: c("efs").list_tags_for_resource(ResourceId=ref)["Tags"],
    "ElasticLoadBalancingV2": lambda c, ref, _: c("elbv2").describe_tags(ResourceArns=[ref])[
        "TagDescriptions"
    ][0]["Tags"],
    "Events": lambda c, _, arn: c("events").list_tags_for_resource(ResourceARN=arn)["Tags"],
    "IAM": lambda c, ref, _: c("iam").list_role_tags(RoleName=ref)["Tags"],
    "KMS": lambda c, ref, _: c("kms").list_resource_tags(KeyId=ref)["Tags"],
    "Lambda": lambda c, _, arn: c("lambda").list_tags(Resource=arn)["Tags"],
    "Logs": lambda c, ref, _: c("logs").list_tags_log_group(logGroupName=ref)["tags"],
    "RDS": lambda c, _, arn: c("rds").list_tags_for_resource(ResourceName=arn)["TagList"],
    "Route53": lambda c, ref, _: c("route53").list_tags_for_resource(
        ResourceType="hostedzone", ResourceId=ref
    )["ResourceTagSet"]["Tags"],
    "S3": bucket,
    "SNS": lambda c, ref, _: c("sns").list_tags_for_resource(ResourceArn=ref)["Tags"],
    "SQS": lambda c, ref, _: c("sqs").list_queue_tags(QueueUrl=ref).get("Tags", {}),
    "SecretsManager": lambda c, ref, _: c("secretsmanager").describe_secret(SecretId=ref)["Tags"],
}
ARNS = {
    "AWS::CloudWatch::Alarm": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:{}",
    "AWS::ECR::Repository": "arn:aws:ecr:us-east-1:123456789012:repository/{}",
    "AWS::ECS::CapacityProvider": "arn:aws:ecs:us-east-1:123456789012:capacity-provider/{}",
    "AWS::ECS::Cluster": "arn:aws:ecs:us-east-1:123456789012:cluster/{}",
    "AWS::Events::Rule": "arn:aws:events:us-east-1:123456789012:rule/{}",
    "AWS::Lambda::Function": "arn:aws:lambda:us-east-1:123456789012:function:{}",
    "AWS::RDS::DBInstance": "arn:aws:rds:us-east-1:123456789012:db:{}",
    "AWS::RDS::DBParameterGroup": "arn:aws:rds:us-east-1:123456789012:pg:{}",
    "AWS::RDS::DBSubnetGroup": "arn:aws:rds:us-east-1:123456789012:subgrp:{}",
    "AWS::RDS::EventSubscription": "arn:aws:rds:us-east-1:123456789012:es:{}",
}


def tags_of(bench: Bench, kind: str, ref: str) -> dict[str, str]:
    arn = ARNS.get(kind, "{}").format(ref)
    ask = addresses if kind == "AWS::EC2::EIP" else ASK[kind.split("::")[1]]
    return mapped(ask(bench.clients, ref, arn))


def taggable(bench: Bench, stack: Stack) -> dict[str, str]:
    """Return what has tags that take effect, logical ids to types."""
    found = {name: one["Type"] for name, one in stack.template["Resources"].items()}
    types = bench.resource_types
    return {
        name: kind
        for name, kind in found.items()
        if kind in types and types[kind].form.tags in types[kind].honoured
    }


def test_everything_has_its_stacks_tags_and_follows_them(bench: Bench) -> None:
    account = Account(bench)
    tasks_run(bench)
    functions_answer(bench)
    every = [one for one in stacks(config(**ALL)) if "consumer" not in one.name]
    known = {
        "Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/n:1",
        "InstanceImage": "ami-12345678",
    } | looked_up(bench, every[0])
    for stack in every:
        known |= account.create(stack.name, stack.body(), FIRST, **asked(stack, known))
        ids = account.resources(stack.name)
        for name, kind in taggable(bench, stack).items():
            own = mapped(stack.template["Resources"][name].get("Properties", {}).get("Tags", ()))
            found = tags_of(bench, kind, ids[name])
            assert found.items() >= {**FIRST, **own}.items(), (stack.name, name, found)
    assert {kind.split("::")[1] for one in every for kind in taggable(bench, one).values()} == {
        *ASK
    } - {
        "Route53"  # a consumer's
    }
    for stack in every:
        before = account.resources(stack.name)
        account.update(stack.name, stack.body(), THEN, **asked(stack, known))
        assert account.resources(stack.name) == before  # nothing was made anew for its tags
        for name, kind in taggable(bench, stack).items():
            found = tags_of(bench, kind, before[name])
            assert found.items() >= THEN.items(), (stack.name, name, found)
            assert "team" not in found, (stack.name, name)
