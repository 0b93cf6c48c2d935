"""Every policy document of every template, with the values a deployment would give it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from tests.templates.sample import Account
from tests.unit.blueprint.configs import CURATED

Kind = Literal["identity", "trust", "resource"]


@dataclass(frozen=True)
class Document:
    """A policy document.

    Attributes
    ----------
    owner
        Logical id of the resource it is in.
    type
        That resource's type.
    kind
        Whether it says what a role may do, who may assume it, or who may use a resource.
    example
        A curated configuration that emits it.
    """

    owner: str
    type: str
    kind: Kind
    text: str
    example: str

    @property
    def statements(self) -> list[dict[str, Any]]:
        """Return the statements, with action and resource always lists."""
        found = json.loads(self.text)["Statement"]
        return [_listed(one) for one in (found if isinstance(found, list) else [found])]

    def __str__(self) -> str:
        return f"{self.owner} ({self.kind}, as in {self.example})"


@cache
def documents() -> tuple[Document, ...]:
    """Return every different document of the curated matrix."""
    found: dict[tuple[str, str], Document] = {}
    for name, config in CURATED.items():
        for stack in Account(config).stacks.values():
            for logical_id, resource in stack.resources.items():
                for kind, document in _within(stack.properties(logical_id)):
                    text = json.dumps(document)
                    found.setdefault(
                        (logical_id, text),
                        Document(logical_id, resource["Type"], kind, text, name),
                    )
    return tuple(found.values())


def _within(value: Any, key: str = "") -> Iterator[tuple[Kind, dict[str, Any]]]:
    """Yield whatever looks like a policy document, however deep, also when it is written as text."""
    if isinstance(value, str) and value.startswith("{") and '"Statement"' in value:
        value = json.loads(value)
    if isinstance(value, Mapping):
        if "Statement" in value:
            yield _kind(value, key), dict(value)
            return
        for name, item in value.items():
            yield from _within(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _within(item, key)


def _kind(document: Mapping[str, Any], key: str) -> Kind:
    if key == "AssumeRolePolicyDocument":
        return "trust"
    return "resource" if '"Principal":' in json.dumps(document["Statement"]) else "identity"


def _listed(statement: dict[str, Any]) -> dict[str, Any]:
    several = {
        key: statement[key] if isinstance(statement[key], list) else [statement[key]]
        for key in ("Action", "NotAction", "Resource", "NotResource")
        if key in statement
    }
    return statement | several
