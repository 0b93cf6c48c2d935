"""The registrar: the function that keeps the ALB's addresses registered with the NLB, and what runs it.

A schedule runs it every minute. Events run it sooner: ELB's own calls that make, detach or delete a node's
interface, and calls that change the ALB, as CloudTrail tells of them (in an account that has a trail of
management events; best effort, so the schedule stays).

All of them wait in one FIFO queue, in one message group, so that Lambda works on one batch at a time: runs
do not overlap, the first event of a burst runs the function at once, and all that arrive while it is at
work are one more run. No message holds anything but the wish for a run, and the next one wishes the same:
none lives longer than a period, and none is kept when it failed.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
"""

from __future__ import annotations

from typing import Any

from troposphere import AWSObject, GetAtt, Join, Ref, Sub, Template
from troposphere.awslambda import (
    Code,
    Environment,
    EventSourceMapping,
    Function,
    LoggingConfig,
)
from troposphere.events import Rule, SqsParameters, Target
from troposphere.logs import LogGroup
from troposphere.sqs import Queue, QueuePolicy

from underpass.blueprint.checkov_skips import skipped
from underpass.blueprint.cross_stack import given
from underpass.blueprint.iam import Statement, allow, document, role
from underpass.blueprint.inline import shipped
from underpass.blueprint.logs import log_group
from underpass.blueprint.path.balancers import Path
from underpass.config import Config

RUNTIME = "python3.13"
MEMORY_MIB = 256  # 128 has led to time-outs at start
TIMEOUT_S = 20
BATCH = 10  # the most a FIFO queue gives
LIFE_S = 60  # of a message: the least there is, and one period

_WHY_NOT = {
    "CKV_AWS_115": "The queue gives one run at a time; reserving fails in an account that has 10",
    "CKV_AWS_116": "A lost run costs nothing: the next one, within a minute, does the same",
    "CKV_AWS_117": "It calls AWS only, and must work when the VPC does not",
    "CKV_AWS_173": "The variables are names; Lambda encrypts them with a key of its own",
}
_QUEUE_WHY_NOT = {"CKV_AWS_27": "Encrypted by SQS with a key of its own: events say nothing secret"}


def add(template: Template, config: Config, path: Path) -> dict[str, Any]:
    """Add the function, its role and log group, and what runs it."""
    logs = log_group(template, config, "RegistrarLogGroup", "registrar")
    queue = template.add_resource(
        Queue(
            "RegistrarQueue",
            FifoQueue=True,
            ContentBasedDeduplication=True,  # events differ by their ids
            MessageRetentionPeriod=LIFE_S,
            VisibilityTimeout=TIMEOUT_S,  # a run that failed is tried again when it would have ended
            SqsManagedSseEnabled=True,
            DeletionPolicy="Delete",  # it holds nothing anybody would miss
            UpdateReplacePolicy="Delete",
            Metadata=skipped(_QUEUE_WHY_NOT),
        )
    )
    execution = role(
        template, "RegistrarRole", "lambda.amazonaws.com", _permissions(path, logs, queue)
    )
    function = template.add_resource(_function(config, path, GetAtt(execution, "Arn"), logs))
    _triggers(template, config, path, queue)
    template.add_resource(
        EventSourceMapping(
            "RegistrarEventSource",
            EventSourceArn=GetAtt(queue, "Arn"),
            FunctionName=Ref(function),
            BatchSize=BATCH,
            DependsOn=execution.title,  # Lambda tries whether it may read the queue
        )
    )
    return {"RegistrarFunctionName": Ref(function)}


def source() -> str:
    """Return the function's code as it is shipped inside the template."""
    return shipped("underpass.registrar")


def _function(config: Config, path: Path, role_arn: GetAtt, logs: LogGroup) -> Function:
    return Function(
        "RegistrarFunction",
        Description=f"{config.name}: keeps the ALB's addresses registered with the NLB",
        Runtime=RUNTIME,
        Architectures=["arm64"],
        Handler="index.handler",
        Code=Code(ZipFile=source()),
        MemorySize=MEMORY_MIB,
        Timeout=TIMEOUT_S,
        Role=role_arn,
        LoggingConfig=LoggingConfig(LogGroup=Ref(logs)),
        Environment=Environment(
            Variables={
                "LOAD_BALANCER_ARN": Ref(path.alb),
                "VPC_ID": given("VpcId"),
                "TARGET_GROUPS": Join("=", [Ref(path.nlb_target_group), str(config.listener_port)]),
                "DNS_NAME": GetAtt(path.alb, "DNSName"),
                "DRAIN_RETIRED": "true",
            }
        ),
        Metadata=skipped(_WHY_NOT),
    )


def _triggers(template: Template, config: Config, path: Path, queue: Queue) -> None:
    sees = {"detail-type": ["AWS API Call via CloudTrail"]}
    rules = [
        template.add_resource(
            Rule(
                f"Registrar{name}",
                Description=f"{config.name}: runs the registrar {when}",
                Targets=[
                    Target(
                        Id="queue",
                        Arn=GetAtt(queue, "Arn"),
                        SqsParameters=SqsParameters(MessageGroupId="registrar"),
                    )
                ],
                **trigger,
            )
        )
        for name, when, trigger in (
            ("Schedule", "every minute", {"ScheduleExpression": "rate(1 minute)"}),
            (
                "InterfaceRule",
                "when a node's interface comes or goes",
                {"EventPattern": sees | _interface_calls(path)},
            ),
            ("AlbRule", "when the ALB changes", {"EventPattern": sees | _alb_calls(path)}),
        )
    ]
    sources = {"ArnEquals": {"aws:SourceArn": [GetAtt(rule, "Arn") for rule in rules]}}
    may_send: dict[str, Any] = {"Principal": {"Service": "events.amazonaws.com"}}
    template.add_resource(
        QueuePolicy(
            "RegistrarQueuePolicy",
            Queues=[Ref(queue)],
            PolicyDocument=document(
                {**allow(["sqs:SendMessage"], GetAtt(queue, "Arn"), sources), **may_send}
            ),
        )
    )


def _interface_calls(path: Path) -> dict[str, Any]:
    """Match ELB's calls for nodes; only the one that makes an interface says which ALB it is for."""
    ours = {"description": [Sub(f"ELB ${{{path.alb.title}.LoadBalancerFullName}}")]}
    return {
        "source": ["aws.ec2"],
        "detail": {
            "eventSource": ["ec2.amazonaws.com"],
            "userIdentity": {"invokedBy": ["elasticloadbalancing.amazonaws.com"]},
            "$or": [
                {"eventName": ["CreateNetworkInterface"], "requestParameters": ours},
                {"eventName": ["DetachNetworkInterface", "DeleteNetworkInterface"]},
            ],
        },
    }


def _alb_calls(path: Path) -> dict[str, Any]:
    """Match the calls that give the ALB other subnets, capacity or listeners."""
    names = ["SetSubnets", "ModifyCapacityReservation", "CreateListener"]
    return {
        "source": ["aws.elasticloadbalancing"],
        "detail": {
            "eventSource": ["elasticloadbalancing.amazonaws.com"],
            "eventName": names,
            "requestParameters": {"loadBalancerArn": [Ref(path.alb)]},
        },
    }


def _permissions(path: Path, logs: LogGroup, queue: AWSObject) -> list[Statement]:
    elb = "elasticloadbalancing"
    return [
        # None of these knows resources, so none can be narrowed.
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
        allow(
            [
                "ec2:DescribeNetworkInterfaces",
                f"{elb}:DescribeListeners",
                f"{elb}:DescribeTargetHealth",
            ],
            "*",
        ),
        allow([f"{elb}:RegisterTargets", f"{elb}:DeregisterTargets"], Ref(path.nlb_target_group)),
        # Lambda's, on the function's behalf.
        # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
        allow(
            ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
            GetAtt(queue, "Arn"),
        ),
        allow(
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            Sub(
                "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}"
                f":log-group:${{{logs.title}}}:*"
            ),
        ),
    ]
