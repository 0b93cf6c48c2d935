"""The release: brings the tables to what this version needs, before it serves."""

from __future__ import annotations

from typing import Any

import psycopg

from . import database

STEPS = (
    "CREATE TABLE orders (id serial PRIMARY KEY, item text NOT NULL, euros numeric NOT NULL)",
    "ALTER TABLE orders ADD COLUMN handled integer NOT NULL DEFAULT 0",
    "CREATE TABLE days (day date PRIMARY KEY, orders integer NOT NULL, fulfilled integer NOT NULL)",
)


def main() -> None:
    """Take the steps that were not taken yet, all of them or none."""
    print(f"{database.run(_steps)} of {len(STEPS)} steps taken", flush=True)


def _steps(connection: psycopg.Connection[Any]) -> int:
    connection.execute("CREATE TABLE IF NOT EXISTS steps (number integer PRIMARY KEY)")
    connection.execute("LOCK TABLE steps")
    done = {row[0] for row in connection.execute("SELECT number FROM steps")}
    for number, step in enumerate(STEPS):
        if number not in done:
            connection.execute(step)
            connection.execute("INSERT INTO steps VALUES (%s)", (number,))
    return len(STEPS) - len(done)


if __name__ == "__main__":
    main()
