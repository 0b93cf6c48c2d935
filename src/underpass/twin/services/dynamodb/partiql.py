"""What a statement of PartiQL does to which table, read by the parser that moto answers it with.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_VERBS = ("Select", "Insert", "Update", "Delete")
_MEMBERS = {
    "BatchExecuteStatement": "Statements",
    "ExecuteStatement": "",
    "ExecuteTransaction": "TransactStatements",
}


def tables(name: str, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the action of each statement of an operation, and its table or ``TABLE/index/INDEX``.

    One that cannot be read is asked for by the operation's own name, which is no action of IAM's.
    """
    if name not in _MEMBERS:
        return
    member = _MEMBERS[name]
    for one in given.get(member) or () if member else (given,):
        statement = str(one.get("Statement") or "")
        found = _table(statement, list(one.get("Parameters") or ()))
        verb = next((one for one in _VERBS if statement.lower().startswith(one.lower())), "")
        yield (f"PartiQL{verb}", _index(statement, found)) if verb and found else (name, "")


def _table(statement: str, parameters: list[Any]) -> str:
    """Return the table, which the parser looks for in vain where there is none."""
    from py_partiql_parser import DynamoDBStatementParser
    from py_partiql_parser.exceptions import DocumentNotFoundException

    try:
        _, updates = DynamoDBStatementParser({}).parse(statement, parameters)
    except DocumentNotFoundException as missing:
        return str(missing.name)
    except KeyError as missing:
        return str(missing.args[0])
    except Exception:  # noqa: BLE001  it raises whatever comes of what is no PartiQL
        return ""
    return next(iter(updates), "")


def _index(statement: str, name: str) -> str:
    """Return an index, ``"TABLE"."INDEX"``, as ARNs have it; a table's name may have dots of its own."""
    if f'"{name}"' in statement and '"."' not in name:
        return name
    table, _, index = name.replace('"."', ".").partition(".")
    return f"{table}/index/{index}" if index else table
