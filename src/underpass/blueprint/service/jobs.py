"""The jobs: tasks of the application's image that EventBridge Scheduler starts, each on its own schedule.

Each has its own task definition and its own schedule; what they share is the group, whose metrics say how
starting them goes, and the role that starts them. A run that fails is told by the monitoring stack.
https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-templated.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from troposphere import GetAtt, Ref, Template
from troposphere.ecs import Service, TaskDefinition
from troposphere.iam import Role
from troposphere.scheduler import (
    AwsVpcConfiguration,
    CapacityProviderStrategyItem,
    EcsParameters,
    FlexibleTimeWindow,
    NetworkConfiguration,
    RetryPolicy,
    Schedule,
    ScheduleGroup,
    Target,
)

from underpass.blueprint.capacity.strategy import strategy
from underpass.blueprint.cross_stack import given, given_list
from underpass.blueprint.iam import allow, arn, role
from underpass.blueprint.service import task
from underpass.blueprint.service.program import Program
from underpass.config import Config
from underpass.config.model import Job

SERVICE = "scheduler.amazonaws.com"
# A start that ECS refuses is tried again, and then given up: later the next one may be due.
ATTEMPTS = 10
GIVEN_UP_S = 900


def program(config: Config, job: Job) -> Program:
    """Return what a job runs."""
    return Program(
        name=job.name,
        family=config.family(job.name),
        title=job.title,
        cpu=job.cpu or config.service.cpu,
        memory_mib=job.memory or config.service.memory,
        stop_timeout_s=config.service.stop_timeout,
        command=job.command,
        environment=job.environment,
    )


def add(template: Template, config: Config, shared: task.Common, service: Service) -> ScheduleGroup:
    """Add every job. Their schedules come after the service: a job meets what the release has brought."""
    group = template.add_resource(ScheduleGroup("JobGroup"))
    programs = [program(config, job) for job in config.jobs]
    starter = _role(template, group, shared, programs)
    for job, one in zip(config.jobs, programs, strict=True):
        definition = task.define(template, config, one, shared)
        _schedule(template, config, job, definition, group, starter, service)
    return group


def _schedule(
    template: Template,
    config: Config,
    job: Job,
    definition: TaskDefinition,
    group: ScheduleGroup,
    starter: Role,
    service: Service,
) -> None:
    # No key of ours: a schedule holds no data, and Scheduler starts nothing while the key's policy is wrong.
    template.add_resource(
        Schedule(
            f"{job.title}Schedule",
            Description=f"{config.name}: the job {job.name}",
            GroupName=Ref(group),
            ScheduleExpression=job.schedule,
            ScheduleExpressionTimezone=job.timezone,
            FlexibleTimeWindow=FlexibleTimeWindow(Mode="OFF"),
            State="ENABLED",
            Target=Target(
                Arn=_cluster(),
                RoleArn=GetAtt(starter, "Arn"),
                EcsParameters=EcsParameters(
                    TaskDefinitionArn=Ref(definition),
                    CapacityProviderStrategy=[
                        CapacityProviderStrategyItem(**one.properties)
                        for one in strategy(config, least=1)
                    ],
                    NetworkConfiguration=NetworkConfiguration(
                        AwsvpcConfiguration=AwsVpcConfiguration(
                            AssignPublicIp="DISABLED",
                            Subnets=given_list("AppSubnetIds"),
                            SecurityGroups=[given("TaskSecurityGroupId")],
                        )
                    ),
                    Group=job.name,
                    EnableECSManagedTags=True,
                    PropagateTags="TASK_DEFINITION",
                ),
                RetryPolicy=RetryPolicy(
                    MaximumEventAgeInSeconds=GIVEN_UP_S, MaximumRetryAttempts=ATTEMPTS
                ),
            ),
            DependsOn=service.title,
        )
    )


def _role(
    template: Template, group: ScheduleGroup, shared: task.Common, programs: Sequence[Program]
) -> Role:
    """Add the role that starts the jobs, for schedules of this group only.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    """
    to_tasks = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    statements = [
        allow(["ecs:RunTask"], _definitions(programs), {"ArnEquals": {"ecs:cluster": _cluster()}}),
        # RunTask gives the tasks the tags of their definition, and says whose they are.
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/supported-iam-actions-tagging.html
        allow(
            ["ecs:TagResource"],
            arn("ecs", "task/${ClusterName}/*"),
            {"StringEquals": {"ecs:CreateAction": "RunTask"}},
        ),
        allow(
            ["iam:PassRole"],
            [GetAtt(one, "Arn") for one in (shared.roles.task, shared.roles.execution)],
            to_tasks,
        ),
    ]
    here = {
        "StringEquals": {"aws:SourceAccount": Ref("AWS::AccountId")},
        "ArnEquals": {"aws:SourceArn": GetAtt(group, "Arn")},
    }
    return role(template, "JobRole", SERVICE, statements, trust_condition=here)


def _definitions(programs: Iterable[Program]) -> list[object]:
    """Return the ARNs of the jobs' task definitions, whatever their revision."""
    return [arn("ecs", f"task-definition/{one.family}:*") for one in programs]


def _cluster() -> object:
    return arn("ecs", "cluster/${ClusterName}")
