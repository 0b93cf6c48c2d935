"""A region just big enough for functions and their schedules, in the network of the test's own place."""

from __future__ import annotations

import io
import json
import subprocess
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.trust import trusting
from tests.twin.api import serve

from underpass.twin.api import patch
from underpass.twin.region.context import Region
from underpass.twin.region.reconcile import ChangeFeed, Reconciler
from underpass.twin.services.events import Schedules
from underpass.twin.services.events import patches as events
from underpass.twin.services.lambda_ import Functions
from underpass.twin.services.lambda_ import patches as lambda_

WRITES_LOGS: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "logs:*", "Resource": "*"},
}


def zipped(code: str) -> bytes:
    """Return a deployment package with one module, ``index``."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("index.py", code)
    return package.getvalue()


class SmallRegion:
    """The region and what a test does with it. Only for a place of its own (``run_inside``)."""

    def __init__(self, state: Path) -> None:
        subprocess.run(["mount", "-t", "proc", "proc", "/proc"], check=True)
        patch.apply(lambda_, events)
        feed = ChangeFeed()
        clients = serve(feed)
        run = Path("/run/underpass")
        run.mkdir(exist_ok=True)
        self.region = Region("us-east-1", clients, feed, state, run)
        self.functions = Functions(self.region, network="", endpoint_url=clients.endpoint_url)
        lambda_.attach(self.functions)
        Reconciler("functions", self.functions.reconcile).start(feed, Functions.topics)
        self.schedules = Schedules(self.region).start()
        events.attach(self.schedules.deliver)
        Reconciler("schedules", self.schedules.reconcile).start(feed, Schedules.topics)
        iam = self.region.clients("iam")
        self.role = iam.create_role(
            RoleName="function", AssumeRolePolicyDocument=trusting("lambda")
        )["Role"]["Arn"]
        iam.put_role_policy(
            RoleName="function", PolicyName="logs", PolicyDocument=json.dumps(WRITES_LOGS)
        )

    def create(self, code: str, name: str = "f", **more: Any) -> str:
        """Create a function and return its ARN."""
        wanted: dict[str, Any] = {
            "FunctionName": name,
            "Runtime": "python3.13",
            "Role": self.role,
            "Handler": "index.handler",
            "Code": {"ZipFile": zipped(code)},
            "Timeout": 5,
            "MemorySize": 256,
        }
        made = self.region.clients("lambda").create_function(**{**wanted, **more})
        return str(made["FunctionArn"])

    def invoke(self, name: str = "f", event: Any = None, **more: Any) -> dict[str, Any]:
        """Invoke a function; return its status, its error kind and its answer."""
        answer = self.region.clients("lambda").invoke(
            FunctionName=name, Payload=json.dumps(event), **more
        )
        text = answer["Payload"].read()
        return {
            "status": answer["StatusCode"],
            "error": answer.get("FunctionError"),
            "answer": json.loads(text) if text else None,
            "log": answer.get("LogResult"),
        }

    def log(self, name: str = "f") -> list[str]:
        """Return the lines of a function's log, in order."""
        logs = self.region.clients("logs")
        group = f"/aws/lambda/{name}"
        streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
        found = [
            (event["timestamp"], position, event["message"])
            for stream in streams
            for position, event in enumerate(
                logs.get_log_events(
                    logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
                )["events"]
            )
        ]
        return [message for *_, message in sorted(found)]

    def metric(self, name: str, function: str = "f", namespace: str = "AWS/Lambda") -> float:
        """Return the sum of a metric of the last hour."""
        now = time.time()
        dimension = "RuleName" if namespace == "AWS/Events" else "FunctionName"
        points = self.region.clients("cloudwatch").get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            Dimensions=[{"Name": dimension, "Value": function}],
            StartTime=now - 3600,
            EndTime=now + 60,
            Period=3600 * 2,
            Statistics=["Sum"],
        )["Datapoints"]
        return float(sum(point["Sum"] for point in points))

    def wait(self, condition: Callable[[], Any], what: str, timeout_s: float = 40) -> Any:
        """Return the first truthy answer."""
        return self.region.feed.wait(condition, timeout_s=timeout_s, what=what, recheck_s=0.05)
