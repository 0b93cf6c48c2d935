"""Resolving a template's properties and outputs against what runs, or against what is planned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from underpass.cloudformation import dynamic
from underpass.cloudformation.errors import TemplateError
from underpass.cloudformation.intrinsics import NO_VALUE, Scope, resolve, text, unknowns
from underpass.cloudformation.parameters import HIDDEN
from underpass.cloudformation.scope import TemplateScope
from underpass.cloudformation.template import Output as WrittenOutput
from underpass.cloudformation.template import Resource, Template
from underpass.twin.services.cloudformation.model import Output, Record
from underpass.twin.services.cloudformation.resource_type import Physical


def ref(records: Mapping[str, Record], logical_id: str) -> str:
    """Return what ``Ref`` answers for a resource that runs."""
    return _physical(records, logical_id).id


def attribute(records: Mapping[str, Record], logical_id: str, name: str) -> Any:
    """Return what ``Fn::GetAtt`` answers for a resource that runs."""
    found = _physical(records, logical_id).attributes
    if name in found:
        return found[name]
    raise TemplateError(
        f"Template error: resource {logical_id} does not support attribute type {name} in Fn::GetAtt "
        f"({records[logical_id].type} on the twin has {', '.join(sorted(found)) or 'none'})"
    )


def _physical(records: Mapping[str, Record], logical_id: str) -> Physical:
    record = records.get(logical_id)
    if record is None or record.physical is None:
        raise TemplateError(
            f"Template format error: Unresolved resource dependencies [{logical_id}]"
        )
    return record.physical


def masked(scope: TemplateScope, records: Mapping[str, Record]) -> TemplateScope:
    """Return a scope for what is shown: ``NoEcho`` parameters and hidden attributes are unreadable."""

    def attribute_of(logical_id: str, name: str) -> Any:
        value, record = scope.attribute_of(logical_id, name), records.get(logical_id)
        hidden = record and record.physical and record.physical.hidden
        return HIDDEN if hidden and not unknowns(value) else value

    return replace(scope.masked(), attribute_of=attribute_of)


def resolve_properties(
    resource: Resource, scope: Scope, problem: Callable[[str], None]
) -> dict[str, Any]:
    """Return a resource's properties with functions carried out; tell ``problem`` about each that fails."""
    found: dict[str, Any] = {}
    for name, written in resource.properties.items():
        try:
            value = resolve(written, scope)
            dynamic.check(value)
        except TemplateError as error:
            problem(f"{resource.logical_id} ({resource.type}), property {name}: {error}")
            continue
        if value is not NO_VALUE:
            found[name] = value
    return found


def outputs(
    template: Template, scope: TemplateScope, problem: Callable[[str], None]
) -> Iterator[Output]:
    """Yield the outputs whose condition holds; tell ``problem`` about each that fails."""
    for written in template.outputs.values():
        try:
            output = _output(written, scope)
        except TemplateError as error:
            problem(f"output {written.name}: {error}")
            continue
        if output is not None:
            yield output


def _output(written: WrittenOutput, scope: TemplateScope) -> Output | None:
    if written.condition is not None and not scope.condition(written.condition):
        return None
    value = resolve(written.value, scope)
    export = resolve(written.export, scope)
    if value is NO_VALUE:
        return None
    if not isinstance(export, str | None):
        raise TemplateError(
            "Template error: Output export name must be a string known from the start"
        )
    if isinstance(value, dict | list) and not unknowns(value):
        raise TemplateError(
            "Template format error: The Value field of every Outputs member must evaluate to a String."
        )
    return Output(
        written.name, value if unknowns(value) else text(value), written.description, export
    )
