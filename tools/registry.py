"""The schemas of CloudFormation's registry, as cfn-lint ships them: what a change of a property does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import cfnlint

_SCHEMAS = Path(cfnlint.__file__).parent / "data" / "schemas"
_ABSENT = object()


def replaces(type_: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Return whether CloudFormation makes a new resource to get from ``before`` to ``after``."""
    return _differs(type_, "createOnlyProperties", before, after)


def may_replace(type_: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Return whether it does so for some values only: which ones, the service decides."""
    return _differs(type_, "conditionalCreateOnlyProperties", before, after)


def _differs(type_: str, key: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return any(
        _at(before, path) != _at(after, path)
        for path in (path.split("/")[2:] for path in _schema(type_).get(key, []))
    )


def _at(value: Any, path: list[str]) -> Any:
    """Return what stands at a path; of a list (``*``), what stands there in each of its items."""
    for number, name in enumerate(path):
        if name == "*" and isinstance(value, list):
            return [_at(item, path[number + 1 :]) for item in value]
        if not isinstance(value, Mapping) or name not in value:
            return _ABSENT
        value = value[name]
    return value


@cache
def _schema(type_: str) -> dict[str, Any]:
    index = json.loads((_SCHEMAS / "providers" / "us-east-1.json").read_text(encoding="utf-8"))
    known = "AWS::CloudFormation::CustomResource" if type_.startswith("Custom::") else type_
    path = _SCHEMAS / "resources" / f"{index[known]}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
