"""A stack as blueprint emits it: a name, a template, and the parameters it is deployed with."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_readable = json.JSONEncoder(ensure_ascii=False, indent=1).encode
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True)
class Stack:
    """One CloudFormation stack of the pattern.

    Attributes
    ----------
    name
        The stack's name: ``NAME-foundation``, ``NAME-path``, ``NAME-capacity``, ``NAME-database``,
        ``NAME-addon-ADDON``, ``NAME-release``, ``NAME-service``, ``NAME-rotation``, ``NAME-monitoring`` or
        ``NAME-consumer-CONSUMER``.
    template
        The template, JSON-serialisable.
    parameters
        Values known from the configuration alone; the pipeline adds what only a deployment knows.
    account
        The AWS account it belongs to; empty for the provider's own.
    used
        Whether tasks use what is in it, so that nothing of it goes before they have moved on.
    region
        The region it belongs to; empty for the provider's own.
    tags
        What AWS puts on the stack, and on its resources.
    """

    name: str
    template: Mapping[str, Any]
    parameters: Mapping[str, str] = field(default_factory=dict)
    account: str = ""
    used: bool = False
    region: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """Return the template as people read it, the same bytes every time."""
        return _escaped(_readable(self.template)) + "\n"

    def body(self) -> str:
        """Return the template as it is deployed: a line for each resource, so that two can be compared.

        There is no other blank in it, for a request takes 51,200 bytes.
        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
        """
        sections = {name: _section(value) for name, value in self.template.items()}
        return _escaped(_lines(sections)) + "\n"


def _section(value: Any) -> str:
    """Return a section with a line for each parameter, resource or output; a text as it is."""
    if not value or not isinstance(value, Mapping):
        return _compact(value)
    return _lines({name: _compact(entry) for name, entry in value.items()})


def _lines(entries: Mapping[str, str]) -> str:
    lines = ",\n".join(f"{_compact(name)}:{entry}" for name, entry in entries.items())
    return f"{{\n{lines}\n}}"


def _escaped(text: str) -> str:
    """Return JSON in ASCII, save for what JSON escapes in two halves.

    Readers that take JSON for YAML (cfn-lint and CloudFormation's own) refuse a half, and control characters
    as they are.
    """
    # The class says what is left alone: one with 65,000 characters in it takes 9 ms to compile.
    return re.sub(
        "[^\0-~]", lambda one: one[0] if one[0] > "\uffff" else f"\\u{ord(one[0]):04x}", text
    )
