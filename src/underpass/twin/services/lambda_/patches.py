"""Lambda in moto, with ``runner`` to run what it holds; moto itself would need Docker.

The API server calls ``invoke`` outside its lock, because a function calls the API back. Functions the twin
would run otherwise than AWS does are refused when they are made, by the name of what it lacks.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import unquote

from moto.awslambda.exceptions import InvalidParameterValueException, LambdaClientError
from moto.awslambda.models import LambdaBackend, LambdaFunction, lambda_backends
from moto.awslambda.responses import LambdaResponse

from underpass.twin.api import patch
from underpass.twin.region.aws import ACCOUNT_ID
from underpass.twin.region.records import records
from underpass.twin.services.iam import trust
from underpass.twin.services.lambda_ import vpc_config
from underpass.twin.services.lambda_.model import (
    Function,
    Outcome,
    PendingError,
    ThrottledError,
    VpcConfig,
)

_OLDEST_S = 21_600  # how long Lambda keeps an event where nobody says otherwise
_PYTHON = re.compile(r"python3\.\d+")
_ROLE = re.compile(r"arn:aws[\w-]*:iam::\d{12}:role/.+")
_SERVICE = "lambda.amazonaws.com"


class Runner(Protocol):
    """What runs functions."""

    def invoke(self, function: Function, event: bytes) -> Outcome:
        """Run a function and return its answer."""

    def submit(self, function: Function, event: bytes) -> None:
        """Run a function some time soon."""

    def ready(self, vpc: VpcConfig) -> bool:
        """Tell whether a function in a VPC has all its interfaces."""

    def forbidden(self, role_arn: str, vpc: VpcConfig) -> str | None:
        """Return why a function with this role cannot be in a VPC; None when it can."""


_runner: list[Runner] = []


def attach(runner: Runner) -> None:
    """Have ``runner`` run what is invoked from now on."""
    _runner[:] = [runner]


@records()
def functions(region: str) -> list[Function]:
    """Return the newest version of every function."""
    return [_function(one) for one in lambda_backends[ACCOUNT_ID][region].list_functions(None)]


def call(region: str, arn: str, event: bytes) -> Outcome:
    """Run a function for a service of AWS's, and return its answer.

    Raises
    ------
    LookupError
        When there is no such function.
    """
    found = [function for function in functions(region) if function.arn == arn]
    if not found:
        raise LookupError(f"there is no function {arn}")
    outcome: Outcome = _run(lambda runner: runner.invoke(found[0], event))
    return outcome


@records()
def policy(region: str, arn: str) -> list[dict[str, Any]] | None:
    """Return the statements of a function's own policy; None when there is no such function."""
    held = lambda_backends[ACCOUNT_ID][region].list_functions(None)
    found = [function for function in held if function.function_arn == arn]
    if not found:
        return None
    return [dict(statement) for statement in found[0].policy.statements] if found[0].policy else []


@patch.wrap(LambdaBackend, "create_function")
def _create(original: Callable[..., Any], backend: Any, spec: dict[str, Any]) -> Any:
    _check(spec)
    _check_role(backend, spec["Role"], spec["FunctionName"])
    _check_vpc(backend, spec, spec["Role"])
    made = original(backend, spec)
    _keep_logging(backend, spec["FunctionName"], spec)
    return made


@patch.wrap(LambdaBackend, "update_function_configuration")
def _update(
    original: Callable[..., Any], backend: Any, name: str, qualifier: str, body: dict[str, Any]
) -> Any:
    _check(body)
    function = backend.get_function(name, qualifier)
    if body.get("Role"):
        _check_role(backend, body["Role"], function.function_name)
    was = {"VpcConfig": function._vpc_config}  # noqa: SLF001
    _check_vpc(backend, {**was, **body}, body.get("Role", function.role))
    original(backend, name, qualifier, body)
    function.twin_updated = True
    _keep_logging(backend, name, body)
    made: dict[str, Any] = function.get_configuration()
    return made


def _check(spec: Mapping[str, Any]) -> None:
    why = refusal(spec)
    if why:
        raise InvalidParameterValueException(why)


def _check_role(backend: Any, role_arn: str, name: str) -> None:
    """Refuse a role that does not let Lambda assume it; what is no role's ARN moto refuses."""
    name = name.rpartition(":")[2]
    arn = f"arn:aws:lambda:{backend.region_name}:{backend.account_id}:function:{name}"
    if _ROLE.fullmatch(role_arn) and not trust.admits(role_arn, _SERVICE, arn):
        raise InvalidParameterValueException(
            "The role defined for the function cannot be assumed by Lambda."
        )


def _check_vpc(backend: Any, spec: Mapping[str, Any], role_arn: str) -> None:
    wanted = vpc_config.wanted(spec.get("VpcConfig"))
    if not wanted:
        return
    why = vpc_config.refusal(backend.region_name, wanted)
    if not why and _runner:
        why = _runner[0].forbidden(role_arn, wanted)
    if why:
        raise InvalidParameterValueException(why)


def _keep_logging(backend: Any, name: str, spec: Mapping[str, Any]) -> None:
    if spec.get("LoggingConfig"):
        backend.get_function(name).twin_logging = spec["LoggingConfig"]


@patch.wrap(LambdaBackend, "create_event_source_mapping")
def _map_queue(original: Callable[..., Any], backend: Any, spec: dict[str, Any]) -> Any:
    """Map queues only: nothing else is read for a function."""
    source = str(spec.get("EventSourceArn") or "")
    if not source.startswith("arn:aws:sqs:"):
        raise InvalidParameterValueException(
            f"EventSourceArn {source or '(none)'} does not work on the twin: it reads SQS queues."
        )
    _check_asked(spec)
    return original(backend, spec)


@patch.wrap(LambdaBackend, "update_event_source_mapping")
def _map_otherwise(
    original: Callable[..., Any], backend: Any, uuid: str, spec: dict[str, Any]
) -> Any:
    _check_asked(spec)
    return original(backend, uuid, spec)


@patch.wrap(LambdaBackend, "put_function_event_invoke_config")  # the update does the same
def _configure(
    original: Callable[..., Any], backend: Any, name: str, config: dict[str, Any]
) -> Any:
    _check_asked(config)
    return original(backend, name, config)


def _check_asked(asked: Mapping[str, Any]) -> None:
    """Refuse what pollers and retries of the twin's would not heed."""
    for name in ("FilterCriteria", "FunctionResponseTypes", "ScalingConfig"):
        if asked.get(name):
            raise InvalidParameterValueException(f"{name} does not work on the twin.")
    if asked.get("MaximumBatchingWindowInSeconds"):
        raise InvalidParameterValueException(
            "MaximumBatchingWindowInSeconds does not work on the twin: a batch is what is there."
        )
    if asked.get("MaximumEventAgeInSeconds", _OLDEST_S) != _OLDEST_S:
        raise InvalidParameterValueException(
            "MaximumEventAgeInSeconds does not work on the twin: an event is tried as often as "
            "MaximumRetryAttempts says."
        )


def refusal(spec: Mapping[str, Any]) -> str | None:
    """Return why the twin would not run a function as AWS does; None when it would."""
    if spec.get("PackageType", "Zip") != "Zip":
        return "The twin runs functions from zip packages, not from images."
    runtime = spec.get("Runtime")
    if runtime and not _PYTHON.fullmatch(runtime):
        return f"Runtime {runtime} does not run on the twin: it runs python3.x only."
    for name in ("Layers", "FileSystemConfigs", "DeadLetterConfig"):
        if spec.get(name):
            return f"{name} does not work on the twin."
    if (spec.get("LoggingConfig") or {}).get("LogFormat", "Text") != "Text":
        return "LoggingConfig.LogFormat JSON does not work on the twin: it writes Text."
    return None


def _logging(function: Any) -> dict[str, Any]:
    wanted = getattr(function, "twin_logging", {})
    group = wanted.get("LogGroup") or f"/aws/lambda/{function.function_name}"
    return {"LogFormat": "Text", "LogGroup": group}


@patch.wrap(LambdaFunction, "get_configuration")
def _with_logging(
    original: Callable[..., Any], function: Any, *arguments: Any, **named: Any
) -> Any:
    shown = {**original(function, *arguments, **named), "LoggingConfig": _logging(function)}
    vpc = _vpc(function)
    if vpc and _runner and not _runner[0].ready(vpc):
        shown |= _PENDING if not hasattr(function, "twin_updated") else _UPDATING
    return shown


_PENDING = {
    "State": "Pending",
    "StateReason": "The function is being created.",
    "StateReasonCode": "Creating",
}
_UPDATING = {"LastUpdateStatus": "InProgress"}


@patch.compute(LambdaFunction, "vpc_config")
def _vpc_config(function: Any) -> dict[str, Any] | None:
    vpc = _vpc(function)
    if not vpc:
        return None
    return {
        "SubnetIds": list(vpc.subnet_ids),
        "SecurityGroupIds": list(vpc.group_ids),
        "VpcId": vpc_config.vpc_of(function.region, vpc),
        "Ipv6AllowedForDualStack": False,
    }


def _vpc(function: Any) -> VpcConfig | None:
    return vpc_config.wanted(function._vpc_config)  # noqa: SLF001


def _function(function: Any) -> Function:
    """Return moto's function as a value."""
    configs = [config.config for config in function.event_invoke_config]
    retries = [
        config["MaximumRetryAttempts"] for config in configs if "MaximumRetryAttempts" in config
    ]
    return Function(
        name=function.function_name,
        arn=function.function_arn,
        role_arn=function.role,
        version=str(function.version),
        runtime=function.run_time,
        handler=function.handler,
        timeout_s=int(function.timeout),
        memory_mib=int(function.memory_size),
        environment=tuple(sorted(function.environment_vars.items())),
        log_group=_logging(function)["LogGroup"],
        tmp_mib=int(function.ephemeral_storage),
        code_sha256=function.code_sha_256,
        code=function.code_bytes,
        retries=retries[0] if retries else 2,
        concurrency=function.reserved_concurrency,
        vpc=_vpc(function),
    )


@patch.replace(LambdaResponse, "invoke")
def _invoke(response: Any) -> tuple[int, dict[str, str], str | bytes]:
    """Answer Invoke: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html."""
    name = unquote(response.path.rsplit("/", 2)[-2])
    with records():  # but not while it runs
        function = _function(response.backend.get_function(name, response._get_param("Qualifier")))  # noqa: SLF001
    kind = response.headers.get("X-Amz-Invocation-Type") or "RequestResponse"
    event = _event(response.body)
    if kind == "DryRun":
        return 204, {"status": "204"}, ""
    if kind == "Event":
        _run(lambda runner: runner.submit(function, event))
        return 202, {"status": "202"}, ""
    outcome: Outcome = _run(lambda runner: runner.invoke(function, event))
    headers = {"content-type": "application/json", "X-Amz-Executed-Version": function.version}
    if outcome.failed:
        headers["X-Amz-Function-Error"] = "Unhandled"
    if response.headers.get("X-Amz-Log-Type") == "Tail":
        headers["X-Amz-Log-Result"] = base64.b64encode(outcome.log_tail.encode()).decode()
    return 200, headers, outcome.payload


@patch.replace(LambdaResponse, "invoke_async")
def _invoke_async(response: Any) -> tuple[int, dict[str, str], str]:
    name = unquote(response.path.rstrip("/").rsplit("/", 2)[-2])
    with records():
        function = _function(response.backend.get_function(name, None))
    event = _event(response.body)
    _run(lambda runner: runner.submit(function, event))
    return 202, {"status": "202"}, ""


def _event(body: str | bytes | None) -> bytes:
    event = (body.encode() if isinstance(body, str) else body) or b"{}"
    try:
        json.loads(event)
    except ValueError as error:
        raise LambdaClientError(
            "InvalidRequestContentException", f"Could not parse request body into json: {error}"
        ) from error
    return event


def _run(work: Callable[[Runner], Any]) -> Any:
    if not _runner:
        raise LambdaClientError("ServiceException", "functions do not run in this region yet")
    try:
        return work(_runner[0])
    except ThrottledError as error:
        throttled = LambdaClientError("TooManyRequestsException", "Rate Exceeded.")
        throttled.code = 429
        raise throttled from error
    except PendingError as error:
        pending = LambdaClientError(
            "ResourceConflictException",
            "The operation cannot be performed at this time. The function is currently in the"
            " following state: Pending",
        )
        pending.code = 409
        raise pending from error
