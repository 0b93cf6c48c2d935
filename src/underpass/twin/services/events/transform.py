"""What a rule makes of an event for its target: a part of it, or a text with parts of it put in. Pure.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_PATH = re.compile(r"\$((\.[A-Za-z0-9_-]+)|(\[[0-9]+\]))*")
_STEP = re.compile(r"\.([A-Za-z0-9_-]+)|\[([0-9]+)\]")
_PLACE = re.compile(r"<([A-Za-z0-9_.-]+)>")
_MISSING = object()


def check(target: Mapping[str, Any]) -> None:
    """Do nothing where the twin can make what a target asks for.

    Raises
    ------
    ValueError
        With what it cannot, or EventBridge would refuse.
    """
    transformer = target.get("InputTransformer") or {}
    paths = transformer.get("InputPathsMap") or {}
    for path in (target.get("InputPath"), *paths.values()):
        if path is not None and not _PATH.fullmatch(path):
            raise ValueError(f"{path} is not a path such as $.detail.state or $.resources[0]")
    for name in _PLACE.findall(transformer.get("InputTemplate") or ""):
        if name not in paths:
            raise ValueError(f"InputTemplate names <{name}>, and InputPathsMap has no such key")


def transformed(target: Mapping[str, Any], event: str) -> str:
    """Return what a target is sent of an event, given as JSON."""
    if "Input" in target:
        return str(target["Input"])
    if path := target.get("InputPath"):
        found = _find(path, json.loads(event))
        return "{}" if found is _MISSING else json.dumps(found)
    if transformer := target.get("InputTransformer"):
        whole = json.loads(event)
        paths = transformer.get("InputPathsMap") or {}
        found = {name: _find(path, whole) for name, path in paths.items()}
        return _filled(transformer["InputTemplate"], found)
    return event


def _filled(template: str, found: Mapping[str, Any]) -> str:
    """Return the template with each value in its place: within quotes as text, elsewhere as JSON."""
    parts, at = [], 0
    for place in _PLACE.finditer(template):
        parts.append(template[at : place.start()])
        at = place.end()
        value = found[place[1]]
        if value is _MISSING:  # it leaves nothing where it would have stood
            continue
        quoted = len(re.findall(r'(?<!\\)"', template[: place.start()])) % 2 == 1
        text = json.dumps(value, ensure_ascii=False)
        parts.append(text[1:-1] if quoted and isinstance(value, str) else text)
    return "".join([*parts, template[at:]])


def _find(path: str, event: Any) -> Any:
    for name, position in _STEP.findall(path):
        if position:
            there = isinstance(event, list) and int(position) < len(event)
            event = event[int(position)] if there else _MISSING
        else:
            event = event.get(name, _MISSING) if isinstance(event, Mapping) else _MISSING
    return event
