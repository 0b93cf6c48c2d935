"""A function and how an invocation went, in values."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

FULL_RESPONSE_BYTES = (
    6_291_556  # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
)


@dataclass(frozen=True)
class VpcConfig:
    """The subnets and security groups of a function in a VPC, each in order."""

    subnet_ids: tuple[str, ...]
    group_ids: tuple[str, ...]


@dataclass(frozen=True)
class Function:
    """A version of a function: two that are equal run in the same environments.

    Attributes
    ----------
    code
        The deployment package, a zip file.
    retries
        How often an asynchronous invocation that failed is tried again.
    concurrency
        The most invocations at a time (reserved concurrency); None for the account's limit.
    vpc
        Where it runs in a VPC; None outside every one.
    """

    name: str
    arn: str
    role_arn: str
    version: str
    runtime: str
    handler: str
    timeout_s: int
    memory_mib: int
    environment: tuple[tuple[str, str], ...]
    log_group: str
    tmp_mib: int
    code_sha256: str
    code: bytes = field(default=b"", repr=False, compare=False)
    retries: int = field(default=2, compare=False)
    concurrency: int | None = field(default=None, compare=False)
    vpc: VpcConfig | None = None


@dataclass(frozen=True)
class Outcome:
    """What an invocation answered.

    Attributes
    ----------
    payload
        JSON: the handler's result, or the error.
    failed
        Whether the function failed (``FunctionError: Unhandled``).
    log_tail
        The last 4 KB of its log.
    """

    payload: bytes
    failed: bool
    log_tail: str = ""


class ThrottledError(Exception):
    """The function is at its limit of concurrent invocations."""


class PendingError(Exception):
    """The function's interfaces are not there yet."""


class InvocationError(Exception):
    """The function failed; the arguments are what Lambda's error payload says.

    ``fatal`` means that the environment is gone and the next invocation needs another.
    """

    def __init__(
        self, error: dict[str, Any], *, fatal: bool = False, status: str = "error"
    ) -> None:
        super().__init__(error.get("errorMessage"))
        self.error = error
        self.fatal = fatal
        self.status = status

    @property
    def payload(self) -> bytes:
        """The error as the invoker receives it."""
        return json.dumps(self.error).encode()


def timed_out(request_id: str, timeout_s: float) -> InvocationError:
    """Return the error of a function that ran longer than it may."""
    message = f"RequestId: {request_id} Error: Task timed out after {timeout_s:.2f} seconds"
    error = {"errorType": "Sandbox.Timedout", "errorMessage": message}
    return InvocationError(error, fatal=True, status="timeout")


def too_large() -> InvocationError:
    """Return the error of a function whose result is larger than an answer may be."""
    message = (
        "Response payload size exceeded maximum allowed payload size"
        f" ({FULL_RESPONSE_BYTES} bytes)."
    )
    error = {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message}
    return InvocationError(error)


def exited(request_id: str, exit_code: int) -> InvocationError:
    """Return the error of a function whose process ended."""
    how = f"signal: {exit_code - 128}" if exit_code > 128 else f"exit status {exit_code}"
    message = f"RequestId: {request_id} Error: Runtime exited with error: {how}"
    return InvocationError({"errorType": "Runtime.ExitError", "errorMessage": message}, fatal=True)
