"""The intrinsic functions: a value as a template writes it, to the value it stands for.

What is not known yet (an attribute of a resource still to be made) is an ``Unknown``, and whatever is made
from one is unknown too; so the same code plans a change set, runs it, and serves a proof.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from underpass.cloudformation.errors import TemplateError


class Scope(Protocol):
    """What names mean where a value is resolved. Each method raises TemplateError for a name it lacks."""

    def ref(self, name: str) -> Any:
        """Return what ``Ref`` answers: a pseudo parameter, a parameter, or a resource."""

    def attribute(self, logical_id: str, name: str) -> Any:
        """Return what ``Fn::GetAtt`` answers."""

    def imported(self, name: str) -> Any:
        """Return the value exported under ``name``."""

    def zones(self, region: str) -> Sequence[str]:
        """Return the region's Availability Zones."""

    def mapped(self, mapping: str, top: str, second: str) -> Any:
        """Return an entry of the template's mappings."""

    def condition(self, name: str) -> bool:
        """Tell whether one of the template's conditions holds."""


@dataclass(frozen=True)
class Unknown:
    """A value known only once the resources it comes from are there: "Vpc", or "Vpc.CidrBlock"."""

    sources: frozenset[str]

    def __str__(self) -> str:
        return "{{changeSet:KNOWN_AFTER_APPLY}}"


class _NoValue:
    def __repr__(self) -> str:
        return "AWS::NoValue"


NO_VALUE: Final = _NoValue()


def resolve(value: Any, scope: Scope) -> Any:
    """Return ``value`` with every intrinsic function carried out.

    Raises
    ------
    TemplateError
        For a function that is malformed, unknown, or names what does not exist.
    """
    if isinstance(value, Mapping):
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name in FUNCTIONS:
                return FUNCTIONS[name](argument, scope)
            if str(name).startswith("Fn::"):
                raise TemplateError(f"Template error: {name} is not supported")
        pairs = ((key, resolve(item, scope)) for key, item in value.items())
        return {key: item for key, item in pairs if item is not NO_VALUE}
    if isinstance(value, list | tuple):
        return [item for item in (resolve(item, scope) for item in value) if item is not NO_VALUE]
    return value


def unknowns(value: Any) -> frozenset[str]:
    """Return where the unknown parts of a resolved value come from; empty when all of it is known."""
    if isinstance(value, Unknown):
        return value.sources
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        return frozenset[str]().union(*map(unknowns, value))
    return frozenset()


def text(value: Any) -> str:
    """Return a scalar as CloudFormation writes it into text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


SUBSTITUTION = re.compile(r"\$\{(?P<literal>!)?(?P<name>[^}]*)\}")


def substitutions(argument: Any) -> tuple[str, Mapping[str, Any]]:
    """Return the text and the variables of an ``Fn::Sub``, whichever of its two forms it has."""
    if isinstance(argument, str):
        return argument, {}
    if (
        isinstance(argument, list)
        and len(argument) == 2
        and isinstance(argument[0], str)
        and isinstance(argument[1], Mapping)
    ):
        return argument[0], argument[1]
    raise TemplateError(
        "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. "
        "Specify a string as first argument, and an optional second argument to specify a mapping of "
        "values to replace in the string"
    )


def get_att(argument: Any) -> tuple[str, Any]:
    """Return the logical id and the attribute of an ``Fn::GetAtt``, whichever of its two forms it has."""
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    if not (isinstance(parts, list) and len(parts) == 2 and isinstance(parts[0], str) and parts[0]):
        raise TemplateError(
            "Template error: every Fn::GetAtt object requires two non-empty parameters, "
            "the resource name and the resource attribute"
        )
    return parts[0], parts[1]


def _ref(argument: Any, scope: Scope) -> Any:
    if not isinstance(argument, str):
        raise TemplateError("Template error: every Ref object must have a single String value.")
    return NO_VALUE if argument == "AWS::NoValue" else scope.ref(argument)


def _get_att(argument: Any, scope: Scope) -> Any:
    logical_id, attribute = get_att(argument)
    name = resolve(attribute, scope)
    return name if isinstance(name, Unknown) else scope.attribute(logical_id, str(name))


def _sub(argument: Any, scope: Scope) -> Any:
    template, variables = substitutions(argument)
    sources: set[str] = set()

    def replaced(match: re.Match[str]) -> str:
        name = match["name"].strip()
        if match["literal"]:
            return "${" + match["name"] + "}"
        if name in variables:
            value = resolve(variables[name], scope)
        elif "." in name:
            value = _get_att(name, scope)
        else:
            value = _ref(name, scope)
        sources.update(unknowns(value))
        if isinstance(value, Mapping | list) or value is NO_VALUE:
            raise TemplateError(
                f"Template error: ${{{name}}} in Fn::Sub does not resolve to a string"
            )
        return text(value)

    made = SUBSTITUTION.sub(replaced, template)
    return Unknown(frozenset(sources)) if sources else made


def _join(argument: Any, scope: Scope) -> Any:
    if not (isinstance(argument, list) and len(argument) == 2 and isinstance(argument[0], str)):
        raise TemplateError(
            "Template error: every Fn::Join object requires two parameters, "
            "(1) a string delimiter and (2) a list of strings to be joined"
        )
    items = resolve(argument[1], scope)
    sources = unknowns(items)
    if sources:
        return Unknown(sources)
    if not isinstance(items, list) or any(isinstance(item, Mapping | list) for item in items):
        raise TemplateError("Template error: Fn::Join takes a list of strings")
    return argument[0].join(map(text, items))


def _select(argument: Any, scope: Scope) -> Any:
    index, items = _pair("Fn::Select", argument, scope)
    if isinstance(items, Unknown) or isinstance(index, Unknown):
        return Unknown(unknowns([index, items]))
    try:
        place = int(index)
    except (TypeError, ValueError):
        raise TemplateError(
            f"Template error: Fn::Select requires an integer index, not {index!r}"
        ) from None
    if not isinstance(items, list):
        raise TemplateError("Template error: Fn::Select requires a list argument")
    if not 0 <= place < len(items):
        raise TemplateError(
            f"Template error: Fn::Select cannot select nonexistent value at index {place}"
        )
    return items[place]


def _split(argument: Any, scope: Scope) -> Any:
    delimiter, source = _pair("Fn::Split", argument, scope)
    if unknowns(source):
        return Unknown(unknowns(source))
    if not (isinstance(delimiter, str) and delimiter and isinstance(source, str)):
        raise TemplateError("Template error: Fn::Split takes a delimiter and a string")
    return source.split(delimiter)


def _get_azs(argument: Any, scope: Scope) -> Any:
    region = resolve(argument, scope) or scope.ref("AWS::Region")
    return list(scope.zones(str(region)))


def _cidr(argument: Any, scope: Scope) -> Any:
    parts = resolve(argument, scope)
    if not (isinstance(parts, list) and len(parts) == 3):
        raise TemplateError(
            "Template error: every Fn::Cidr object requires an ipBlock, a count and cidrBits"
        )
    if unknowns(parts):
        return Unknown(unknowns(parts))
    try:
        block = ipaddress.ip_network(str(parts[0]), strict=False)
        count, bits = int(parts[1]), int(parts[2])
    except (TypeError, ValueError) as error:
        raise TemplateError(f"Template error: Fn::Cidr: {error}") from None
    prefix = block.max_prefixlen - bits
    if not (1 <= count <= 256 and block.prefixlen <= prefix <= block.max_prefixlen) or (
        count > 1 << (prefix - block.prefixlen)
    ):
        raise TemplateError(
            f"Template error: Fn::Cidr: {block} does not hold {count} blocks of {bits} bits"
        )
    step = 1 << bits
    first = int(block.network_address)
    kind = type(block.network_address)
    return [f"{kind(first + place * step)}/{prefix}" for place in range(count)]


def _find_in_map(argument: Any, scope: Scope) -> Any:
    keys = resolve(argument, scope)
    if not (isinstance(keys, list) and len(keys) == 3) or unknowns(keys):
        raise TemplateError(
            "Template error: every Fn::FindInMap object requires three parameters, "
            "the map name, map key and the attribute for return value"
        )
    return scope.mapped(*map(text, keys))


def _import_value(argument: Any, scope: Scope) -> Any:
    name = resolve(argument, scope)
    if not isinstance(name, str):
        raise TemplateError(
            "Template error: the attribute in Fn::ImportValue must not depend on any resources"
        )
    return scope.imported(name)


def _base64(argument: Any, scope: Scope) -> Any:
    value = resolve(argument, scope)
    if unknowns(value):
        return Unknown(unknowns(value))
    if isinstance(value, Mapping | list):
        raise TemplateError(
            "Template error: every Fn::Base64 object must have a String-typed value."
        )
    return base64.b64encode(text(value).encode()).decode()


def _if(argument: Any, scope: Scope) -> Any:
    condition, then, otherwise = if_parts(argument)
    return resolve(then if scope.condition(condition) else otherwise, scope)


def if_parts(argument: Any) -> tuple[str, Any, Any]:
    """Return the condition's name and the two values of an ``Fn::If``."""
    if not (isinstance(argument, list) and len(argument) == 3 and isinstance(argument[0], str)):
        raise TemplateError("Template error: Fn::If requires a list argument with three elements")
    return argument[0], argument[1], argument[2]


def _pair(name: str, argument: Any, scope: Scope) -> tuple[Any, Any]:
    if not (isinstance(argument, list) and len(argument) == 2):
        raise TemplateError(f"Template error: every {name} object requires two parameters")
    return resolve(argument[0], scope), resolve(argument[1], scope)


FUNCTIONS: Mapping[str, Callable[[Any, Scope], Any]] = {
    "Ref": _ref,
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::GetAZs": _get_azs,
    "Fn::Cidr": _cidr,
    "Fn::FindInMap": _find_in_map,
    "Fn::ImportValue": _import_value,
    "Fn::Base64": _base64,
    "Fn::If": _if,
}
