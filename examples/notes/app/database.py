"""The way to PostgreSQL: a few connections, given up as soon as one of them breaks.

When the database fails over, its name leads to another address. So a connection is never trusted beyond the
first error: all idle ones go with it, and new ones resolve the name again.
"""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
from psycopg.rows import dict_row

from .settings import Settings

_CONNECTIONS = 8

Row = dict[str, Any]


class Unavailable(Exception):  # noqa: N818  it is a state, and becomes a 503
    """The database cannot be used now."""


class Database:
    """A pool of connections."""

    def __init__(self, settings: Settings) -> None:
        self._connect_with: dict[str, Any] = {
            "host": settings.database_host,
            "port": settings.database_port,
            "dbname": settings.database_name,
            "user": settings.database_username,
            "password": settings.database_password,
            "application_name": "notes",
            "connect_timeout": 3,
            "tcp_user_timeout": 4000,  # ms without an answer from a host that is gone
            "target_session_attrs": "read-write",  # never a standby
            "options": "-c statement_timeout=5000",
        }
        self._idle: list[psycopg.AsyncConnection[Row]] = []
        self._places = asyncio.Semaphore(_CONNECTIONS)

    async def read(self, sql: str, *parameters: Any) -> list[Row]:
        """Return what a query finds; it is asked once more if an old connection turns out to be broken."""
        return await self._run(sql, parameters, again=True)

    async def write(self, sql: str, *parameters: Any) -> list[Row]:
        """Return what a change answers. It is never repeated: nobody knows whether it happened."""
        return await self._run(sql, parameters, again=False)

    async def close(self) -> None:
        """Close every idle connection."""
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.close()

    async def _run(self, sql: str, parameters: tuple[Any, ...], *, again: bool) -> list[Row]:
        async with self._places:
            old = bool(self._idle)
            connection = self._idle.pop() if old else await self._connect()
            try:
                cursor = await connection.execute(sql.encode(), parameters)
                rows = await cursor.fetchall() if cursor.description else []
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                await connection.close()
                await self.close()
                if not (old and again):
                    raise Unavailable(str(error).strip()) from error
            except BaseException:
                await connection.close()
                raise
            else:
                self._idle.append(connection)
                return rows
        return await self._run(sql, parameters, again=False)

    async def _connect(self) -> psycopg.AsyncConnection[Row]:
        try:
            return await psycopg.AsyncConnection.connect(
                autocommit=True, row_factory=dict_row, **self._connect_with
            )
        except psycopg.Error as error:
            raise Unavailable(str(error).strip()) from error
