"""Who is told of a job that failed, or that was not even started.

A task's end is an event; what is published is a line for people, and the alarms are for what no event tells.
Here and not beside the jobs: a rule that EventBridge refuses never rolls a release back.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
"""

from __future__ import annotations

from typing import Any

from troposphere import Template
from troposphere.events import InputTransformer, Rule, Target

from underpass.blueprint.iam import arn
from underpass.blueprint.monitoring.alarms import FAILED, Topic, alarm
from underpass.blueprint.monitoring.metrics import Metric
from underpass.config import Config

ENDED_ITSELF = "EssentialContainerExited"


def add(template: Template, config: Config, topic: Topic) -> None:
    """Add the rule on failed runs, and the alarms on starts that were given up and notices that got lost."""
    # Two brackets are all of JSON's paths that EventBridge documents and others rely on: the first container
    # is the job's own, unless it has sidecars. What is not there leaves nothing in the text.
    told = InputTransformer(
        InputPathsMap={
            "job": "$.detail.group",
            "code": "$.detail.containers[0].exitCode",
            "container": "$.detail.containers[0].reason",
            "why": "$.detail.stoppedReason",
            "task": "$.detail.taskArn",
            "at": "$.time",
        },
        InputTemplate=(
            f'"The job <job> of {config.name} failed at <at>, exit code <code>: <why> <container>. '
            f"Its log is in /underpass/{config.name}/service, or: underpass logs --container <job>. "
            'Task: <task>"'
        ),
    )
    rule = template.add_resource(
        Rule(
            "JobFailures",
            Description=f"{config.name}: a job that ended with another exit code than 0, or did not start",
            EventPattern=_pattern(config),
            Targets=[Target(Id="topic", Arn=topic, InputTransformer=told)],
        )
    )
    alarm(
        template,
        topic,
        "JobStarts",
        "A job was not started: ECS refused it until the Scheduler gave up",
        # https://docs.aws.amazon.com/scheduler/latest/UserGuide/monitoring-cloudwatch.html
        Metric("AWS/Scheduler", "InvocationDroppedCount", {"ScheduleGroup": "JobGroupName"}, "Sum"),
        FAILED,
    )
    alarm(
        template,
        topic,
        "JobNotices",
        "A job failed, and EventBridge could not tell this topic of it: see `underpass status`",
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
        Metric("AWS/Events", "FailedInvocations", {"RuleName": rule.title}, "Sum"),
        FAILED,
    )


def _pattern(config: Config) -> dict[str, Any]:
    """Match the end of a job's task, unless the job ended by itself and with 0.

    Of a task with sidecars the job's own container counts: the others end with it, however they can.
    """
    names = [job.name for job in config.jobs]
    return {
        "source": ["aws.ecs"],
        "detail-type": ["ECS Task State Change"],
        "detail": {
            "clusterArn": [arn("ecs", "cluster/${ClusterName}")],
            "group": names,
            "lastStatus": ["STOPPED"],
            "$or": [
                {"containers": {"name": names, "exitCode": [{"anything-but": [0]}]}},
                {"stopCode": [{"anything-but": [ENDED_ITSELF]}]},
            ],
        },
    }
