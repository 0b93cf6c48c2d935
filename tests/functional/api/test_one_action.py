"""What is answered is what was asked, wherever else a request names an action."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moto.core.responses import BaseResponse

from underpass.twin.api import dispatch, patch
from underpass.twin.api.dispatch import Dispatcher

HIDDEN = b'{"StackName": "&Action=DeleteParameter&", "Name": "a"}'
Ask = Callable[..., str]


@pytest.fixture
def acted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ask]:
    """Return a function that makes a request, and returns which action moto would run."""
    patch.apply(dispatch)
    application, actions = Dispatcher(), []

    def call(response: Any) -> tuple[int, dict[str, str], str]:
        actions.append(response._get_action())
        return 200, {}, ""

    monkeypatch.setattr(BaseResponse, "call_action", call)

    def ask(service: str, body: bytes, **more: str) -> str:
        scope = f"Credential=k/20260101/us-east-1/{service}/aws4_request"
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/",
            "QUERY_STRING": "",
            "HTTP_HOST": "127.0.0.1:4566",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "4566",
            "wsgi.url_scheme": "http",
            "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0",
            "CONTENT_TYPE": "application/x-amz-json-1.1",
        }
        environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body)), **more}
        list(application(environ, lambda *_: None))
        return str(actions.pop())

    yield ask
    patch.undo(dispatch)


def test_a_body_of_json_names_no_action(acted: Ask) -> None:
    target = "AmazonSSM.GetParameter"
    assert acted("ssm", HIDDEN, HTTP_X_AMZ_TARGET=target) == "GetParameter"
    assert acted("ssm", b"", HTTP_X_AMZ_TARGET=target, HTTP_ACTION="DeleteParameter") == (
        "GetParameter"
    )


def test_a_path_is_the_action_whatever_body_and_headers_say(acted: Ask) -> None:
    path = "/schedule-groups"
    rest = {"PATH_INFO": path, "REQUEST_METHOD": "GET", "CONTENT_TYPE": "application/json"}
    assert acted("scheduler", HIDDEN, **rest) == "ListScheduleGroups"
    target = "x.DeleteSchedule"
    assert acted("scheduler", b"", **rest, HTTP_X_AMZ_TARGET=target) == "ListScheduleGroups"


def test_a_form_is_the_action_whatever_the_target(acted: Ask) -> None:
    form = {"CONTENT_TYPE": "application/x-www-form-urlencoded"}
    target = "x.DeleteRole"
    assert acted("iam", b"Action=GetRole", **form, HTTP_X_AMZ_TARGET=target) == "GetRole"
