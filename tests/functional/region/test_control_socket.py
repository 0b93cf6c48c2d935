"""The private line: answers, errors in the region's own words, and sockets handed over."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from underpass.errors import UnderpassError
from underpass.twin.region.control_socket import ControlSocket, call


def _refuse(request: Mapping[str, Any], fds: Sequence[int]) -> Any:
    raise UnderpassError("no", "because", "do this")


def _port(request: Mapping[str, Any], fds: Sequence[int]) -> Any:
    with socket.socket(fileno=fds[0]) as handed:
        return {"port": handed.getsockname()[1], "name": request["name"]}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    deep = tmp_path.joinpath(
        *["a-rather-long-folder-name"] * 6
    )  # beyond the 108 bytes of an address
    deep.mkdir(parents=True)
    ControlSocket(deep, {"refuse": _refuse, "port": _port, "bug": lambda *_: 1 / 0}).start()
    return deep


def test_a_handed_over_socket_arrives(state: Path) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        answer = call(state, "port", fds=[bound.fileno()], name="x" * 200_000)
        assert answer == {"port": bound.getsockname()[1], "name": "x" * 200_000}


def test_a_refusal_keeps_its_words(state: Path) -> None:
    with pytest.raises(UnderpassError) as caught:
        call(state, "refuse")
    assert (caught.value.what, caught.value.why, caught.value.try_next) == (
        "no",
        "because",
        "do this",
    )


def test_a_bug_in_the_region_is_an_error_here(state: Path) -> None:
    with pytest.raises(UnderpassError, match="ZeroDivisionError"):
        call(state, "bug")


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(UnderpassError, match="does not answer"):
        call(tmp_path, "port")


def test_only_its_owner_may_speak(state: Path) -> None:
    assert os.stat(state / "region.sock").st_mode & 0o777 == 0o600  # noqa: PTH116
