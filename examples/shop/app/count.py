"""The job: writes down once a day how many orders there are."""

from __future__ import annotations

from . import database


def main() -> None:
    """Count, and keep the day's numbers."""
    now = database.counts()
    sql = (
        "INSERT INTO days VALUES (current_date, %s, %s) ON CONFLICT (day) "
        "DO UPDATE SET orders = excluded.orders, fulfilled = excluded.fulfilled"
    )
    values = (now["orders"], now["fulfilled"])
    database.run(lambda connection: connection.execute(sql, values))
    print(f"{now['orders']} orders, {now['fulfilled']} fulfilled", flush=True)


if __name__ == "__main__":
    main()
