"""EventBridge Scheduler starts tasks, and whoever listens hears how they end, by the blueprint's rule."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.twin.inside import run_inside


def jobs_run_and_failures_are_told() -> dict[str, Any]:  # noqa: C901  a story
    """Start a job that fails and one that does not, by schedule, and tell what was heard of them."""
    from functools import partial

    from botocore.exceptions import ClientError
    from tests.twin.ecs.region import GROUP, Place
    from tests.unit.blueprint.configs import JOBS, config
    from tests.unit.blueprint.templates import monitoring, resource

    from underpass.twin.api import patch
    from underpass.twin.region.reconcile import Reconciler
    from underpass.twin.services.events import Schedules
    from underpass.twin.services.events import patches as events
    from underpass.twin.services.scheduler import Scheduler
    from underpass.twin.services.scheduler import patches as scheduler_patches

    place = Place()
    patch.apply(events, scheduler_patches)
    rules, schedules = Schedules(place.region).start(), Scheduler(place.region).start()
    events.attach(rules.deliver)
    for name, one in (("rules", rules), ("schedules", schedules)):
        Reconciler(name, one.reconcile, settle_s=0.01).start(place.region.feed, one.topics)
    sns, sqs = place.region.clients("sns"), place.region.clients("sqs")
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    allow = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}}
    policy = {"Statement": [{**allow, "Action": "sns:Publish", "Resource": topic}]}
    sns.set_topic_attributes(
        TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(policy)
    )
    queue = sqs.create_queue(QueueName="mail")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"])

    cluster = "arn:aws:ecs:us-east-1:123456789012:cluster/app"
    rule = resource(monitoring(config(jobs=JOBS)), "JobFailures")
    pattern = rule["EventPattern"]
    pattern = {**pattern, "detail": {**pattern["detail"], "clusterArn": [cluster]}}
    client = place.region.clients("events")
    client.put_rule(Name="failures", EventPattern=json.dumps(pattern))
    client.put_targets(Rule="failures", Targets=[{**rule["Targets"][0], "Arn": topic}])
    everything = {"source": ["aws.ecs"]}
    heard = sqs.create_queue(QueueName="heard")["QueueUrl"]
    heard_arn = heard.replace("http://127.0.0.1:4566/", "").replace("/", ":")
    heard_arn = f"arn:aws:sqs:us-east-1:123456789012:{heard_arn.rpartition(':')[2]}"
    allowed = {**allow, "Action": "sqs:SendMessage", "Resource": heard_arn}
    sqs.set_queue_attributes(
        QueueUrl=heard, Attributes={"Policy": json.dumps({"Statement": [allowed]})}
    )
    client.put_rule(Name="all", EventPattern=json.dumps(everything))
    client.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": heard_arn}])

    image = place.image("python3", "-c", "pass")
    scheduler = place.region.clients("scheduler")
    scheduler.create_schedule_group(Name="jobs")

    def target(code: int, name: str) -> dict[str, Any]:
        log = {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": GROUP,
                "awslogs-region": "us-east-1",
                "awslogs-stream-prefix": name,
            },
        }
        definition = place.ecs.register_task_definition(
            family=f"app_{name}",
            cpu="256",
            memory="512",
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            containerDefinitions=[
                {
                    "name": name,
                    "image": image,
                    "command": ["sh", "-c", f"echo {name} ran; exit {code}"],
                    "logConfiguration": log,
                }
            ],
        )["taskDefinition"]["taskDefinitionArn"]
        return {
            "Arn": cluster,
            "RoleArn": "arn:aws:iam::123456789012:role/jobs",
            "EcsParameters": {
                "TaskDefinitionArn": definition,
                "LaunchType": "FARGATE",
                "Group": name,
                "PropagateTags": "TASK_DEFINITION",
                "NetworkConfiguration": {
                    "awsvpcConfiguration": {"Subnets": place.subnets, "AssignPublicIp": "DISABLED"}
                },
            },
        }

    def schedule(name: str, target: dict[str, Any], **more: Any) -> None:
        wanted = {"ScheduleExpression": "rate(1 hour)", "GroupName": "jobs", **more}
        scheduler.create_schedule(
            Name=name, FlexibleTimeWindow={"Mode": "OFF"}, Target=target, **wanted
        )

    def ended(name: str) -> Any:
        tasks = [task for task in place.table.tasks() if task.group == name and task.stopped_at]
        return tasks[0] if tasks else None

    def received(url: str) -> list[str]:
        found = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for one in messages:
                found.append(one["Body"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
        return found

    schedule("well", target(0, "tidy-up"))
    schedule("bad", target(3, "report"))
    schedule("off", target(0, "never"), State="DISABLED")
    tidy, report = (place.until(partial(ended, name)) for name in ("tidy-up", "report"))
    told: list[str] = []

    def told_now() -> list[str]:
        told.extend(received(queue))
        return told

    place.until(told_now)
    states = [json.loads(body) for body in received(heard)]
    refused = {}
    for name, wanted in {
        "expression": {"ScheduleExpression": "rate(1 hours)"},
        "zone": {"ScheduleExpressionTimezone": "Mars/Base"},
        "group": {"GroupName": "none"},
    }.items():
        try:
            schedule("odd", target(0, "odd"), **wanted)
        except ClientError as error:
            refused[name] = error.response["Error"]["Code"]
    try:
        schedule(
            "odd",
            {"Arn": "arn:aws:kinesis:us-east-1:1:stream/x", "RoleArn": "arn:aws:iam::1:role/r"},
        )
    except ClientError as error:
        refused["target"] = error.response["Error"]["Message"]
    schedules.stop()
    rules.stop()
    return {
        "codes": [task.containers[0].exit_code for task in (tidy, report)],
        "started by": report.started_by,
        "runs": sorted(task.group for task in place.table.tasks()),
        "told": [json.loads(body)["Message"] for body in told_now()],
        "task": report.arn,
        "events": [
            [one["detail"]["lastStatus"], one["resources"], one["detail-type"]]
            for one in states
            if one["detail"]["group"] == "report"
        ],
        "last": [one["detail"] for one in states if one["detail"]["lastStatus"] == "STOPPED"],
        "refused": refused,
    }


@pytest.fixture(scope="module")
def seen() -> Any:
    return run_inside(jobs_run_and_failures_are_told)


def test_schedules_start_tasks(seen: Any) -> None:
    assert seen["codes"] == [0, 3]
    assert seen["started by"] == "chronos-schedule/bad"
    assert seen["runs"] == ["report", "tidy-up"]  # once each, and none of what is disabled


def test_only_the_failed_one_is_told_in_words(seen: Any) -> None:
    (told,) = seen["told"]
    assert told.startswith('"The job report of notes failed at 20')
    assert "exit code 3: Essential container in task exited" in told
    assert seen["task"] in told


def test_ecs_tells_eventbridge_of_every_state(seen: Any) -> None:
    states = [state for state, _, _ in seen["events"]]
    assert states[0] == "PENDING"
    assert {"RUNNING", "STOPPED"} <= {*states}
    assert seen["events"][0][1:] == [[seen["task"]], "ECS Task State Change"]
    last = next(one for one in seen["last"] if one["group"] == "report")
    assert last["stopCode"] == "EssentialContainerExited"
    assert last["containers"][0]["exitCode"] == 3
    assert last["clusterArn"].endswith(":cluster/app")
    assert last["stoppedAt"].endswith("Z")


def test_what_would_not_run_is_refused(seen: Any) -> None:
    refused = seen["refused"]
    assert refused["expression"] == refused["zone"] == "ValidationException"
    assert refused["group"] == "ResourceNotFoundException"
    assert "does not work on the twin" in refused["target"]
