"""Databases of the engines themselves, on this host's loopback; a secret's value is the way to each."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from underpass.twin.region.certificates import Authority
from underpass.twin.services.rds import psql
from underpass.twin.services.rds.data_folder import DataFolder
from underpass.twin.services.rds.server import Server, Spec
from underpass.twin.services.rds.versions import installed

HOST, INNER = "127.9.1.3", "127.9.1.4"
MASTER = {"username": "underpass", "password": "the master's", "dbname": "app"}


class OnLoopback(Spec):
    """One whose TLS has another address of the same device than the server behind it."""

    def front(self) -> list[str]:
        *command, asked = super().front()
        return [*command, json.dumps({**json.loads(asked), "address": HOST})]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server((HOST, 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture(scope="session", params=[one.version for one in installed()])
def postgres(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., dict[str, Any]]]:
    """Return a maker of values, for users of a server with the master user that RDS would make."""
    folder = tmp_path_factory.mktemp("postgres")
    binaries = next(one for one in installed() if one.version == request.param)
    data = DataFolder(folder / "db")
    data.ensure(binaries)
    spec = OnLoopback(
        name="db",
        binaries=binaries,
        data=data.data,
        sockets=folder / "sockets",
        address=INNER,
        port=free_port(),
        certificate=Authority(folder / "tls").issue(["db.example"]),
        parameters=(("rds.force_ssl", "1"), ("log_statement", "all")),
    )
    server = Server(spec, folder / "log", lambda: None)
    server.start()
    psql.prepare(spec, MASTER["username"], MASTER["password"], MASTER["dbname"])

    def value(**more: Any) -> dict[str, Any]:
        return {**MASTER, "host": HOST, "port": spec.port, "log": Path(folder / "log"), **more}

    yield value
    server.stop()
    data.release()
