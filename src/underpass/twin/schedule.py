"""EventBridge's part in the twin: rules that reach functions and queues, on schedule and on events.

Schedules run on the twin's clock, ``clock.SPEED`` times faster than AWS's: ``rate(1 minute)`` is every three
seconds, and a ``cron`` day passes in 72 minutes. A rule runs once as soon as it is enabled and may invoke its
targets, where AWS would let its first period pass, so that nobody waits for the first run.
"""

from __future__ import annotations

import fnmatch
import json
import logging
import queue
import threading
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from botocore.exceptions import BotoCoreError, ClientError

from underpass.twin import clock
from underpass.twin.clients import ACCOUNT_ID
from underpass.twin.context import Region
from underpass.twin.timing import Schedule, parse

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

    topics: ClassVar[tuple[str, ...]] = ("events", "lambda")

    def __init__(self, region: Region) -> None:
        self._region = region
        self._due: dict[str, _Due] = {}
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._stopping = False
        self._epoch = (time.monotonic(), datetime.now(UTC))
        self._deliveries: queue.SimpleQueue[tuple[Rule, Mapping[str, Any], str] | None]
        self._deliveries = queue.SimpleQueue()

    def start(self) -> Schedules:
        """Start the clock and the thread that delivers events."""
        for target, name in ((self._tick, "schedules"), (self._deliver_all, "events")):
            threading.Thread(target=target, name=name, daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop running rules."""
        self._stopping = True
        self._deliveries.put(None)
        self._changed.set()

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
                    due.at_s = time.monotonic() if due.first else due.at_s
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
        self._due[rule.name] = _Due(rule, schedule, None, time.monotonic())

    def _tick(self) -> None:
        """Run each rule when it is due."""
        while not self._stopping:
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
                except BotoCoreError:  # the API did not answer, this time
                    log.exception("rule %s did not run", due.rule.name)
                    due.at_s = time.monotonic() + _AGAIN_S

    def _run(self, due: _Due) -> None:
        asked_at_s = due.at_s
        event = json.dumps(scheduled_event(due.rule.arn, self._region.name, self._now()))
        allowed = [target for target in due.rule.targets if self._allowed(due.rule, target)]
        for target in allowed:
            self._deliveries.put((due.rule, target, event))
        with self._lock:
            if due.first and not allowed:
                # A change to its targets or their permissions wakes it; one that came meanwhile has.
                if due.at_s == asked_at_s:
                    due.at_s = _NEVER
                return
            now = self._now()
            if due.first:
                due.first = False
                due.following = due.schedule.after(now)  # a whole period after the first run
            elif due.following and due.following <= now:
                # What came due while this was late is not made up for.
                missed = now - timedelta(minutes=1)
                due.following = due.schedule.after(max(due.following, missed))
            due.at_s = self._seconds(due.following) if due.following else _NEVER

    def _allowed(self, rule: Rule, target: Mapping[str, Any]) -> bool:
        """Tell whether the target's policy lets this rule reach it; AWS counts a failed invocation."""
        arn = str(target["Arn"])
        try:
            policy = self._queue_policy(arn) if is_queue(arn) else self._function_policy(arn)
            statements = json.loads(policy)["Statement"]
        except (BotoCoreError, ClientError, KeyError):
            statements = []
        return any(permits(statement, arn, rule.arn) for statement in statements)

    def _function_policy(self, arn: str) -> str:
        return str(self._region.clients("lambda").get_policy(FunctionName=arn)["Policy"])

    def _queue_policy(self, arn: str) -> str:
        wanted = {"QueueUrl": self._queue_url(arn), "AttributeNames": ["Policy"]}
        return str(
            self._region.clients("sqs").get_queue_attributes(**wanted)["Attributes"]["Policy"]
        )

    def _queue_url(self, arn: str) -> str:
        name = arn.rpartition(":")[2]
        return f"{self._region.clients.endpoint_url}/{ACCOUNT_ID}/{name}"

    def _deliver_all(self) -> None:
        while (delivery := self._deliveries.get()) is not None:
            rule, target, event = delivery
            try:
                self._deliver(rule, target, event)
            except (BotoCoreError, ClientError, ValueError) as error:
                log.warning("rule %s did not reach %s: %s", rule.name, target["Arn"], error)

    def _deliver(self, rule: Rule, target: Mapping[str, Any], event: str) -> None:
        if not self._allowed(rule, target):
            log.warning("rule %s may not reach %s", rule.name, target["Arn"])
            self._failed(rule)
            return
        if is_queue(target["Arn"]):
            group = target.get("SqsParameters", {}).get("MessageGroupId")
            self._region.clients("sqs").send_message(
                QueueUrl=self._queue_url(target["Arn"]),
                MessageBody=payload(target, event).decode(),
                **({"MessageGroupId": group} if group else {}),
            )
            return
        self._region.clients("lambda").invoke(
            FunctionName=target["Arn"], InvocationType="Event", Payload=payload(target, event)
        )

    def _failed(self, rule: Rule) -> None:
        datum = {"MetricName": "FailedInvocations", "Value": 1.0, "Unit": "Count"}
        dimensions = [{"Name": "RuleName", "Value": rule.name}]
        self._region.clients("cloudwatch").put_metric_data(
            Namespace="AWS/Events", MetricData=[{**datum, "Dimensions": dimensions}]
        )

    def _now(self) -> datetime:
        """Return the twin's time: AWS's, had it run ``SPEED`` times faster since the start."""
        began_s, began = self._epoch
        return began + timedelta(seconds=(time.monotonic() - began_s) * clock.SPEED)

    def _seconds(self, moment: datetime) -> float:
        began_s, began = self._epoch
        return began_s + (moment - began).total_seconds() / clock.SPEED


def scheduled_event(rule_arn: str, region: str, moment: datetime) -> dict[str, Any]:
    """Return the event a schedule sends.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
    """
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT_ID,
        "time": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "region": region,
        "resources": [rule_arn],
        "detail": {},
    }


def payload(target: Mapping[str, Any], event: str) -> bytes:
    """Return what a target is invoked with: its own constant input, a template of it, or the event.

    Raises
    ------
    ValueError
        When the target transforms the event in a way the twin does not know.
    """
    if "Input" in target:
        return str(target["Input"]).encode()
    if target.get("InputPath") or target.get("InputTransformer"):
        raise ValueError("InputPath and InputTransformer do not work on the twin")
    return event.encode()


def is_queue(arn: str) -> bool:
    """Tell whether a target is a queue; what else the twin delivers to are functions."""
    return arn.split(":")[2] == "sqs"


def permits(statement: Mapping[str, Any], target_arn: str, rule_arn: str) -> bool:
    """Tell whether a statement of a target's policy lets EventBridge reach it for a rule."""
    principal = statement.get("Principal", {})
    services = _several(principal if isinstance(principal, str) else principal.get("Service"))
    if statement.get("Effect") != "Allow" or services.isdisjoint({"events.amazonaws.com", "*"}):
        return False
    action = "sqs:SendMessage" if is_queue(target_arn) else "lambda:InvokeFunction"
    wide = f"{action.partition(':')[0]}:*"
    if _several(statement.get("Action")).isdisjoint({action, wide, "*"}):
        return False
    resources = {one.removesuffix(":$LATEST") for one in _several(statement.get("Resource", ""))}
    if resources.isdisjoint({"*", target_arn.removesuffix(":$LATEST")}):
        return False
    known = {"aws:sourcearn": rule_arn, "aws:sourceaccount": ACCOUNT_ID}
    for operator, conditions in statement.get("Condition", {}).items():
        for key, wanted in conditions.items():
            value = known.get(key.lower())
            patterns = [wanted] if isinstance(wanted, str) else wanted
            if operator not in {"ArnLike", "ArnEquals", "StringEquals", "StringLike"} or not value:
                return False
            if not any(fnmatch.fnmatchcase(value, pattern) for pattern in patterns):
                return False
    return True


def _several(value: Any) -> set[str]:
    """Return what a policy writes as one text or as a list of them."""
    return {value} if isinstance(value, str) else set(value or ())
