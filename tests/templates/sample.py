"""A made-up account with the stacks of one configuration: every intrinsic function has a value.

ARNs are formed as the service authorization reference says, so that policies can be evaluated.
https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from tests.templates.emitted import part

from underpass.blueprint import Stack, stacks
from underpass.blueprint.addons.outputs import PREFIX
from underpass.cloudformation.intrinsics import resolve
from underpass.config.model import Config

ACCOUNT = "111111111111"
_ARNS = {  # type to ARN without its first fields; {} is the resource's name
    "AWS::CloudWatch::Alarm": "cloudwatch:{region}:{account}:alarm:{}",
    "AWS::AutoScaling::AutoScalingGroup": (
        "autoscaling:{region}:{account}:autoScalingGroup:0:autoScalingGroupName/{}"
    ),
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{}",
    "AWS::EC2::VPC": "ec2:{region}:{account}:vpc/{}",
    "AWS::EC2::VPCEndpointService": "ec2:{region}:{account}:vpc-endpoint-service/{}",
    "AWS::ECR::Repository": "ecr:{region}:{account}:repository/{}",
    "AWS::ECS::Cluster": "ecs:{region}:{account}:cluster/{}",
    "AWS::ECS::Service": "ecs:{region}:{account}:service/Cluster/{}",
    "AWS::ECS::TaskDefinition": "ecs:{region}:{account}:task-definition/{}:1",
    "AWS::EFS::AccessPoint": "elasticfilesystem:{region}:{account}:access-point/{}",
    "AWS::EFS::FileSystem": "elasticfilesystem:{region}:{account}:file-system/{}",
    "AWS::ElasticLoadBalancingV2::Listener": (
        "elasticloadbalancing:{region}:{account}:listener/{}/0/1/2"
    ),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": (
        "elasticloadbalancing:{region}:{account}:loadbalancer/{kind}/{}/0123"
    ),
    "AWS::ElasticLoadBalancingV2::TargetGroup": (
        "elasticloadbalancing:{region}:{account}:targetgroup/{}/0123"
    ),
    "AWS::Events::Rule": "events:{region}:{account}:rule/{}",
    "AWS::IAM::InstanceProfile": "iam::{account}:instance-profile/{}",
    "AWS::IAM::Role": "iam::{account}:role/{}",
    "AWS::KMS::Key": "kms:{region}:{account}:key/{}",
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{}",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{}:*",
    "AWS::RDS::DBInstance": "rds:{region}:{account}:db:{}",
    "AWS::S3::Bucket": "s3:::{}",
    "AWS::SNS::Topic": "sns:{region}:{account}:{}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{}",
    "AWS::SecretsManager::Secret": "secretsmanager:{region}:{account}:secret:{}-AbCdEf",
    "AWS::Scheduler::Schedule": "scheduler:{region}:{account}:schedule/default/{}",
    "AWS::Scheduler::ScheduleGroup": "scheduler:{region}:{account}:schedule-group/{}",
}
# Types whose Ref is their ARN; the Ref of all others is their name or id.
_REF_IS_ARN = frozenset(
    f"AWS::{name}"
    for name in (
        *("ECS::Service", "ECS::TaskDefinition", "SNS::Topic", "SecretsManager::Secret"),
        *(
            f"ElasticLoadBalancingV2::{kind}"
            for kind in ("Listener", "LoadBalancer", "TargetGroup")
        ),
    )
)
Scoped: TypeAlias = "Callable[[Deployed], Any]"
_NAMES = ("LogGroupName", "BucketName", "FunctionName", "RoleName", "TopicName", "ClusterName")


class Account:
    """The stacks of one configuration, in an account of their own."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.stacks = {one.name: Deployed(self, one) for one in stacks(config)}

    def of(self, name: str) -> Iterator[Deployed]:
        """Yield the stacks that are this part of the pattern."""
        for one in self.stacks.values():
            if part(self.config, one.stack) == name:
                yield one

    def given(self, to: Deployed, name: str, scope: Scoped = lambda one: one) -> Any:
        """Return what an earlier stack hands to one of the provider's, as ``scope`` of it sees it.

        Raises
        ------
        KeyError
            When no earlier stack has such an output, or the stack is a consumer's.
        """
        if part(self.config, to.stack) == "consumer":
            raise KeyError(name)
        of_addons = name.startswith(PREFIX)
        name = name.removeprefix(PREFIX)
        for one in self.stacks.values():
            if one is to:
                break
            if (part(self.config, one.stack) == "addon") is not of_addons:
                continue
            if output := one.stack.template.get("Outputs", {}).get(name):
                return resolve(output["Value"], scope(one))
        raise KeyError(name)

    @property
    def key(self) -> str:
        """The ARN of the key of everything at rest, whoever made it."""
        return self.config.kms_key or str(self.named("Key"))

    def named(self, logical_id: str, attribute: str = "Arn") -> Any:
        """Return an attribute of a resource of whichever of the provider's stacks has it."""
        for one in self.stacks.values():
            if logical_id in one.resources:
                return one.attribute(logical_id, attribute)
        raise KeyError(logical_id)


@dataclass(frozen=True, eq=False)
class Deployed:
    """One stack; implements ``intrinsics.Scope``."""

    account: Account
    stack: Stack

    @property
    def resources(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.stack.template["Resources"]
        return found

    def properties(self, logical_id: str) -> dict[str, Any]:
        """Return a resource's properties with every function carried out."""
        found: dict[str, Any] = resolve(self.resources[logical_id].get("Properties", {}), self)
        return found

    def ref(self, name: str) -> Any:
        if name in self.resources:
            known = self.resources[name]["Type"] in _REF_IS_ARN
            return self._arn(name) if known else self._name(name)
        if name in self.parameters:
            return self.parameter(name)
        return {
            "AWS::AccountId": ACCOUNT,
            "AWS::Partition": "aws",
            "AWS::Region": self.account.config.region,
            "AWS::StackId": f"arn:aws:cloudformation:::stack/{self.stack.name}/0",
            "AWS::StackName": self.stack.name,
            "AWS::URLSuffix": "amazonaws.com",
        }[name]

    @property
    def parameters(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.stack.template.get("Parameters", {})
        return found

    def parameter(self, name: str, scope: Scoped = lambda one: one) -> Any:
        """Return a parameter's value; one that an earlier stack hands on is as ``scope`` of it sees it."""
        about = self.parameters[name]
        value = self.stack.parameters.get(name)
        if value is None:
            try:
                return self.account.given(self, name, scope)
            except KeyError:
                value = about.get("Default", f"{name}-value")
        return value.split(",") if about["Type"].startswith(("List<", "Comma")) else value

    def attribute(self, logical_id: str, name: str) -> Any:
        if name.endswith("Arn") and self.resources[logical_id]["Type"] in _ARNS:
            return self._arn(logical_id)
        if name == "DnsEntries":
            return [f"Z0123:{logical_id}.vpce.amazonaws.com"]
        if name == "Name" and self.resources[logical_id]["Type"] == "AWS::ECS::Service":
            return logical_id  # as its ARN ends
        return f"{logical_id}.{name}"

    def imported(self, name: str) -> Any:
        raise KeyError(name)  # no stack exports anything

    def zones(self, region: str) -> Sequence[str]:
        return [f"{region or self.account.config.region}{letter}" for letter in "abc"]

    def mapped(self, mapping: str, top: str, second: str) -> Any:
        return self.stack.template["Mappings"][mapping][top][second]

    def condition(self, name: str) -> bool:
        raise KeyError(name)  # the blueprint decides in Python, a template has no conditions

    def _name(self, logical_id: str) -> str:
        properties = self.resources[logical_id].get("Properties", {})
        given = [properties[key] for key in _NAMES if key in properties]
        return str(resolve(given[0], self)) if given else logical_id

    def _arn(self, logical_id: str) -> str:
        resource = self.resources[logical_id]
        application = resource.get("Properties", {}).get("Type") != "network"
        tail = _ARNS[resource["Type"]].format(
            self._name(logical_id),
            region=self.account.config.region,
            account=ACCOUNT,
            kind="app" if application else "net",
        )
        return f"arn:aws:{tail}"
