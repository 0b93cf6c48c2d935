"""What a server leaves, and says, when it does not start."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from underpass.errors import UnderpassError
from underpass.twin.region.certificates import Authority
from underpass.twin.services.rds import server as module
from underpass.twin.services.rds.data_folder import DataFolder
from underpass.twin.services.rds.server import Server, Spec
from underpass.twin.services.rds.versions import find


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    """One on an address of this host's own loopback, in a network that is nobody else's business."""
    binaries = find("16")
    assert binaries is not None
    with socket.create_server(("127.9.1.2", 0)) as free:
        port = free.getsockname()[1]
    return Spec(
        name="db",
        binaries=binaries,
        data=tmp_path / "none",
        sockets=tmp_path / "sockets",
        address="127.9.1.2",
        port=port,
        certificate=Authority(tmp_path / "tls").issue(["db.example"]),
    )


class Silent(Spec):
    """One whose TLS neither listens nor ends."""

    def front(self) -> list[str]:
        return ["sleep", "600"]


def start(spec: Spec, tmp_path: Path) -> str:
    server = Server(spec, tmp_path / "log", lambda: None)
    with pytest.raises(UnderpassError, match="PostgreSQL did not start") as caught:
        server.start()
    assert not server.running
    return caught.value.why


def test_without_its_data_it_says_so_and_nothing_listens(spec: Spec, tmp_path: Path) -> None:
    why = start(spec, tmp_path)
    assert why.startswith("it ended")
    assert "could not access" in why
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((spec.address, spec.port), timeout=5)


def test_where_its_tls_cannot_listen_it_says_so(spec: Spec, tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "db")
    folder.ensure(spec.binaries)
    # Its TLS has an address that this host has not; the server itself has one that it has.
    elsewhere = replace(spec, data=folder.data, address="192.0.2.1")
    why = start(elsewhere, tmp_path)
    folder.release()
    assert why.startswith("its TLS does not listen")
    assert "192.0.2.1" in why


def test_where_its_tls_says_nothing_it_is_not_waited_for_without_end(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_START_TIMEOUT_S", 1)
    folder = DataFolder(tmp_path / "db")
    folder.ensure(spec.binaries)
    silent = Silent(**{**vars(spec), "data": folder.data})
    why = start(silent, tmp_path)
    folder.release()
    assert "said nothing for 1 s" in why or why.startswith("it was not ready")
