"""A template as a test asks it: what it refers to, and what it says of itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from underpass.blueprint import Stack, stacks
from underpass.config import Config

PSEUDO = frozenset(
    f"AWS::{name}" for name in ("AccountId", "Partition", "Region", "StackName", "URLSuffix")
)

_last: list[Any] = []


class Parts(NamedTuple):
    """The stacks of a configuration, each by what it is."""

    foundation: Stack
    path: Stack
    capacity: Stack
    service: Stack
    monitoring: Stack
    consumers: tuple[Stack, ...]
    database: Stack | None = None
    release: Stack | None = None
    rotation: Stack | None = None
    addons: tuple[Stack, ...] = ()


def parts(config: Config) -> Parts:
    """Return the stacks of a configuration."""
    emitted = _emitted(config)
    own = emitted[: len(emitted) - len(config.consumers)]
    by_part = {one.name.removeprefix(f"{config.name}-"): one for one in own}
    added = [name for name in by_part if name.startswith("addon-")]
    of_users = tuple(by_part.pop(name) for name in added)
    return Parts(**by_part, consumers=emitted[len(own) :], addons=of_users)


def by_part(config: Config) -> tuple[Stack, Stack, tuple[Stack, ...]]:
    """Return the foundation, what serves (all up to the service's as one) and the consumers' stacks."""
    each = parts(config)
    serving = [each.path, each.capacity, each.database, each.service, each.rotation]
    return each.foundation, _joined(config, *filter(None, serving)), each.consumers


def monitoring(config: Config) -> Stack:
    """Return the stack of dashboard and alarms."""
    return parts(config).monitoring


def _joined(config: Config, *stacks: Stack) -> Stack:
    """Return stacks as one, which is given what none of them has."""
    sections = ("Parameters", "Resources", "Outputs")
    joined: dict[str, dict[str, Any]] = {
        section: {
            name: value for one in stacks for name, value in one.template.get(section, {}).items()
        }
        for section in sections
    }
    for name in joined["Outputs"]:
        joined["Parameters"].pop(name, None)
    return Stack(f"{config.name}-service", joined)


def _emitted(config: Config) -> tuple[Stack, ...]:
    """Return the stacks of a configuration; a test asks for several parts of one, one after the other."""
    if _last[:1] != [config]:
        _last[:] = [config, tuple(stacks(config))]
    emitted: tuple[Stack, ...] = _last[1]
    return emitted


def resources(stack: Stack, kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of every resource of type ``AWS::<kind>``."""
    return {
        name: resource.get("Properties", {})
        for name, resource in stack.template["Resources"].items()
        if resource["Type"] == f"AWS::{kind}"
    }


def resource(stack: Stack, name: str) -> dict[str, Any]:
    """Return the properties of one resource."""
    properties: dict[str, Any] = stack.template["Resources"][name].get("Properties", {})
    return properties


def intrinsics(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every intrinsic function used anywhere in ``value``, with its argument."""
    if isinstance(value, Mapping):
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if name == "Ref" or name.startswith("Fn::"):
                yield name, argument
        for item in value.values():
            yield from intrinsics(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from intrinsics(item)


def references(stack: Stack) -> set[str]:
    """Return every logical id and parameter the template refers to, by Ref, GetAtt, Sub or DependsOn."""
    found: set[str] = set()
    for name, argument in intrinsics(stack.template):
        if name == "Ref":
            found.add(argument)
        elif name == "Fn::GetAtt":
            found.add(argument[0])
        elif name == "Fn::Sub":
            text, given = argument if isinstance(argument, list) else (argument, {})
            found |= {
                variable.split(".")[0]
                for variable in re.findall(r"\$\{([^!}]+)\}", text)
                if variable not in given
            }
    for item in stack.template["Resources"].values():
        depends = item.get("DependsOn", [])
        found |= set([depends] if isinstance(depends, str) else depends)
    return found - PSEUDO


def asked(stack: Stack) -> set[str]:
    """Return the names of the parameters a deployment has to give a value."""
    parameters = stack.template.get("Parameters", {})
    return {name for name in parameters if "Default" not in parameters[name]} - {*stack.parameters}


def outputs(stack: Stack) -> dict[str, Any]:
    """Return what the template hands to later stacks, by name."""
    return {name: output["Value"] for name, output in stack.template.get("Outputs", {}).items()}
