"""A template: its sections as frozen values, checked for shape but not yet for sense."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from underpass.cloudformation import documents
from underpass.cloudformation.errors import TemplateError
from underpass.cloudformation.intrinsics import text
from underpass.cloudformation.parameters import CONSTRAINTS, Parameter, check_type

SECTIONS = frozenset(
    {"AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Mappings", "Conditions"}
    | {"Resources", "Outputs", "Rules"}
)
RESOURCE_KEYS = frozenset(
    {
        "Type",
        "Properties",
        "DependsOn",
        "Condition",
        "Metadata",
        "DeletionPolicy",
        "UpdateReplacePolicy",
    }
    | {"CreationPolicy", "UpdatePolicy"}
)
DELETION_POLICIES = ("Delete", "Retain", "RetainExceptOnCreate", "Snapshot")
REPLACE_POLICIES = ("Delete", "Retain", "Snapshot")


@dataclass(frozen=True)
class Resource:
    """One entry of ``Resources``, its properties as written."""

    logical_id: str
    type: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    condition: str | None = None
    deletion_policy: str = "Delete"
    update_replace_policy: str = "Delete"
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Output:
    """One entry of ``Outputs``; ``export`` is its ``Export.Name`` as written."""

    name: str
    value: Any
    description: str = ""
    export: Any = None
    condition: str | None = None


@dataclass(frozen=True)
class Template:
    """A whole template; ``body`` is the text it came from."""

    resources: Mapping[str, Resource]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    mappings: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Output] = field(default_factory=dict)
    description: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    version: str = "2010-09-09"
    body: str = ""


def parse(body: str) -> Template:
    """Read a template from JSON or YAML text.

    Raises
    ------
    TemplateError
        With CloudFormation's wording where it has one.
    """
    return from_document(documents.read(body), body)


def from_document(document: Any, body: str = "") -> Template:
    """Read a template from plain dictionaries; see ``parse``."""
    if not isinstance(document, Mapping):
        raise TemplateError("Template format error: unsupported structure.")
    unknown = sorted(set(map(str, document)) - SECTIONS)
    if unknown:
        # Transform and Hooks change what a template means: nothing here may pass them over.
        raise TemplateError(f"Invalid template property or properties [{', '.join(unknown)}]")
    version = str(document.get("AWSTemplateFormatVersion", "2010-09-09"))
    if version != "2010-09-09":
        raise TemplateError(
            f"Template format error: {version} is not a supported value for AWSTemplateFormatVersion."
        )
    resources = _section(document, "Resources")
    if not resources:
        raise TemplateError("Template format error: At least one Resources member must be defined.")
    return Template(
        resources={key: _resource(key, value) for key, value in resources.items()},
        parameters={
            key: _parameter(key, value) for key, value in _section(document, "Parameters").items()
        },
        mappings=_section(document, "Mappings"),
        conditions=_section(document, "Conditions"),
        rules=_section(document, "Rules"),
        outputs={key: _output(key, value) for key, value in _section(document, "Outputs").items()},
        description=str(document.get("Description", "")),
        metadata=_section(document, "Metadata"),
        version=version,
        body=body,
    )


def _section(holder: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = holder.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TemplateError(f"Template format error: {key} must be an object.")
    return value


def _resource(key: Any, value: Any) -> Resource:
    path = f"[/Resources/{key}]"
    if not (isinstance(key, str) and key.isalnum() and key.isascii()):
        raise TemplateError(f"Template format error: Resource name {key} is non alphanumeric.")
    if not isinstance(value, Mapping):
        raise TemplateError(f"Template format error: {path} resource definition is malformed")
    if not isinstance(value.get("Type"), str):
        raise TemplateError(
            f"Template format error: {path} Every Resources object must contain a Type member."
        )
    _no_others(value, RESOURCE_KEYS, path)
    depends_on = value.get("DependsOn", ())
    if isinstance(depends_on, str):
        depends_on = (depends_on,)
    if not _is_list_of_text(depends_on):
        raise TemplateError(
            f"Template format error: {path} DependsOn must be a name or a list of names."
        )
    return Resource(
        logical_id=key,
        type=value["Type"],
        properties=_section(value, "Properties"),
        depends_on=tuple(depends_on),
        condition=_condition(value, path),
        deletion_policy=_policy(value, "DeletionPolicy", DELETION_POLICIES, path),
        update_replace_policy=_policy(value, "UpdateReplacePolicy", REPLACE_POLICIES, path),
        metadata=_section(value, "Metadata"),
    )


def _policy(value: Mapping[str, Any], key: str, allowed: tuple[str, ...], path: str) -> str:
    policy = value.get(key, "Delete")
    if policy not in allowed:
        raise TemplateError(
            f"Template format error: {path} Unrecognized {key} {policy}; it is one of {', '.join(allowed)}."
        )
    return str(policy)


def _output(key: str, value: Any) -> Output:
    path = f"[/Outputs/{key}]"
    if not isinstance(value, Mapping) or "Value" not in value:
        raise TemplateError(
            f"Template format error: {path} Every Outputs member must contain a Value object"
        )
    _no_others(value, {"Value", "Description", "Export", "Condition"}, path)
    export = _section(value, "Export").get("Name")
    if "Export" in value and export is None:
        raise TemplateError(f"Template format error: {path} Export must contain a Name.")
    return Output(
        key, value["Value"], str(value.get("Description", "")), export, _condition(value, path)
    )


def _parameter(key: str, value: Any) -> Parameter:
    path = f"[/Parameters/{key}]"
    if not isinstance(value, Mapping) or not isinstance(value.get("Type"), str):
        raise TemplateError(
            f"Template format error: {path} Every Parameters object must contain a Type member."
        )
    _no_others(value, {"Type", "Default", "Description", "NoEcho", *CONSTRAINTS}, path)
    check_type(key, value["Type"])
    allowed = value.get("AllowedValues", ())
    if not isinstance(allowed, list | tuple):
        raise TemplateError(f"Template format error: {path} AllowedValues must be a list.")
    return Parameter(
        name=key,
        type=value["Type"],
        default=text(value["Default"]) if "Default" in value else None,
        description=str(value.get("Description", "")),
        no_echo=str(value.get("NoEcho", False)).lower() == "true",
        allowed_values=tuple(map(text, allowed)),
        allowed_pattern=_pattern(value.get("AllowedPattern"), path),
        min_length=_number(value, "MinLength", path, int),
        max_length=_number(value, "MaxLength", path, int),
        min_value=_number(value, "MinValue", path, float),
        max_value=_number(value, "MaxValue", path, float),
        constraint_description=str(value.get("ConstraintDescription", "")),
    )


def _condition(value: Mapping[str, Any], path: str) -> str | None:
    name = value.get("Condition")
    if not isinstance(name, str | None):
        raise TemplateError(
            f"Template format error: {path} Condition must be the name of a condition."
        )
    return name


def _is_list_of_text(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)


def _pattern(pattern: Any, path: str) -> str | None:
    if pattern is None:
        return None
    try:
        return re.compile(str(pattern)).pattern
    except re.error as error:
        raise TemplateError(
            f"Template format error: {path} AllowedPattern must be a regular expression: {error}"
        ) from None


def _number(value: Mapping[str, Any], key: str, path: str, kind: Any) -> Any:
    if key not in value:
        return None
    try:
        return kind(value[key])
    except (TypeError, ValueError) as error:
        raise TemplateError(f"Template format error: {path} {key} must be a number.") from error


def _no_others(value: Mapping[str, Any], known: Iterable[str], path: str) -> None:
    unknown = sorted(set(map(str, value)) - set(known))
    if unknown:
        raise TemplateError(
            f"Template format error: {path} Encountered unsupported property {unknown[0]}"
        )
