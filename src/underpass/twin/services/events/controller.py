"""The controller of rules: what is due when, and who is told of what happened."""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from botocore.exceptions import BotoCoreError, ClientError

from underpass.schedule_expressions import Schedule, parse
from underpass.twin.region import clock
from underpass.twin.region.aws import ACCOUNT_ID
from underpass.twin.region.context import Region
from underpass.twin.region.topics import Topic
from underpass.twin.region.worker import Worker
from underpass.twin.services.events.targets import admits, is_queue, is_topic, scheduled_event
from underpass.twin.services.events.transform import transformed

log = logging.getLogger(__name__)

_NEVER = float("inf")
_AGAIN_S = 1.0


@dataclass(frozen=True)
class Rule:
    """An enabled rule with a schedule, and its targets as EventBridge describes them."""

    name: str
    arn: str
    expression: str
    targets: tuple[Mapping[str, Any], ...] = field(compare=False, default=())

    @property
    def hurried(self) -> bool:
        """Whether it runs on the twin's clock, and for the first time as soon as it may: the registrar's."""
        return clock.is_registrars(self.name)


@dataclass
class _Due:
    """When a rule runs next.

    Attributes
    ----------
    following
        By its schedule, in AWS's time; None for never, or when the first run is yet to be.
    at_s
        In the twin's seconds.
    first
        Whether it has yet to run for the first time.
    """

    rule: Rule
    schedule: Schedule
    following: datetime | None
    at_s: float
    first: bool = True


class Schedules:
    """The controller of scheduled rules, and the way of every event to its targets."""

    topics: ClassVar[tuple[Topic, ...]] = (Topic.EVENTS, Topic.LAMBDA)

    def __init__(self, region: Region) -> None:
        self._region = region
        self._due: dict[str, _Due] = {}
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._epoch = (time.monotonic(), datetime.now(UTC))
        self._deliveries: queue.SimpleQueue[tuple[Rule, Mapping[str, Any], str] | None]
        self._deliveries = queue.SimpleQueue()
        self._workers = (
            Worker("schedules", self._tick, self._changed.set),
            Worker("events", self._deliver_next, lambda: self._deliveries.put(None)),
        )

    def start(self) -> Schedules:
        """Start the clock and the thread that delivers events."""
        for worker in self._workers:
            worker.start()
        return self

    def stop(self) -> None:
        """Stop running rules."""
        for worker in self._workers:
            worker.stop()

    def reconcile(self) -> None:
        """Look at which rules are enabled, and have each run in its time."""
        rules = {rule.name: rule for rule in self._observe()}
        with self._lock:
            for name in [name for name, due in self._due.items() if due.rule != rules.get(name)]:
                del self._due[name]
            for name, rule in rules.items():
                due = self._due.get(name)
                if due:
                    due.rule = rule
                    if due.first:
                        due.at_s = time.monotonic()
                    elif due.following:  # the clock may have been set, or the machine have slept
                        due.at_s = self._seconds(rule, due.following)
                else:
                    self._add(rule)
        self._changed.set()

    def deliver(self, rule_name: str, rule_arn: str, target: Mapping[str, Any], event: str) -> None:
        """Have a rule's target get an event, soon; returns at once."""
        self._deliveries.put((Rule(rule_name, rule_arn, ""), target, event))

    def _observe(self) -> Iterable[Rule]:
        events = self._region.clients("events")
        for page in events.get_paginator("list_rules").paginate():
            for rule in page["Rules"]:
                if rule.get("State") == "ENABLED" and rule.get("ScheduleExpression"):
                    targets = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
                    yield Rule(
                        rule["Name"], rule["Arn"], rule["ScheduleExpression"], tuple(targets)
                    )

    def _add(self, rule: Rule) -> None:
        try:
            schedule = parse(rule.expression)
        except ValueError as error:
            log.error("rule %s does not run: %s", rule.name, error)  # noqa: TRY400  the message says it all
            return
        if rule.hurried:
            self._due[rule.name] = _Due(rule, schedule, None, time.monotonic())
            return
        following = schedule.after(self._now(rule))
        at_s = self._seconds(rule, following) if following else _NEVER
        self._due[rule.name] = _Due(rule, schedule, following, at_s, first=False)

    def _tick(self) -> None:
        """Run each rule when it is due."""
        with self._lock:
            soonest = min((due.at_s for due in self._due.values()), default=_NEVER)
        self._changed.wait(None if soonest == _NEVER else max(0.0, soonest - time.monotonic()))
        self._changed.clear()
        now_s = time.monotonic()
        with self._lock:
            ripe = [due for due in self._due.values() if due.at_s <= now_s]
        for due in ripe:
            try:
                self._run(due)
            except Exception:  # one rule must not keep the others from running
                log.exception("rule %s did not run", due.rule.name)
                due.at_s = time.monotonic() + _AGAIN_S

    def _run(self, due: _Due) -> None:
        moment = due.following or self._now(due.rule)
        event = json.dumps(scheduled_event(due.rule.arn, self._region.name, moment))
        targets = [
            target
            for target in due.rule.targets
            if not due.first or self._allowed(due.rule, target)
        ]
        for target in targets:
            self._deliveries.put((due.rule, target, event))
        with self._lock:
            if due.first and not targets:  # it waits for targets, or for their policies
                due.at_s = time.monotonic() + _AGAIN_S
                return
            now = self._now(due.rule)
            if due.first:
                due.first = False
                due.following = due.schedule.after(now)  # a whole period after the first run
            elif due.following:
                # What came due while this was late is not made up for.
                missed = now - timedelta(minutes=1)
                due.following = due.schedule.after(max(due.following, missed))
            due.at_s = self._seconds(due.rule, due.following) if due.following else _NEVER

    def _allowed(self, rule: Rule, target: Mapping[str, Any]) -> bool:
        """Tell whether the target's policy lets this rule reach it; AWS counts a failed invocation."""
        arn = str(target["Arn"])
        try:
            policy = self._policy(arn)
        except (BotoCoreError, ClientError, KeyError):
            return False
        return admits(policy, arn, rule.arn)

    def _policy(self, arn: str) -> str:
        if is_topic(arn):
            found = self._region.clients("sns").get_topic_attributes(TopicArn=arn)
            return str(found["Attributes"]["Policy"])
        return self._queue_policy(arn) if is_queue(arn) else self._function_policy(arn)

    def _function_policy(self, arn: str) -> str:
        return str(self._region.clients("lambda").get_policy(FunctionName=arn)["Policy"])

    def _queue_policy(self, arn: str) -> str:
        wanted = {"QueueUrl": self._queue_url(arn), "AttributeNames": ["Policy"]}
        return str(
            self._region.clients("sqs").get_queue_attributes(**wanted)["Attributes"]["Policy"]
        )

    def _queue_url(self, arn: str) -> str:
        return f"{self._region.clients.endpoint_url}/{ACCOUNT_ID}/{arn.rpartition(':')[2]}"

    def _deliver_next(self) -> None:
        delivery = self._deliveries.get()
        if delivery is None:
            return
        rule, target, event = delivery
        try:
            self._deliver(rule, target, event)
        except Exception:  # one target must not keep the others from being reached
            log.exception("rule %s did not reach %s", rule.name, target["Arn"])

    def _deliver(self, rule: Rule, target: Mapping[str, Any], event: str) -> None:
        if not self._allowed(rule, target):
            log.warning("rule %s may not reach %s", rule.name, target["Arn"])
            self._failed(rule)
            return
        sent = transformed(target, event)
        if is_topic(target["Arn"]):
            self._region.clients("sns").publish(TopicArn=target["Arn"], Message=sent)
            return
        if is_queue(target["Arn"]):
            group = target.get("SqsParameters", {}).get("MessageGroupId")
            self._region.clients("sqs").send_message(
                QueueUrl=self._queue_url(target["Arn"]),
                MessageBody=sent,
                **({"MessageGroupId": group} if group else {}),
            )
            return
        self._region.clients("lambda").invoke(
            FunctionName=target["Arn"], InvocationType="Event", Payload=sent.encode()
        )

    def _failed(self, rule: Rule) -> None:
        datum = {"MetricName": "FailedInvocations", "Value": 1.0, "Unit": "Count"}
        dimensions = [{"Name": "RuleName", "Value": rule.name}]
        self._region.clients("cloudwatch").put_metric_data(
            Namespace="AWS/Events", MetricData=[{**datum, "Dimensions": dimensions}]
        )

    def _now(self, rule: Rule) -> datetime:
        """Return a rule's time: the real one, or AWS's had it run ``SPEED`` times faster since the start."""
        if not rule.hurried:
            return datetime.now(UTC)
        began_s, began = self._epoch
        return began + timedelta(seconds=(time.monotonic() - began_s) * clock.SPEED)

    def _seconds(self, rule: Rule, moment: datetime) -> float:
        """Return when it is that time for a rule, in seconds of the monotonic clock."""
        if not rule.hurried:
            return time.monotonic() + (moment - datetime.now(UTC)).total_seconds()
        began_s, began = self._epoch
        return began_s + (moment - began).total_seconds() / clock.SPEED
