"""A runner of functions that answers CloudFormation's requests itself."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from underpass.twin.services.lambda_ import Function, Outcome
from underpass.twin.services.lambda_.model import VpcConfig

Answer = Callable[[dict[str, Any]], dict[str, Any] | None]


class Answering:
    """A runner that answers requests as a function would, over HTTP, by a host that is not looked up."""

    def __init__(self, api: str) -> None:
        self.api = api
        self.requests: list[dict[str, Any]] = []
        self.answer: Answer = lambda request: {}

    def submit(self, function: Function, event: bytes) -> None:
        request = json.loads(event)
        self.requests.append(request)
        said = self.answer(request)
        if said is None:
            return
        body = {
            "Status": "SUCCESS",
            "PhysicalResourceId": request.get("PhysicalResourceId", "made"),
            **{key: request[key] for key in ("StackId", "RequestId", "LogicalResourceId")},
            **said,
        }
        threading.Thread(target=self.put, args=(request["ResponseURL"], body)).start()

    def put(self, url: str, body: dict[str, Any]) -> None:
        parts = urlsplit(url)
        asked = urllib.request.Request(
            f"{self.api}{parts.path}?{parts.query}",
            json.dumps(body).encode(),
            {"Host": parts.netloc, "Content-Type": ""},
            method="PUT",
        )
        with urllib.request.urlopen(asked, timeout=10) as found:
            assert found.status == 200

    def kinds(self) -> list[str]:
        return [request["RequestType"] for request in self.requests]

    def invoke(self, function: Function, event: bytes) -> Outcome:
        return Outcome(b"null", failed=False)

    def ready(self, vpc: VpcConfig) -> bool:
        return True

    def forbidden(self, role_arn: str, vpc: VpcConfig) -> str | None:
        return None
