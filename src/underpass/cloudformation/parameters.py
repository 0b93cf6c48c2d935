"""Parameters: their types, defaults and constraints, and the value each ends up with."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from underpass.cloudformation.errors import TemplateError

CONSTRAINTS = frozenset(
    {"AllowedValues", "AllowedPattern", "MinLength", "MaxLength", "MinValue", "MaxValue"}
    | {"ConstraintDescription"}
)
_SCALARS = re.compile(
    r"String|Number|CommaDelimitedList|AWS::SSM::Parameter::Name|AWS::[A-Za-z0-9]+::[A-Za-z0-9:]+"
)
_LIST = re.compile(r"List<(?P<item>[^<>]+)>")
_STORED = re.compile(r"AWS::SSM::Parameter::Value<(?P<type>.+)>")
HIDDEN = "****"


@dataclass(frozen=True)
class Parameter:
    """One entry of ``Parameters``."""

    name: str
    type: str = "String"
    default: str | None = None
    description: str = ""
    no_echo: bool = False
    allowed_values: tuple[str, ...] = ()
    allowed_pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    min_value: float | None = None
    max_value: float | None = None
    constraint_description: str = ""


@dataclass(frozen=True)
class Value:
    """What a parameter holds: as given, and as ``Ref`` answers it (differs for lists and SSM types)."""

    given: str
    resolved: Any
    stored: bool = False  # read from the SSM parameter store
    hidden: bool = False

    def shown(self) -> str:
        """Return the given value, masked for ``NoEcho``."""
        return HIDDEN if self.hidden else self.given


def check_type(name: str, type_: str) -> None:
    """Refuse a parameter type CloudFormation does not know.

    Raises
    ------
    TemplateError
        Naming the parameter and the type.
    """
    stored = _STORED.fullmatch(type_)
    inner = stored["type"] if stored else type_
    listed = _LIST.fullmatch(inner)
    if not _SCALARS.fullmatch(listed["item"] if listed else inner):
        raise TemplateError(f"Template format error: Unrecognized parameter type: {type_} ({name})")


def values(
    declared: Mapping[str, Parameter],
    given: Mapping[str, str],
    lookup: Callable[[str], str],
) -> dict[str, Value]:
    """Return every declared parameter's value.

    Parameters
    ----------
    declared
        The template's parameters.
    given
        What the caller passed.
    lookup
        Reads an SSM parameter by name, for ``AWS::SSM::Parameter::Value<...>``.

    Raises
    ------
    TemplateError
        Naming every parameter that is unknown or missing, or the first that breaks a constraint.
    """
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise TemplateError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    missing = sorted(
        name
        for name, parameter in declared.items()
        if name not in given and parameter.default is None
    )
    if missing:
        raise TemplateError(f"Parameters: [{', '.join(missing)}] must have values")
    return {
        name: _value(parameter, given.get(name, parameter.default or ""), lookup)
        for name, parameter in declared.items()
    }


def _value(parameter: Parameter, given: str, lookup: Callable[[str], str]) -> Value:
    stored = _STORED.fullmatch(parameter.type)
    listed = is_list(stored["type"] if stored else parameter.type)
    # The constraints of a stored parameter are on its name, not on what it holds.
    items = split(given) if listed and not stored else [given]
    for item in items:
        _check(parameter, item)
    text = lookup(given) if stored else given
    return Value(given, split(text) if listed else text, bool(stored), parameter.no_echo)


def is_list(type_: str) -> bool:
    """Tell whether ``Ref`` answers a list for a parameter of this type."""
    return type_ == "CommaDelimitedList" or _LIST.fullmatch(type_) is not None


def split(text: str) -> list[str]:
    """Return the items of a comma-delimited list."""
    return [item.strip() for item in text.split(",")] if text else []


def _check(parameter: Parameter, item: str) -> None:
    problem = _problem(parameter, item)
    if problem and parameter.constraint_description:
        problem = f"failed to satisfy constraint: {parameter.constraint_description}"
    if problem:
        raise TemplateError(f"Parameter '{parameter.name}' {problem}")


def _problem(parameter: Parameter, item: str) -> str:
    if parameter.type in {"Number", "List<Number>"}:
        try:
            number = float(item)
        except ValueError:
            return "must be a number"
        if parameter.min_value is not None and number < parameter.min_value:
            return f"must be a number not less than {parameter.min_value:g}"
        if parameter.max_value is not None and number > parameter.max_value:
            return f"must be a number not greater than {parameter.max_value:g}"
    if parameter.allowed_values and item not in parameter.allowed_values:
        return f"must be one of AllowedValues: [{', '.join(parameter.allowed_values)}]"
    return _text_problem(parameter, item)


def _text_problem(parameter: Parameter, item: str) -> str:
    if parameter.min_length is not None and len(item) < parameter.min_length:
        return f"must contain at least {parameter.min_length} characters"
    if parameter.max_length is not None and len(item) > parameter.max_length:
        return f"must contain at most {parameter.max_length} characters"
    if parameter.allowed_pattern and not re.fullmatch(parameter.allowed_pattern, item):
        return f"must match pattern {parameter.allowed_pattern}"
    return ""
