"""The application's user of the database, which CloudFormation has made as a resource of its own."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.request import Request, urlopen

from underpass.rotation.access import CURRENT, PAUSE_S, Session, Value, access


def answered(event: Mapping[str, Any], log: str, work: Callable[[], None]) -> dict[str, Any]:
    """Do what CloudFormation asks for and return the answer, whatever happens.

    A user that is no longer wanted stays, as what it made does.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
    """
    status, reason = "SUCCESS", f"see {log}"
    try:
        if event["RequestType"] != "Delete":
            work()
    except Exception as error:  # noqa: BLE001  CloudFormation would wait for an hour
        status, reason = "FAILED", f"{type(error).__name__}: {error}"[:1000] + f" ({log})"
    same = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    who = event.get("PhysicalResourceId") or event["LogicalResourceId"]
    return {**same, "Status": status, "Reason": reason, "PhysicalResourceId": who}


def put(url: str, answer: Mapping[str, Any]) -> None:
    """Hand an answer to CloudFormation; its URL is signed for no content type."""
    data = json.dumps(answer).encode()
    request = Request(url, data, {"Content-Type": ""}, method="PUT")  # noqa: S310  CloudFormation's
    for left in (2, 1, 0):
        try:
            urlopen(request, timeout=10).close()  # noqa: S310
        except OSError:
            if not left:
                raise
            time.sleep(PAUSE_S)
        else:
            return


def function(log_in: Callable[[Value], Session]) -> Callable[[Mapping[str, Any], Any], None]:
    """Return the handler, for the databases that ``log_in`` knows."""

    def handler(event: Mapping[str, Any], context: Any) -> None:
        def work() -> None:
            way = access(log_in, context)
            way.make_user(way.value(os.environ["APPLICATION"], VersionStage=CURRENT))

        answer = answered(event, f"log stream {context.log_stream_name}", work)
        print(json.dumps(answer))  # noqa: T201  the log
        put(event["ResponseURL"], answer)

    return handler
