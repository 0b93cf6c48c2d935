"""Which IAM actions on which resources an operation asks for, by the table in its service's room.

A table is a module ``asked`` whose function of the same name returns ``None`` for what it does not know.
Actions are called as operations are, but for those of the tables.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable

from underpass.config.facts import actions
from underpass.twin.api.asked import Asked
from underpass.twin.api.operation import Operation

Table = Callable[[Operation, str], tuple[Asked, ...] | None]

_TABLES = frozenset({"dynamodb", "s3", "secretsmanager", "sns", "sqs", "ssm"})
_PREFIXES = {"monitoring": "cloudwatch"}  # signing names that actions do not start with
_NAMES = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "lambda:InvokeWithResponseStream": "lambda:InvokeFunction",
}


def asked(operation: Operation, account: str) -> tuple[Asked, ...]:
    """Return what ``operation`` has to be allowed in ``account``: all of it."""
    found = _table(operation.service)(operation, account)
    return _by_name(operation) if found is None else found


@functools.cache
def _table(service: str) -> Table:
    if service not in _TABLES:
        return lambda *_: None
    # By name: no room stands on its neighbour's.
    module = importlib.import_module(f"underpass.twin.services.{service}.asked")
    table: Table = module.asked
    return table


def _by_name(operation: Operation) -> tuple[Asked, ...]:
    action = f"{_PREFIXES.get(operation.service, operation.service)}:{operation.name}"
    action = _NAMES.get(action, action)
    return (Asked(action, None if actions.knows_resources(action) else "*"),)
