"""Functions that really run, invoked through the Lambda API."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from tests.trust import trusting
from tests.twin.inside import run_inside

CODE = """
import json, logging, os, pathlib, sys, time
import boto3
starts = []
def handler(event, context):
    starts.append(1)
    kind = event["kind"]
    if kind == "raise":
        print("about to fail")
        raise KeyError("gone")
    if kind == "sleep":
        time.sleep(event["seconds"])
    if kind == "exit":
        os._exit(3)
    if kind == "marshal":
        return {1, 2}
    if kind == "large":
        return "x" * 6_300_000
    if kind == "log":
        print("printed")
        print("to stderr", file=sys.stderr)
        logging.getLogger().warning("logged %s", 7)
        print(json.dumps({"_aws": {"Timestamp": 1, "CloudWatchMetrics": [{"Namespace": "Own",
            "Dimensions": [["FunctionName"]], "Metrics": [{"Name": "Things", "Unit": "Count"}]}]},
            "FunctionName": "f", "Things": 5}))
    if kind == "api":
        return boto3.client("sts").get_caller_identity()["Account"]
    if kind == "look":
        pathlib.Path("/tmp/own").write_text("x")
        try:
            pathlib.Path("/var/task/index.py").write_text("x")
            writable = True
        except OSError:
            writable = False
        status = pathlib.Path("/proc/self/status").read_text()
        return {
            "environment": dict(os.environ),
            "state": os.path.exists(event["state"]),
            "run": sorted(os.listdir("/run")),
            "capabilities": [line.split()[1] for line in status.splitlines() if line[:3] == "Cap"],
            "code writable": writable,
            "processes": sorted(name for name in os.listdir("/proc") if name.isdigit()),
            "context": [context.function_name, context.memory_limit_in_mb, context.log_group_name,
                context.invoked_function_arn, 0 < context.get_remaining_time_in_millis() <= 5000],
        }
    return {"event": event, "starts": len(starts), "request": context.aws_request_id}
"""


def use(state: str) -> dict[str, Any]:
    """Invoke a function in every way; tell what was answered and what was left."""
    from concurrent.futures import ThreadPoolExecutor

    from botocore.exceptions import ClientError
    from tests.twin.lambda_.small_region import WRITES_LOGS, SmallRegion, zipped

    small = SmallRegion(Path(state))
    client = small.region.clients("lambda")
    seen: dict[str, Any] = {}
    small.create(CODE, Environment={"Variables": {"GREETING": "hello", "AWS_REGION": "no"}})
    seen["first"] = small.invoke(event={"kind": "echo", "text": "é\n"})
    seen["second"] = small.invoke(event={"kind": "echo"})
    for kind in ("raise", "marshal", "large", "api", "exit"):
        seen[kind] = small.invoke(event={"kind": kind})
    seen["look"] = small.invoke(event={"kind": "look", "state": state})["answer"]
    before = len(small.log())
    seen["log"] = small.invoke(event={"kind": "log"}, LogType="Tail")
    seen["log lines"] = small.log()[before:]
    seen["configuration"] = client.get_function_configuration(FunctionName="f")["LoggingConfig"]
    seen["dry"] = small.invoke(InvocationType="DryRun")["status"]
    seen["errors"] = [small.metric(name) for name in ("Invocations", "Errors")]
    seen["own metric"] = small.metric("Things", namespace="Own")

    client.update_function_configuration(FunctionName="f", Timeout=1)
    seen["timeout"] = small.invoke(event={"kind": "sleep", "seconds": 30})
    seen["timeout log"] = small.log()[-3:]
    seen["after timeout"] = small.invoke(event={"kind": "echo"})["answer"]["starts"]

    client.update_function_configuration(FunctionName="f", Timeout=10)
    with ThreadPoolExecutor(12) as pool:

        def slow(_: int) -> Any:
            try:
                return small.invoke(event={"kind": "sleep", "seconds": 3})["status"]
            except ClientError as error:
                return error.response["Error"]["Code"]

        seen["concurrent"] = list(pool.map(slow, range(12)))
    seen["idle"] = len(small.functions._idle["f"])
    seen["throttles"] = small.metric("Throttles")

    client.update_function_code(
        FunctionName="f", ZipFile=zipped("def handler(event, context):\n    return 'new'\n")
    )
    small.wait(lambda: not small.functions._idle["f"], "the old environment was kept")
    seen["new code"] = small.invoke()["answer"]
    for name, code, handler in (
        ("no-module", "import nothing_there", "index.handler"),
        ("syntax", "def", "index.handler"),
        ("no-handler", "x = 1", "index.handler"),
        ("raises", "raise RuntimeError('at import')", "index.handler"),
        ("bad-name", "x = 1", "handler"),
    ):
        small.create(code, name, Handler=handler)
        seen[name] = small.invoke(name)

    try:
        client.invoke(FunctionName="nobody")
    except ClientError as error:
        seen["nobody"] = error.response["Error"]["Code"]
    try:
        client.invoke(FunctionName="f", Payload=b"{")
    except ClientError as error:
        seen["no json"] = error.response["Error"]["Code"]
    client.delete_function(FunctionName="f")
    small.wait(lambda: not small.functions._idle["f"], "its environment outlived the function")
    iam = small.region.clients("iam")
    for name, actions in (("mute", "s3:*"), ("writes-only", ["logs:CreateLogStream", "logs:Put*"])):
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusting("lambda"))["Role"][
            "Arn"
        ]
        document = {**WRITES_LOGS, "Statement": {**WRITES_LOGS["Statement"], "Action": actions}}
        policy = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(document))
        iam.attach_role_policy(RoleName=name, PolicyArn=policy["Policy"]["Arn"])
        small.create(CODE, name, Role=role)
        seen[f"{name} answers"] = small.invoke(name, {"kind": "echo"})["status"]
    logs = small.region.clients("logs")
    seen["groups"] = [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]
    logs.create_log_group(logGroupName="/aws/lambda/writes-only")
    small.invoke("writes-only", {"kind": "echo"})
    seen["writes-only"] = small.log("writes-only")[0]
    small.functions.stop()
    folders = Path("/run/underpass/functions")
    small.wait(lambda: not [*folders.iterdir()], "an environment left its folder behind")
    seen["left"] = [
        name.read_text()
        for name in Path("/proc").glob("[0-9]*/cmdline")
        if "bootstrap" in name.read_text()
    ]
    held = [str(one.readlink()) for one in Path("/proc/self/fd").iterdir() if one.is_symlink()]
    seen["pidfds"] = [one for one in held if "pidfd" in one]
    return seen


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    state = tmp_path_factory.mktemp("state")
    found: dict[str, Any] = run_inside(use, str(state), timeout_s=120)
    return found


def test_answers_and_stays_warm(seen: dict[str, Any]) -> None:
    first, second = seen["first"], seen["second"]
    assert (first["status"], first["error"]) == (200, None)
    assert first["answer"]["event"] == {"kind": "echo", "text": "é\n"}
    assert (first["answer"]["starts"], second["answer"]["starts"]) == (1, 2)
    assert first["answer"]["request"] != second["answer"]["request"]


@pytest.mark.parametrize(
    ("kind", "error_type", "message"),
    [
        ("raise", "KeyError", "'gone'"),
        ("marshal", "Runtime.MarshalError", "Unable to marshal response"),
        ("large", "Function.ResponseSizeTooLarge", "exceeded maximum allowed payload size"),
        ("exit", "Runtime.ExitError", "exit status 3"),
        ("timeout", "Sandbox.Timedout", "Task timed out after 1.00 seconds"),
        ("no-module", "Runtime.ImportModuleError", "No module named 'nothing_there'"),
        ("syntax", "Runtime.UserCodeSyntaxError", "Syntax error in module 'index'"),
        ("no-handler", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'index'"),
        ("raises", "RuntimeError", "at import"),
        ("bad-name", "Runtime.MalformedHandlerName", "Bad handler 'handler'"),
    ],
)
def test_failure_is_told_as_lambda_tells_it(
    seen: dict[str, Any], kind: str, error_type: str, message: str
) -> None:
    assert (seen[kind]["status"], seen[kind]["error"]) == (200, "Unhandled")
    assert seen[kind]["answer"]["errorType"] == error_type
    assert message in seen[kind]["answer"]["errorMessage"]


def test_stack_trace_is_the_functions_own(seen: dict[str, Any]) -> None:
    trace = seen["raise"]["answer"]["stackTrace"]
    assert len(trace) == 1
    assert 'File "/var/task/index.py"' in trace[0]


def test_environment_is_clean(seen: dict[str, Any]) -> None:
    look = seen["look"]
    environment = look["environment"]
    assert environment["GREETING"] == "hello"
    assert environment["AWS_REGION"] == "us-east-1"
    assert environment["AWS_ENDPOINT_URL"].startswith("http://")
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "f"
    assert not {name for name in environment if name.startswith(("PYTEST", "UNDERPASS", "VIRTUAL"))}
    assert not look["state"]
    assert look["run"] == ["runtime"]
    assert set(look["capabilities"]) == {"0" * 16}
    assert not look["code writable"]
    assert look["processes"] == ["1"]
    arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
    assert look["context"] == ["f", "256", "/aws/lambda/f", arn, True]
    assert seen["api"]["answer"] == "123456789012"


def test_log_is_in_cloudwatch_logs(seen: dict[str, Any]) -> None:
    lines = seen["log lines"]
    assert lines[0].startswith("START RequestId: ")
    assert {"printed", "to stderr"} <= set(lines)
    logged = next(line for line in lines if "logged 7" in line)
    assert logged.startswith("[WARNING]\t20")
    assert lines[-1].startswith("REPORT RequestId: ")
    assert "Max Memory Used: " in lines[-1]
    assert "Init Duration" not in lines[-1]
    tail = base64.b64decode(seen["log"]["log"]).decode()
    assert "printed\n" in tail
    assert seen["log"]["answer"]["event"] == {"kind": "log"}
    assert seen["configuration"] == {"LogFormat": "Text", "LogGroup": "/aws/lambda/f"}


def test_a_log_is_written_with_the_roles_permissions(seen: dict[str, Any]) -> None:
    assert (seen["mute answers"], seen["writes-only answers"]) == (200, 200)
    assert "/aws/lambda/f" in seen["groups"]
    assert not {"/aws/lambda/mute", "/aws/lambda/writes-only"} & set(seen["groups"])
    assert seen["writes-only"].startswith("START RequestId: ")


def test_metrics(seen: dict[str, Any]) -> None:
    # first, second, raise, marshal, large, api, exit, look, log
    assert seen["errors"] == [9, 4]
    assert seen["own metric"] == 5


def test_timeout_ends_the_environment(seen: dict[str, Any]) -> None:
    assert "Status: timeout" in seen["timeout log"][1]
    assert seen["timeout log"][2].endswith("Task timed out after 1.00 seconds")
    assert seen["after timeout"] == 1


def test_concurrency_is_bounded(seen: dict[str, Any]) -> None:
    assert sorted(seen["concurrent"], key=str) == [200] * 10 + ["TooManyRequestsException"] * 2
    assert seen["throttles"] == 2
    assert seen["idle"] == 1


def test_update_and_delete_end_what_is_warm(seen: dict[str, Any]) -> None:
    assert seen["new code"] == "new"
    assert seen["left"] == seen["pidfds"] == []


def test_requests_that_name_nothing(seen: dict[str, Any]) -> None:
    assert seen["dry"] == 204
    assert seen["nobody"] == "ResourceNotFoundException"
    assert seen["no json"] == "InvalidRequestContentException"
