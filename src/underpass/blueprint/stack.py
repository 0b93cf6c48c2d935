"""A stack as blueprint emits it: a name, a template, and the parameters it is deployed with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Stack:
    """One CloudFormation stack of the pattern.

    Attributes
    ----------
    name
        The stack's name: ``NAME-foundation``, ``NAME-service``, ``NAME-monitoring`` or
        ``NAME-consumer-CONSUMER``.
    template
        The template, JSON-serialisable.
    parameters
        Values known from the configuration alone; the pipeline adds what only a deployment knows.
    account
        The AWS account it belongs to; empty for the provider's own.
    """

    name: str
    template: Mapping[str, Any]
    parameters: Mapping[str, str] = field(default_factory=dict)
    account: str = ""

    def text(self) -> str:
        """Return the template as people read it, the same bytes every time."""
        return self._dumped(indent=1)

    def body(self) -> str:
        """Return the template as it is deployed, without a blank: a request takes 51,200 bytes of it.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
        """
        return self._dumped(separators=(",", ":"))

    def _dumped(self, **how: Any) -> str:
        import json
        import re

        text = json.dumps(self.template, ensure_ascii=False, **how)
        # ASCII, save for what JSON escapes in two halves: readers that take JSON for YAML (cfn-lint
        # and CloudFormation's own) refuse a half, and control characters as they are.
        return re.sub("[\x7f-\uffff]", lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"
