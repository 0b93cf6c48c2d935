"""The orders in PostgreSQL."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg

T = TypeVar("T")
_own = threading.local()  # a connection for each thread: none is used by two at once


def run(work: Callable[[psycopg.Connection[Any]], T]) -> T:
    """Return what ``work`` does in a transaction; a connection that fails is used no more."""
    connection = getattr(_own, "connection", None)
    if connection is None or connection.closed:
        connection = _own.connection = _connect()
    try:
        with connection.transaction():
            return work(connection)
    except psycopg.OperationalError:
        connection.close()
        raise


def _connect() -> psycopg.Connection[Any]:
    return psycopg.connect(
        host=os.environ["DATABASE_HOST"],
        port=os.environ["DATABASE_PORT"],
        dbname=os.environ["DATABASE_NAME"],
        user=os.environ["DATABASE_USERNAME"],
        password=os.environ["DATABASE_PASSWORD"],
        connect_timeout=5,
        autocommit=True,
    )


def add(item: str, euros: float) -> int:
    """Return the number of a new order."""
    sql = "INSERT INTO orders (item, euros) VALUES (%s, %s) RETURNING id"
    return run(lambda connection: int(connection.execute(sql, (item, euros)).fetchone()[0]))  # type: ignore[index]


def find(order: int) -> dict[str, Any] | None:
    """Return an order; ``handled`` says how many times a worker has fulfilled it."""
    sql = "SELECT id, item, euros::float, handled FROM orders WHERE id = %s"
    row = run(lambda connection: connection.execute(sql, (order,)).fetchone())
    return dict(zip(("id", "item", "euros", "handled"), row, strict=True)) if row else None


def fulfil(order: int) -> None:
    """Count that an order was fulfilled once more."""
    sql = "UPDATE orders SET handled = handled + 1 WHERE id = %s"
    run(lambda connection: connection.execute(sql, (order,)))


def counts() -> dict[str, int]:
    """Return how many orders there are, are fulfilled, and are fulfilled more than once."""
    sql = (
        "SELECT count(*), count(*) FILTER (WHERE handled > 0), "
        "count(*) FILTER (WHERE handled > 1) FROM orders"
    )
    row = run(lambda connection: connection.execute(sql).fetchone())
    return dict(zip(("orders", "fulfilled", "twice"), row, strict=True)) if row else {}
