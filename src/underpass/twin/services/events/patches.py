"""EventBridge in moto, with ``schedule`` to deliver to the functions and queues that rules name as targets.

moto matches the events; a target that is a function or a queue is handed over, since moto cannot deliver to
the one, and asks no policy of the other. What
no rule of the twin could do is refused when the rule is made.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from underpass.twin.region.records import records
from underpass.twin.services.events import patterns
from underpass.twin.services.events.schedule_expressions import parse
from underpass.twin.services.events.targets import service

Deliver = Callable[[str, str, Mapping[str, Any], str], None]
"""(rule's name, its ARN, the target, the event as JSON): delivers soon, and returns at once."""

_OURS = {"lambda", "sqs"}
_MOTOS = {"logs", "events"}

log = logging.getLogger(__name__)

_deliver: list[Deliver] = []


def attach(deliver: Deliver) -> None:
    """Have ``deliver`` reach the functions and queues that rules name from now on."""
    _deliver[:] = [deliver]


def install() -> None:
    """Patch moto; once is enough, and more does no harm."""
    from moto.events.models import EventsBackend, Rule

    if hasattr(Rule, "twin"):
        return
    Rule.twin = True
    Rule.send_to_targets = _ours_first(Rule.send_to_targets)
    EventsBackend.put_rule = _checked(EventsBackend.put_rule)
    EventsBackend.put_targets = _checked_targets(EventsBackend.put_targets)


@records()
def publish(region: str, source: str, detail_type: str, detail: Mapping[str, Any]) -> None:
    """Put an event of an AWS service on the default bus, as the service itself would."""
    from moto.events.models import events_backends

    from underpass.twin.region.aws import ACCOUNT_ID

    events_backends[ACCOUNT_ID][region].put_events(
        [{"Source": source, "DetailType": detail_type, "Detail": json.dumps(detail)}]
    )


def _ours_first(original: Callable[..., None]) -> Callable[..., None]:
    def send_to_targets(rule: Any, event: Any, transform_input: bool = True) -> None:  # noqa: FBT001, FBT002
        try:
            send(rule, event, transform_input)
        except Exception:  # whoever put the event, and the rules after this one, must not suffer
            log.exception("rule %s did not reach its targets", rule.name)

    def send(rule: Any, event: Any, transform_input: Any) -> None:
        if rule.state != "ENABLED" or not rule.event_pattern.get_pattern():
            return  # a rule without a pattern runs on its schedule only
        if not rule.event_pattern.matches_event(event):
            return
        everything, ours = (
            rule.targets,
            [one for one in rule.targets if service(one["Arn"]) in _OURS],
        )
        for target in ours:
            for deliver in _deliver:
                deliver(rule.name, rule.arn, target, json.dumps(_as_sent(event)))
        rule.targets = [one for one in everything if one not in ours]
        try:
            original(rule, event, transform_input)
        finally:
            rule.targets = everything

    return send_to_targets


def _as_sent(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event as a target receives it: with its time in words, without moto's own notes."""
    from datetime import UTC, datetime

    sent = {key: value for key, value in event.items() if key != "ingestion-time"}
    if isinstance(sent.get("time"), int | float):
        sent["time"] = f"{datetime.fromtimestamp(sent['time'], UTC):%Y-%m-%dT%H:%M:%SZ}"
    return sent


def _refuse(message: str) -> Exception:
    from moto.events.exceptions import ValidationException

    error: Exception = ValidationException(message)
    return error


def _checked(original: Callable[..., Any]) -> Callable[..., Any]:
    def put_rule(backend: Any, name: str, *arguments: Any, **named: Any) -> Any:
        expression = named.get("scheduled_expression")
        if expression:
            try:
                parse(expression)
            except ValueError as error:
                message = f"Parameter ScheduleExpression is not valid: {error}."
                raise _refuse(message) from error
        try:
            patterns.check(named.get("event_pattern") or "{}")
        except ValueError as error:
            from moto.events.exceptions import InvalidEventPatternException

            raise InvalidEventPatternException(reason=str(error)) from error
        return original(backend, name, *arguments, **named)

    return put_rule


def _checked_targets(original: Callable[..., Any]) -> Callable[..., Any]:
    def put_targets(backend: Any, name: str, event_bus_arn: str | None, targets: Any) -> Any:
        for target in targets:
            arn = target["Arn"]
            if arn.startswith("arn:") and (
                service(arn) not in _OURS | _MOTOS or ":api-destination/" in arn
            ):
                raise _refuse(
                    f"Target {arn} does not work on the twin: events reach functions, queues, log "
                    "groups and event buses there."
                )
            if service(arn) in _OURS and (
                target.get("InputPath") or target.get("InputTransformer")
            ):
                raise _refuse("InputPath and InputTransformer do not work on the twin.")
        return original(backend, name, event_bus_arn, targets)

    return put_targets
