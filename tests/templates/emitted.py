"""Every template of the curated matrix, once: many configurations share a stack, byte for byte."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.unit.blueprint.configs import CURATED

from underpass.blueprint import Stack, stacks
from underpass.config.model import Config


@dataclass(frozen=True)
class Emitted:
    """One template, and where it came from.

    Attributes
    ----------
    part
        "foundation", "service", "monitoring" or "consumer".
    configs
        The curated configurations that emit it.
    config
        The first of them.
    """

    part: str
    stack: Stack
    body: str
    config: Config
    configs: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Return a name for tests and files: the part, the first configuration, and a digest."""
        digest = hashlib.sha256(self.body.encode()).hexdigest()[:6]
        return f"{self.part}-{self.configs[0]}-{digest}" if self.configs else digest

    @property
    def template(self) -> Mapping[str, Any]:
        """Return the template as data."""
        return self.stack.template

    @property
    def resources(self) -> Mapping[str, dict[str, Any]]:
        """Return its resources by logical id."""
        found: Mapping[str, dict[str, Any]] = self.template["Resources"]
        return found


def part(config: Config, stack: Stack) -> str:
    """Return which part of the pattern a stack is."""
    return stack.name.removeprefix(f"{config.name}-").split("-", 1)[0]


def emitted(configs: Mapping[str, Config]) -> tuple[Emitted, ...]:
    """Return the different templates of ``configs``, in the order they first appear."""
    first: dict[str, Emitted] = {}
    names: dict[str, list[str]] = {}
    for name, config in configs.items():
        for stack in stacks(config):
            body = stack.body()
            first.setdefault(body, Emitted(part(config, stack), stack, body, config))
            names.setdefault(body, []).append(name)
    return tuple(
        Emitted(one.part, one.stack, body, one.config, tuple(names[body]))
        for body, one in first.items()
    )


@cache
def curated() -> tuple[Emitted, ...]:
    """Return the different templates of the curated matrix."""
    return emitted(CURATED)


def with_properties(
    templates: Iterable[Emitted], type_: str = ""
) -> Iterator[tuple[Emitted, str, dict[str, Any]]]:
    """Yield (template, logical id, resource) for every resource, or every one of ``type_``."""
    for one in templates:
        for logical_id, resource in one.resources.items():
            if resource["Type"].startswith(type_):
                yield one, logical_id, resource
