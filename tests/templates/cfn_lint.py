"""cfn-lint in this process: its rules take a second to load, and are then used for every template."""

from __future__ import annotations

from functools import cache
from typing import Any

from cfnlint.config import ConfigMixIn, ManualArgs
from cfnlint.decode.decode import decode_str
from cfnlint.runner import Runner
from tests.templates.emitted import Emitted


def findings(one: Emitted) -> list[str]:
    """Return everything cfn-lint has to say: errors, warnings and informational notes."""
    template, unreadable = decode_str(one.body)
    matches = unreadable or _runner(one.config.region).validate_template(template)
    return [
        f"{match.rule.id} {'/'.join(map(str, match.path or []))}: {match.message}"
        for match in matches
    ]


@cache
def _runner(region: str) -> Any:
    return Runner(ConfigMixIn(**ManualArgs(include_checks=["I"], regions=[region])))
