"""VPC flow logs: who talked to whom, and who was refused."""

from __future__ import annotations

from collections.abc import Iterator

from troposphere import GetAtt, Ref, Tags, Template
from troposphere.ec2 import FlowLog
from troposphere.iam import Role
from troposphere.logs import LogGroup

from underpass.blueprint.foundation.network.vpc import Network
from underpass.blueprint.iam import allow, of_this_account, role
from underpass.blueprint.logs import AUDITED, log_group
from underpass.config import Config


def add(template: Template, config: Config, network: Network) -> None:
    """Log the flows of the network, all or those it rejects, to a log group of its own."""
    logs = log_group(template, config, AUDITED["flows"], "flows")
    delivery = _role(template, logs)
    for title, kind, resource in _logged(config, network):
        template.add_resource(
            FlowLog(
                title,
                ResourceType=kind,
                ResourceId=resource,
                TrafficType="ALL" if config.network.flow_logs == "all" else "REJECT",
                LogDestinationType="cloud-watch-logs",
                LogGroupName=Ref(logs),
                DeliverLogsPermissionArn=GetAtt(delivery, "Arn"),
                Tags=Tags(Name=config.name),
            )
        )


def _logged(config: Config, network: Network) -> Iterator[tuple[str, str, object]]:
    """Yield (logical id, kind, id) of what is logged: of an existing VPC only the subnets named."""
    if not config.network.vpc_id:
        yield "FlowLog", "VPC", Ref(network.vpc)
        return
    for tier, subnets in (("App", network.app_subnet_ids), ("Data", network.data_subnet_ids)):
        for number, subnet in enumerate(subnets, start=1):
            yield f"FlowLog{tier}{number}", "Subnet", subnet


def _role(template: Template, logs: LogGroup) -> Role:
    """Add the role flow logs are delivered with: for flow logs of this account, to this group only.

    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    """
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
        trust_condition=of_this_account("ec2", "vpc-flow-log/*"),
    )
