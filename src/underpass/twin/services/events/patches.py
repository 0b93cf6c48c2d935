"""EventBridge in moto, with the twin to deliver to the functions, queues and topics that rules name.

moto matches the events; a target that is a function or a queue is handed over, since moto cannot deliver to
the one, and asks no policy of the other. What
no rule of the twin could do is refused when the rule is made.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moto.events.exceptions import InvalidEventPatternException, ValidationException
from moto.events.models import UNDEFINED, EventPattern, EventsBackend, Rule, events_backends

from underpass.schedule_expressions import parse
from underpass.twin.api import patch
from underpass.twin.region.aws import ACCOUNT_ID
from underpass.twin.region.records import records
from underpass.twin.services.events import patterns, transform
from underpass.twin.services.events.targets import service

Deliver = Callable[[str, str, Mapping[str, Any], str], None]
"""(rule's name, its ARN, the target, the event as JSON): delivers soon, and returns at once."""

_OURS = {"lambda", "sns", "sqs"}
_MOTOS = {"logs", "events"}

log = logging.getLogger(__name__)

_deliver: list[Deliver] = []


def attach(deliver: Deliver) -> None:
    """Have ``deliver`` reach the functions, queues and topics that rules name from now on."""
    _deliver[:] = [deliver]


@records()
def publish(
    region: str,
    source: str,
    detail_type: str,
    detail: Mapping[str, Any],
    resources: Sequence[str] = (),
) -> None:
    """Put an event of an AWS service on the default bus, as the service itself would."""
    event = {"Source": source, "DetailType": detail_type, "Detail": json.dumps(detail)}
    events_backends[ACCOUNT_ID][region].put_events([{**event, "Resources": list(resources)}])


@patch.replace(EventPattern, "_does_event_match")
def _matches(
    pattern: Any, event: Mapping[str, Any], node: Mapping[str, Any], prefix: str = ""
) -> bool:
    """Match a flattened event. Of a list of objects one and the same has to match all that is asked of it.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns-arrays.html
    """
    results = []
    for key, wanted in node.items():
        path = f"{prefix}.{key}" if prefix else key
        if key == "$or":
            results.append(any(_matches(pattern, event, one, prefix) for one in wanted))
        elif not isinstance(wanted, Mapping):
            item = event.get(path, UNDEFINED)
            results.append(pattern._does_item_match_filters(item, wanted))  # noqa: SLF001
        elif isinstance(objects := event.get(path), list):
            each = [
                pattern._flatten_dict(one, path)  # noqa: SLF001  as moto flattens the rest
                for one in objects
                if isinstance(one, Mapping)
            ]
            results.append(any(_matches(pattern, one, wanted, path) for one in each))
        else:
            results.append(_matches(pattern, event, wanted, path))
    return all(results)


@patch.wrap(Rule, "send_to_targets")
def _send(original: Callable[..., None], rule: Any, *arguments: Any, **named: Any) -> None:
    try:
        _send_ours_first(original, rule, *arguments, **named)
    except Exception:  # whoever put the event, and the rules after this one, must not suffer
        log.exception("rule %s did not reach its targets", rule.name)


def _send_ours_first(
    original: Callable[..., None],
    rule: Any,
    event: Mapping[str, Any],
    transform_input: bool = True,  # noqa: FBT001, FBT002  moto's signature
) -> None:
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


def _as_sent(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event as a target receives it: with its time in words, without moto's own notes."""
    from datetime import UTC, datetime

    sent = {key: value for key, value in event.items() if key != "ingestion-time"}
    if isinstance(sent.get("time"), int | float):
        sent["time"] = f"{datetime.fromtimestamp(sent['time'], UTC):%Y-%m-%dT%H:%M:%SZ}"
    return sent


@patch.wrap(EventsBackend, "put_rule")
def _put_rule(
    original: Callable[..., Any], backend: Any, name: str, *arguments: Any, **named: Any
) -> Any:
    expression = named.get("scheduled_expression")
    if expression:
        try:
            parse(expression)
        except ValueError as error:
            message = f"Parameter ScheduleExpression is not valid: {error}."
            raise ValidationException(message) from error
    try:
        patterns.check(named.get("event_pattern") or "{}")
    except ValueError as error:
        raise InvalidEventPatternException(reason=str(error)) from error
    return original(backend, name, *arguments, **named)


@patch.wrap(EventsBackend, "put_targets")
def _put_targets(
    original: Callable[..., Any], backend: Any, name: str, event_bus_arn: str | None, targets: Any
) -> Any:
    for target in targets:
        arn = target["Arn"]
        if arn.startswith("arn:") and (
            service(arn) not in _OURS | _MOTOS or ":api-destination/" in arn
        ):
            raise ValidationException(
                f"Target {arn} does not work on the twin: events reach functions, queues, topics, log "
                "groups and event buses there."
            )
        try:
            transform.check(target)
        except ValueError as error:
            raise ValidationException(f"Target {arn}: {error}.") from error
    return original(backend, name, event_bus_arn, targets)
