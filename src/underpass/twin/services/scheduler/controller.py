"""The controller of schedules: starts what is due, tries again what was refused, counts what it gave up."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from botocore.exceptions import BotoCoreError, ClientError

from underpass.twin.region.aws import ACCOUNT_ID
from underpass.twin.region.context import Region
from underpass.twin.region.topics import Topic
from underpass.twin.region.worker import Worker, once
from underpass.twin.services.scheduler.timetable import Entry, advanced, revised

log = logging.getLogger(__name__)

ATTEMPTS, AGE_S = 185, 86_400  # AWS's own
LONGEST_PAUSE_S = 60.0
_PASSED_ON = (  # to RunTask, with a small first letter
    *("CapacityProviderStrategy", "EnableECSManagedTags", "EnableExecuteCommand", "Group"),
    *("LaunchType", "PlacementStrategy", "PlatformVersion"),
    *("PropagateTags", "ReferenceId"),
)


class RefusedError(Exception):
    """What a schedule invokes did not take it; the message says why."""


class Scheduler:
    """Runs every enabled schedule when it is due, by the real clock."""

    topics: ClassVar[tuple[Topic, ...]] = (Topic.SCHEDULER,)

    def __init__(self, region: Region) -> None:
        self._region = region
        self._timetable: dict[str, Entry] = {}
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._stopping = threading.Event()
        self._worker = Worker("scheduler-clock", self._tick, self._changed.set)

    def start(self) -> Scheduler:
        """Start the clock."""
        self._worker.start()
        return self

    def stop(self) -> None:
        """Start nothing any more."""
        self._stopping.set()
        self._worker.stop()

    def reconcile(self) -> None:
        """Look at which schedules there are, and have each run in its time."""
        scheduler = self._region.clients("scheduler")
        listed = [
            one
            for page in scheduler.get_paginator("list_schedules").paginate()
            for one in page["Schedules"]
        ]
        described = []
        for one in listed:
            try:
                found = scheduler.get_schedule(Name=one["Name"], GroupName=one["GroupName"])
            except scheduler.exceptions.ResourceNotFoundException:  # deleted meanwhile
                continue
            described.append({key: found[key] for key in found if key != "ResponseMetadata"})
        with self._lock:
            self._timetable = revised(self._timetable, described, datetime.now(UTC))
        self._changed.set()

    def _tick(self) -> None:
        """Wait until something is due, and have it run."""
        with self._lock:
            soonest = min((one.due for one in self._timetable.values() if one.due), default=None)
        now = datetime.now(UTC)
        left_s = (soonest - now).total_seconds() if soonest else LONGEST_PAUSE_S
        self._changed.wait(min(max(0.0, left_s), LONGEST_PAUSE_S))  # the machine may have slept
        self._changed.clear()
        now = datetime.now(UTC)
        with self._lock:
            ripe = [one for one in self._timetable.values() if one.due and one.due <= now]
            for one in ripe:
                self._timetable[one.arn] = advanced(one, now)
        for one in ripe:
            once(f"schedule-{one.described['Name'][:20]}", self._run, one.described)

    def _run(self, schedule: Mapping[str, Any]) -> None:
        """Invoke the target; what it refuses is tried again as the schedule's retry policy says."""
        policy = schedule["Target"].get("RetryPolicy") or {}
        attempts = policy.get("MaximumRetryAttempts", ATTEMPTS)
        until_s = time.monotonic() + policy.get("MaximumEventAgeInSeconds", AGE_S)
        for attempt in range(attempts + 1):
            self._count(schedule, "InvocationAttemptCount")
            try:
                self._invoke(schedule)
            except (BotoCoreError, ClientError, RefusedError) as error:
                self._count(schedule, "TargetErrorCount")
                log.warning("schedule %s: %s", schedule["Name"], error)
                pause_s = min(2.0**attempt, LONGEST_PAUSE_S)
                if attempt == attempts or time.monotonic() + pause_s > until_s:
                    break
                if self._stopping.wait(pause_s):
                    return
            else:
                return
        self._count(schedule, "InvocationDroppedCount")
        log.error("schedule %s gave up", schedule["Name"])

    def _invoke(self, schedule: Mapping[str, Any]) -> None:
        target = schedule["Target"]
        service, name = target["Arn"].split(":")[2], target["Arn"].rpartition(":")[2]
        if service == "ecs":
            answer = self._region.clients("ecs").run_task(**task(schedule))
            if answer["failures"]:
                raise RefusedError(str(answer["failures"][0].get("reason")))
        elif service == "sqs":
            group = target.get("SqsParameters", {}).get("MessageGroupId")
            self._region.clients("sqs").send_message(
                QueueUrl=f"{self._region.clients.endpoint_url}/{ACCOUNT_ID}/{name}",
                MessageBody=target.get("Input") or "{}",
                **({"MessageGroupId": group} if group else {}),
            )
        else:
            self._region.clients("lambda").invoke(
                FunctionName=target["Arn"],
                InvocationType="Event",
                Payload=(target.get("Input") or "{}").encode(),
            )

    def _count(self, schedule: Mapping[str, Any], name: str) -> None:
        dimensions = [{"Name": "ScheduleGroup", "Value": schedule["GroupName"]}]
        datum = {"MetricName": name, "Value": 1.0, "Unit": "Count", "Dimensions": dimensions}
        self._region.clients("cloudwatch").put_metric_data(
            Namespace="AWS/Scheduler", MetricData=[datum]
        )


def task(schedule: Mapping[str, Any]) -> dict[str, Any]:
    """Return what RunTask is asked for: a schedule's parameters under RunTask's names.

    https://docs.aws.amazon.com/scheduler/latest/APIReference/API_EcsParameters.html
    """
    import json

    target = schedule["Target"]
    ecs = target["EcsParameters"]
    asked: dict[str, Any] = {
        "cluster": target["Arn"],
        "taskDefinition": ecs["TaskDefinitionArn"],
        "count": int(ecs.get("TaskCount") or 1),
        "startedBy": f"chronos-schedule/{schedule['Name']}",  # as AWS has it
    }
    for key in _PASSED_ON:
        if ecs.get(key) is not None:
            asked[_small(key)] = ecs[key]
    if network := ecs.get("NetworkConfiguration", {}).get("awsvpcConfiguration"):
        awsvpc = {_small(key): value for key, value in network.items()}
        asked["networkConfiguration"] = {"awsvpcConfiguration": awsvpc}
    if ecs.get("Tags"):
        asked["tags"] = [
            {"key": key, "value": value} for tag in ecs["Tags"] for key, value in tag.items()
        ]
    if target.get("Input"):
        asked["overrides"] = json.loads(target["Input"])
    return asked


def _small(key: str) -> str:
    return key[0].lower() + key[1:]
