"""VPC flow logs: who talked to whom, and who was refused."""

from __future__ import annotations

from troposphere import GetAtt, Ref, Sub, Tags, Template
from troposphere.ec2 import FlowLog
from troposphere.iam import Role
from troposphere.kms import Key
from troposphere.logs import LogGroup

from underpass.blueprint.foundation.network import Network
from underpass.blueprint.iam import allow, role
from underpass.blueprint.logs import RETENTION_DAYS
from underpass.config import Config


def add(template: Template, config: Config, network: Network, key: Key) -> None:
    """Log every flow of the network, accepted and rejected, to a log group of its own."""
    logs = template.add_resource(
        LogGroup(
            "FlowLogGroup",
            LogGroupName=f"/underpass/{config.name}/flows",
            RetentionInDays=RETENTION_DAYS,
            KmsKeyId=GetAtt(key, "Arn"),
            DeletionPolicy="Delete",
            UpdateReplacePolicy="Delete",
        )
    )
    delivery = _role(template, logs)
    template.add_resource(
        FlowLog(
            "FlowLog",
            ResourceType="VPC",
            ResourceId=Ref(network.vpc),
            TrafficType="ALL",
            LogDestinationType="cloud-watch-logs",
            LogGroupName=Ref(logs),
            DeliverLogsPermissionArn=GetAtt(delivery, "Arn"),
            Tags=Tags(Name=config.name),
        )
    )


def _role(template: Template, logs: LogGroup) -> Role:
    """Add the role flow logs are delivered with: for flow logs of this account, to this group only.

    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    """
    source = "arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:vpc-flow-log/*"
    return role(
        template,
        "FlowLogRole",
        "vpc-flow-logs.amazonaws.com",
        [
            allow(
                ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                GetAtt(logs, "Arn"),  # ends in ":*": the group's streams
            )
        ],
        trust_condition={
            "StringEquals": {"aws:SourceAccount": Ref("AWS::AccountId")},
            "ArnLike": {"aws:SourceArn": Sub(source)},
        },
    )
