"""A region that is not what it was any more is told in words, with what to run next."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from underpass.errors import UnderpassError
from underpass.twin.host import answering
from underpass.twin.host.running_twins import Running
from underpass.twin.region.control_socket import SOCKET_NAME, ControlSocket


@pytest.fixture
def running(tmp_path: Path) -> Running:
    state = tmp_path / ".underpass"
    state.mkdir()
    return Running(state, "notes", 1, 1, "us-east-1", 4566)


def region(running: Running, *, records: bool) -> None:
    status: dict[str, Any] = {"failures": [], "records": records}
    ControlSocket(running.state, {"status": lambda *_: status}).start()


def said(running: Running) -> UnderpassError:
    with pytest.raises(UnderpassError) as caught:
        answering.check(running)
    folder = running.state.parent
    assert f"run `underpass down {folder}`, then `underpass up {folder}`" in caught.value.try_next
    assert "databases and files are kept" in caught.value.try_next
    return caught.value


def test_one_that_is_well(running: Running) -> None:
    region(running, records=True)
    answering.check(running)


def test_one_without_its_socket(running: Running) -> None:
    error = said(running)
    assert error.what == "the twin does not answer"
    assert str(running.state / "region.log") in error.why


def test_one_that_says_nothing(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "ANSWER_TIMEOUT_S", 0.2)
    with socket.socket(socket.AF_UNIX) as silent:
        monkeypatch.chdir(running.state)
        silent.bind(SOCKET_NAME)
        silent.listen()
        assert said(running).what == "the twin does not answer"


def test_one_whose_records_were_reset(running: Running) -> None:
    region(running, records=False)
    assert said(running).what == "the twin has lost its records"


LOST = ClientError({"Error": {"Code": "InvalidSubnetID.NotFound", "Message": "gone"}}, "Describe")
SILENT = EndpointConnectionError(endpoint_url="http://127.0.0.1:4566")


@pytest.mark.parametrize("error", [LOST, SILENT])
@pytest.mark.parametrize("records", [True, False])
def test_what_awss_client_raises_is_told_as_the_twins(
    running: Running, error: Exception, records: bool
) -> None:
    region(running, records=records)
    with pytest.raises(UnderpassError) as caught, answering.explained(running):
        raise error
    assert "credentials" not in caught.value.try_next
    assert "underpass down" in caught.value.try_next
    if records:
        assert str(error) in caught.value.why
    else:
        assert caught.value.what == "the twin has lost its records"


def test_any_other_error_stays_what_it_is(running: Running) -> None:
    with pytest.raises(ZeroDivisionError), answering.explained(running):
        raise ZeroDivisionError
