"""What DynamoDB's operations ask for: an action of each table, or of the index that is read.

Whose items they are (``dynamodb:LeadingKeys``) a request does not say without its table's key.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from underpass.twin.api.asked import Asked, partition
from underpass.twin.api.operation import Operation
from underpass.twin.services.dynamodb import partiql

_TRANSACTED = {
    "ConditionCheck": "ConditionCheckItem",
    "Delete": "DeleteItem",
    "Get": "GetItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
}


def asked(operation: Operation, account: str) -> tuple[Asked, ...] | None:
    """Return what an operation asks for; ``None`` where no table is named."""
    if operation.service != "dynamodb":
        return None
    start = f"arn:{partition(operation.region)}:dynamodb:{operation.region}:{account}:table/"
    found = tuple(
        Asked(f"dynamodb:{action}", _resource(start, table))
        for action, table in dict.fromkeys(_tables(operation.name, operation.parameters))
    )
    return found or None


def _resource(start: str, table: str) -> str | None:
    if not table:
        return None
    return table if table.startswith("arn:") else start + table


def _tables(name: str, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each action with its table's name or ARN."""
    yield from partiql.tables(name, given)
    if name in {"BatchGetItem", "BatchWriteItem"}:
        yield from ((name, str(table)) for table in given.get("RequestItems") or ())
    elif name in {"TransactGetItems", "TransactWriteItems"}:
        for item in given.get("TransactItems") or ():
            for kind, one in item.items():
                yield _TRANSACTED[kind], str(one.get("TableName") or "")
    elif name not in {"ListBackups", "ListContributorInsights"} and given.get("TableName"):
        index = f"/index/{given['IndexName']}" if given.get("IndexName") else ""
        yield name, f"{given['TableName']}{index}"
