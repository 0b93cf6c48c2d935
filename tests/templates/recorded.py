"""The calls the registrar makes: its own code, run in a few worlds, with what each call is about."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from typing import Any

from tests.templates import reference
from tests.templates.evaluator import Call
from tests.templates.sample import Account
from tests.unit.registrar.fakes import GROUP, Aws, looked_before, once

from underpass.registrar.index import Target

_SERVICES = {"describe_network_interfaces": "ec2"}  # all others are ELB's


def registrar_calls(account: Account) -> list[Call]:
    """Return every API call of runs that register, remove, and doubt a port."""
    found: dict[tuple[str, str], None] = {}
    group = account.named("NlbTargetGroup")

    def record(operation: str, arguments: Mapping[str, Any]) -> None:
        name = "".join(word.capitalize() for word in operation.split("_"))
        action = f"{_SERVICES.get(operation, 'elasticloadbalancing')}:{name}"
        asked = str(arguments.get("TargetGroupArn", "*")).replace(GROUP, group)
        found[action, asked if reference.resources(action) else "*"] = None

    for held, listeners in (
        ({Target("10.0.0.250", 80): "healthy"}, (80,)),
        ({}, (80,)),
        ({Target("10.0.0.250", 80): "unhealthy"}, (8080,)),
    ):
        aws = Aws(["10.0.0.1"], {GROUP: held}, listeners)
        aws.before = record
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(Exception):
            once(aws, memory=looked_before(250))
    return [Call(action, resource) for action, resource in found]
