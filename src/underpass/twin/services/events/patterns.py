"""Whether EventBridge would take an event pattern; what it refuses, moto could not match. Pure.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from typing import Any

_COMPARISONS = ("<", "<=", "=", ">=", ">")


def check(text: str) -> None:
    """Do nothing for a good pattern.

    Raises
    ------
    ValueError
        With the reason, in EventBridge's words, for any other.
    """
    try:
        pattern = json.loads(text)
    except ValueError:
        raise ValueError("Invalid JSON") from None
    _check_object(pattern, "Filter")


def _check_object(pattern: Any, name: str) -> None:
    if not isinstance(pattern, dict):
        raise ValueError(f"{name} is not an object")  # noqa: TRY004  as everything else here
    for key, value in pattern.items():
        if isinstance(value, dict) and value:
            _check_object(value, key)
        elif not isinstance(value, list):
            raise ValueError(f'"{key}" must be an object or an array')
        elif not value:
            raise ValueError("Empty arrays are not allowed")
        for one in value if isinstance(value, list) else ():
            (_check_object if key == "$or" else _check_match)(one, key)


def _check_match(match: Any, key: str) -> None:
    if not isinstance(match, dict | list):
        return
    if isinstance(match, list) or len(match) != 1:
        raise ValueError(f'Match value of "{key}" must be a value, or an object with one key')
    ((kind, wanted),) = match.items()
    test = _TESTS.get(kind)
    if test is None:
        raise ValueError(f"Unrecognized match type {kind}")
    if not test(wanted):
        raise ValueError(f'Value of {kind} in "{key}" is not valid')


def _is_text(wanted: Any) -> bool:
    return isinstance(wanted, str)


def _is_affix(wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        return wanted.keys() == {"equals-ignore-case"} and _is_text(wanted["equals-ignore-case"])
    return _is_text(wanted)


def _is_numeric(wanted: Any) -> bool:
    return (
        isinstance(wanted, list)
        and len(wanted) in {2, 4}
        and all(one in _COMPARISONS for one in wanted[::2])
        and all(_is_number(one) for one in wanted[1::2])
    )


def _is_number(wanted: Any) -> bool:
    return isinstance(wanted, int | float) and not isinstance(wanted, bool)


def _is_block(wanted: Any) -> bool:
    try:
        ip_network(wanted)
    except ValueError:
        return False
    return isinstance(wanted, str)


def _is_exception(wanted: Any) -> bool:
    """Tell whether ``anything-but`` takes it: values, or texts of one of the other kinds."""
    if isinstance(wanted, Mapping):
        kinds = ("prefix", "suffix", "equals-ignore-case", "wildcard")
        return len(wanted) == 1 and all(
            kind in kinds and all(map(_is_text, texts if isinstance(texts, list) else [texts]))
            for kind, texts in wanted.items()
        )
    values = wanted if isinstance(wanted, list) else [wanted]
    return bool(values) and all(isinstance(one, str) or _is_number(one) for one in values)


_TESTS: Mapping[str, Callable[[Any], bool]] = {
    "anything-but": _is_exception,
    "cidr": _is_block,
    "equals-ignore-case": _is_text,
    "exists": lambda wanted: isinstance(wanted, bool),
    "numeric": _is_numeric,
    "prefix": _is_affix,
    "suffix": _is_affix,
    "wildcard": _is_text,
}
