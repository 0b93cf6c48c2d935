"""Runs a function's handler inside its sandbox; run by path, imports only the standard library.

``python bootstrap.py SOCKET`` connects to SOCKET, imports the handler named by ``_HANDLER``, says how that
went, and then answers each request (a line of JSON) with a line of JSON. What the function prints goes to
standard output; a line with ``MARK`` and the request's id follows it, so that the reader knows where it ends.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import socket
import sys
import time
import traceback
from pathlib import Path
from typing import Any

MARK = "\x1eunderpass-end "
_FORMAT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(request)s\t%(message)s"
_current: dict[str, str] = {"request": ""}


class Context:
    """What a handler is given beside its event.

    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """

    identity = None
    client_context = None

    def __init__(self, request: dict[str, Any]) -> None:
        self.aws_request_id = request["id"]
        self.invoked_function_arn = request["arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self._ends = time.monotonic() + request["timeout_s"]

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the invocation may still take."""
        return max(0, int((self._ends - time.monotonic()) * 1000))


def load(handler: str) -> Any:
    """Import and return the handler; raises ``Refusal`` in Lambda's words."""
    module_name, _, name = handler.rpartition(".")
    if not module_name:
        raise Refusal(
            "Runtime.MalformedHandlerName", f"Bad handler '{handler}': not enough values to unpack"
        )
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        message = f"Unable to import module '{module_name}': {error}"
        raise Refusal("Runtime.ImportModuleError", message) from error
    except SyntaxError as error:
        message = f"Syntax error in module '{module_name}': {error}"
        raise Refusal("Runtime.UserCodeSyntaxError", message) from error
    if not hasattr(module, name):
        message = f"Handler '{name}' missing on module '{module_name}'"
        raise Refusal("Runtime.HandlerNotFound", message)
    return getattr(module, name)


class Refusal(Exception):  # noqa: N818  it is Lambda's runtime that refuses, in its own words
    """The runtime cannot run the function."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def describe(error: BaseException, request_id: str) -> dict[str, Any]:
    """Return an exception as Lambda's error payload, and write it to the log as Lambda does."""
    kind = error.kind if isinstance(error, Refusal) else type(error).__name__
    own = [] if isinstance(error, Refusal) else traceback.extract_tb(error.__traceback__)
    frames = traceback.format_list([frame for frame in own if frame.filename != __file__])
    head = [f"[ERROR] {kind}: {error}\n"]
    head += ["Traceback (most recent call last):\n"] if frames else []
    sys.stdout.write("".join([*head, *frames]))
    return {
        "errorMessage": str(error),
        "errorType": kind,
        "requestId": request_id,
        "stackTrace": frames,
    }


def answer(handler: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Invoke the handler and return what to say."""
    _current["request"] = request["id"]
    try:
        result = handler(json.loads(request["event"]), Context(request))
        try:
            said: dict[str, Any] = {"result": json.dumps(result)}
        except (TypeError, ValueError) as error:
            raise Refusal("Runtime.MarshalError", f"Unable to marshal response: {error}") from error
    except Exception as error:  # noqa: BLE001  whatever the function raises is its answer
        said = {"error": describe(error, request["id"])}
    return {**said, "memory_mib": most_memory_mib()}


def most_memory_mib() -> int:
    """Return the most memory this program has used. (``getrusage`` would count its ancestors'.)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) // 1024
    return 0


def set_up_logging() -> None:
    """Give the root logger Lambda's handler and format."""

    class WithRequest(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            record.request = _current["request"]
            return super().format(record)

    handler = logging.StreamHandler(sys.stdout)
    formatter = WithRequest(_FORMAT, "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.getLogger().addHandler(handler)


def main(path: str) -> None:
    """Serve requests until the other end closes."""
    line = socket.socket(socket.AF_UNIX)
    line.connect(path)
    requests = line.makefile("rb")
    set_up_logging()
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]
    try:
        handler = load(os.environ["_HANDLER"])
    except Exception as error:  # noqa: BLE001  an error while importing is the function's too
        said: dict[str, Any] = {"error": describe(error, "")}
    else:
        said = {"ready": True}
    finish(line, said, "init")
    if "error" in said:
        sys.exit(1)
    for request in map(json.loads, requests):
        finish(line, answer(handler, request), request["id"])


def finish(line: socket.socket, said: dict[str, Any], request_id: str) -> None:
    """End the request's log, then answer."""
    sys.stderr.flush()
    sys.stdout.write(f"{MARK}{request_id}\n")
    sys.stdout.flush()
    line.sendall(json.dumps(said).encode() + b"\n")


if __name__ == "__main__":
    main(sys.argv[1])
