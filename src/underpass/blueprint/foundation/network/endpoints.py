"""Which AWS services a VPC without a way to the internet needs endpoints to, and what goes through each.

What is left out, and why: Secrets Manager, S3, ECR and Logs use the key themselves, so nobody in the VPC
calls KMS; an EFS mount needs its mount target and no API; alarms, topics and metrics of AWS's own services
never pass through the VPC.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html
https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from troposphere import GetAtt, Join, Ref, Split, Sub

from underpass.blueprint.iam import document
from underpass.blueprint.service import permissions, secrets
from underpass.config import Config, addons

GATEWAYS = ("s3", "dynamodb")
_OWN_PRINCIPALS = {"StringEquals": {"aws:PrincipalAccount": Ref("AWS::AccountId")}}


@dataclass(frozen=True)
class Service:
    """An AWS service reached by an interface endpoint.

    Attributes
    ----------
    title
        How the endpoint's logical id starts.
    name
        The service's name after ``com.amazonaws.REGION.``.
    actions
        What may be done through the endpoint. Empty where the service takes no policy but full access.
    """

    title: str
    name: str
    actions: tuple[str, ...] = ()


_ECR_PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
_ALWAYS = (
    Service("EcrApi", "ecr.api", ("ecr:GetAuthorizationToken", *_ECR_PULL)),
    Service("EcrDkr", "ecr.dkr", ("ecr:GetAuthorizationToken", *_ECR_PULL)),
)
_LOGS = ("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")
# For the agent on container instances; Fargate's reaches ECS by itself. AWS knows endpoint policies for
# the first only. https://github.com/awsdocs/amazon-ecs-developer-guide/issues/55
_AGENT = (
    "ecs:DeregisterContainerInstance",
    "ecs:DiscoverPollEndpoint",
    "ecs:RegisterContainerInstance",
    "ecs:SubmitAttachmentStateChanges",
    "ecs:SubmitContainerStateChange",
    "ecs:SubmitTaskStateChange",
    "ecs:TagResource",
    "ecs:UpdateContainerInstancesState",
)
_EC2 = (Service("EcsAgent", "ecs-agent"), Service("EcsTelemetry", "ecs-telemetry"))
_SECRETS_MANAGER = {"secretsmanager": "SecretsManager"}
_SECRET = ("secretsmanager:GetSecretValue",)
# What a rotation does beside, in the VPC because the database is.
_ROTATION = (
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetRandomPassword",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
)
_NEW_TASKS = ("ecs:DescribeServices", "ecs:UpdateService")
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
_EXEC = (Service("SsmMessages", "ssmmessages"),)
# https://docs.aws.amazon.com/systems-manager/latest/userguide/setup-create-vpc.html
_SSM = (Service("Ssm", "ssm"), *_EXEC, Service("Ec2Messages", "ec2messages"))


def services(config: Config) -> tuple[Service, ...]:
    """Return the services that need an interface endpoint, then those ``[network] endpoints`` names.

    What is named is open for every action, also where underpass itself needs a few: which services take a
    policy AWS does not tell. S3 and DynamoDB are gateway endpoints besides.
    """
    named = {name: _named(name) for name in config.network.endpoints if name not in GATEWAYS}
    needed = {one.name: one for one in _needed(config)}
    return tuple((needed | named).values())


def _named(name: str) -> Service:
    """Return a service the configuration names, with the title it has where underpass knows it."""
    known = {one.name: one.title for one in (*_ALWAYS, *_EC2, *_SSM)} | _SECRETS_MANAGER
    title = "".join(part[:1].upper() + part[1:] for part in re.split("[.-]", name))
    return Service(known.get(name, title), name)


def _needed(config: Config) -> tuple[Service, ...]:
    # The agent of a session looks for the group it is to log to.
    logs = (*_LOGS, "logs:DescribeLogGroups") if config.service.exec else _LOGS
    instances = config.capacity.provider == "ec2"
    rotates = config.instance and config.instance.rotates
    ecs = (*(_AGENT if instances else ()), *(_NEW_TASKS if rotates else ()))
    secret = (*_SECRET, *(_ROTATION if rotates else ()))
    kinds = {one.kind for one in (*secrets.own(config), *secrets.beside(config))}
    of_addons = any(one.kind == "secret" for one in addons.outputs(config))
    reads_secrets = config.database or of_addons or "secret" in kinds
    return (
        *_ALWAYS,
        Service("Logs", "logs", logs),
        *((Service("Ecs", "ecs", ecs),) if ecs else ()),
        *(_EC2 if instances else ()),
        *((Service("SecretsManager", "secretsmanager", secret),) if reads_secrets else ()),
        *((Service("Ssm", "ssm", ("ssm:GetParameters",)),) if "parameter" in kinds else ()),
        *(_EXEC if config.service.exec else ()),
        *(_SSM if config.capacity.ssm else ()),
    )


def policy(service: Service) -> Mapping[str, Any] | None:
    """Return what this account's principals, and nobody else's, may do; None for full access."""
    if not service.actions:
        return None
    return document(_allowed("OwnPrincipals", service.actions, "*", _OWN_PRINCIPALS))


def s3_policy(config: Config) -> Mapping[str, Any]:
    """Return what passes to S3: images' layers, which ECR keeps, assets, buckets, functions' answers."""
    layers = Sub("arn:${AWS::Partition}:s3:::prod-${AWS::Region}-starport-layer-bucket/*")
    statements = [_allowed("ImageLayers", ("s3:GetObject",), layers)]  # signed by ECR, not by us
    if config.assets:
        resources = [GetAtt("AssetsBucket", "Arn"), Sub("${AssetsBucket.Arn}/*")]
        reads = ("s3:GetObject", "s3:ListBucket")
        actions = tuple(dict.fromkeys((*reads, *permissions.of_assets(config))))
        statements.append(_allowed("Assets", actions, resources, _OWN_PRINCIPALS))
    if names := config.network.buckets:  # what is done with them is for the task's role to say
        arns = [
            Sub(f"arn:${{AWS::Partition}}:s3:::{name}{end}") for name in names for end in ("", "/*")
        ]
        statements.append(_allowed("Buckets", ("s3:*",), arns, _OWN_PRINCIPALS))
    if config.instance:
        # Signed by CloudFormation, whose buckets have the region's name without hyphens.
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/vpc-interface-endpoints.html
        region = Join("", Split("-", Ref("AWS::Region")))
        bucket = "arn:${AWS::Partition}:s3:::cloudformation-custom-resource-response-${Region}/*"
        answers = Sub(bucket, Region=region)
        statements.append(_allowed("AnswersOfFunctions", ("s3:PutObject",), answers))
    return document(*statements)


def _allowed(
    name: str,
    actions: tuple[str, ...],
    resource: object,
    condition: Mapping[str, Any] | None = None,
) -> Mapping[str, Any]:
    statement = {
        "Sid": name,
        "Effect": "Allow",
        "Principal": "*",
        "Action": list(actions),
        "Resource": resource,
    }
    return statement | ({"Condition": condition} if condition else {})
