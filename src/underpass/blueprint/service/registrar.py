"""The registrar: the function that keeps the ALB's addresses registered with the NLB, and its clock."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from troposphere import GetAtt, Join, Ref, Sub, Template
from troposphere.awslambda import Code, Environment, Function, LoggingConfig, Permission
from troposphere.events import Rule, Target
from troposphere.logs import LogGroup

from underpass.blueprint.exports import imported
from underpass.blueprint.iam import Statement, allow, role
from underpass.blueprint.logs import log_group
from underpass.blueprint.service.balancers import Path
from underpass.config import Config

RUNTIME = "python3.13"
MEMORY_MIB = 256  # 128 has led to time-outs at start
TIMEOUT_S = 30


def add(template: Template, config: Config, path: Path) -> dict[str, Any]:
    """Add the function, its role, log group and schedule."""
    logs = log_group(template, config, "RegistrarLogGroup", "registrar")
    execution = role(template, "RegistrarRole", "lambda.amazonaws.com", _permissions(path, logs))
    function = template.add_resource(
        Function(
            "RegistrarFunction",
            Description=f"{config.name}: keeps the ALB's addresses registered with the NLB",
            Runtime=RUNTIME,
            Architectures=["arm64"],
            Handler="index.handler",
            Code=Code(ZipFile=source()),
            MemorySize=MEMORY_MIB,
            Timeout=TIMEOUT_S,
            Role=GetAtt(execution, "Arn"),
            LoggingConfig=LoggingConfig(LogGroup=Ref(logs)),
            Environment=Environment(
                Variables={
                    "LOAD_BALANCER_ARN": Ref(path.alb),
                    "VPC_ID": imported(config, "VpcId"),
                    "TARGET_GROUPS": Join(
                        "=", [Ref(path.nlb_target_group), str(config.listener_port)]
                    ),
                }
            ),
        )
    )
    schedule = template.add_resource(
        Rule(
            "RegistrarSchedule",
            Description=f"{config.name}: runs the registrar",
            ScheduleExpression="rate(1 minute)",
            Targets=[Target(Id="registrar", Arn=GetAtt(function, "Arn"))],
        )
    )
    template.add_resource(
        Permission(
            "RegistrarSchedulePermission",
            Action="lambda:InvokeFunction",
            FunctionName=Ref(function),
            Principal="events.amazonaws.com",
            SourceArn=GetAtt(schedule, "Arn"),
        )
    )
    return {"RegistrarFunctionName": Ref(function)}


def source() -> str:
    """Return the function's code, as it is shipped inside the template."""
    return files("underpass.registrar").joinpath("index.py").read_text(encoding="utf-8")


def _permissions(path: Path, logs: LogGroup) -> list[Statement]:
    return [
        # Neither action knows resources, so neither can be narrowed.
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
        allow(["ec2:DescribeNetworkInterfaces", "elasticloadbalancing:DescribeTargetHealth"], "*"),
        allow(
            ["elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets"],
            Ref(path.nlb_target_group),
        ),
        allow(
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            Sub(
                "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}"
                f":log-group:${{{logs.title}}}:*"
            ),
        ),
    ]
