"""What an invocation leaves behind: its lines in CloudWatch Logs, its numbers in CloudWatch.

As far as the function's role lets Lambda write them.

https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import platform
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from underpass.twin.api.asked import Asked
from underpass.twin.region.aws import Clients
from underpass.twin.services.iam.judgment import role_may
from underpass.twin.services.lambda_.model import Function

log = logging.getLogger(__name__)

TAIL_BYTES = 4096
_BATCH = 1000

Lines = list[tuple[int, str]]


@dataclass(frozen=True)
class Run:
    """One invocation, as its report tells it; ``init_ms`` is 0 when the environment was warm."""

    request_id: str
    duration_ms: float
    init_ms: float
    memory_mib: int
    status: str  # "success", "error" or "timeout"


def framed(function: Function, run: Run, lines: Lines) -> Lines:
    """Return the lines of an invocation between Lambda's own."""
    now = int(time.time() * 1000)
    first = lines[0][0] if lines else now
    opening = []
    if run.init_ms:
        python = platform.python_version()
        opening.append(f"INIT_START Runtime Version: {function.runtime} (here: Python {python})")
    opening.append(f"START RequestId: {run.request_id} Version: {function.version}")
    closing = [f"END RequestId: {run.request_id}", _report(function, run)]
    if run.status == "timeout":
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now / 1000))
        closing.append(
            f"{stamp} {run.request_id} Task timed out after {function.timeout_s:.2f} seconds"
        )
    return [*((first, text) for text in opening), *lines, *((now, text) for text in closing)]


def tail(lines: Lines) -> str:
    """Return the last 4 KB of a log, whole lines where possible."""
    text = "\n".join(line for _, line in lines) + "\n"
    return text.encode()[-TAIL_BYTES:].decode(errors="ignore")


def embedded_metrics(lines: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (namespace, datum) for each metric that a line of the log carries."""
    for line in lines:
        if '"_aws"' not in line:
            continue
        try:
            document = json.loads(line)
            for directive in document["_aws"]["CloudWatchMetrics"]:
                yield from _data(document, directive)
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # not of the format: CloudWatch leaves it a line of text


def _data(
    document: Mapping[str, Any], directive: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    for names in directive.get("Dimensions") or [[]]:
        dimensions = [{"Name": name, "Value": str(document[name])} for name in names]
        for metric in directive["Metrics"]:
            value = document[metric["Name"]]
            datum: dict[str, Any] = {"MetricName": metric["Name"], "Dimensions": dimensions}
            datum["Unit"] = metric.get("Unit", "None")
            datum |= {"Values": value} if isinstance(value, list) else {"Value": value}
            yield directive["Namespace"], datum


def own_metrics(function: Function, run: Run) -> list[dict[str, Any]]:
    """Return the metrics Lambda keeps of a function, in ``AWS/Lambda``."""
    values = [("Invocations", 1.0, "Count"), ("Errors", float(run.status != "success"), "Count")]
    values.append(("Duration", run.duration_ms, "Milliseconds"))
    return [own_metric(function, name, value, unit) for name, value, unit in values]


def own_metric(function: Function, name: str, value: float, unit: str = "Count") -> dict[str, Any]:
    """Return one metric of a function."""
    dimensions = [{"Name": "FunctionName", "Value": function.name}]
    return {"MetricName": name, "Dimensions": dimensions, "Value": value, "Unit": unit}


def publish(clients: Clients, function: Function, stream: str, run: Run, lines: Lines) -> None:
    """Write an invocation's log and metrics; what is lost here is told in the region's own log."""
    try:
        _put_log(clients, function, stream, lines)
        told = {"AWS/Lambda": own_metrics(function, run)}
        for namespace, datum in embedded_metrics(text for _, text in lines):
            told.setdefault(namespace, []).append(datum)
        for namespace, data in told.items():
            for start in range(0, len(data), _BATCH):
                batch = data[start : start + _BATCH]
                clients("cloudwatch").put_metric_data(Namespace=namespace, MetricData=batch)
    except (BotoCoreError, ClientError):
        log.exception("the log or the metrics of function %s were not kept", function.name)


def _put_log(clients: Clients, function: Function, stream: str, lines: Lines) -> None:
    """Write lines; a group or stream that is not there is made if the function's role may, as in AWS."""
    logs = clients("logs")
    events = [{"timestamp": stamp, "message": text} for stamp, text in lines]
    for start in range(0, len(events), _BATCH):
        wanted = {
            "logGroupName": function.log_group,
            "logStreamName": stream,
            "logEvents": events[start : start + _BATCH],
        }
        try:
            logs.put_log_events(**wanted)
        except logs.exceptions.ResourceNotFoundException:
            if not _make_stream(clients, function, stream):
                log.info("the role of function %s may not write its log", function.name)
                return
            logs.put_log_events(**wanted)


def _make_stream(clients: Clients, function: Function, stream: str) -> bool:
    """Make what is missing to write into a stream; return False where the role may not.

    A run that outlives its log group must not bring the group back: the stack that owned it would find the
    name taken.
    """
    logs, group = clients("logs"), function.log_group

    def may(action: str, resource: str) -> bool:
        return role_may(function.role_arn, Asked(action, resource), region)

    partition, _, region, account = function.arn.split(":")[1:5]
    arn = f"arn:{partition}:logs:{region}:{account}:log-group:{group}"
    groups = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    if not any(one["logGroupName"] == group for one in groups):
        if not may("logs:CreateLogGroup", f"{arn}:*"):
            return False
        _make(logs, "create_log_group", logGroupName=group)
    if not may("logs:CreateLogStream", f"{arn}:log-stream:{stream}"):
        return False
    _make(logs, "create_log_stream", logGroupName=group, logStreamName=stream)
    return True


def _make(logs: Any, action: str, **named: str) -> None:
    with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
        getattr(logs, action)(**named)


def _report(function: Function, run: Run) -> str:
    parts = [
        f"REPORT RequestId: {run.request_id}",
        f"Duration: {run.duration_ms:.2f} ms",
        f"Billed Duration: {math.ceil(run.duration_ms + run.init_ms)} ms",
        f"Memory Size: {function.memory_mib} MB",
        f"Max Memory Used: {run.memory_mib} MB",
    ]
    if run.init_ms:
        parts.append(f"Init Duration: {run.init_ms:.2f} ms")
    if run.status != "success":
        parts.append(f"Status: {run.status}")
    return "\t".join(parts)
