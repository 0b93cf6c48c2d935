"""The registrar against the published ways of doing its job in real packets: ``registrar.py --packets``.

The same twin, rotation, load and strangers for all.

For each algorithm every address of the ALB is replaced once while a consumer sends requests, and whoever
gets a freed address takes it at once, is let in wherever the ALB is, and answers. Then its function is run in
fresh interpreters, where calls, time and memory are counted. ``--json`` prints one object per algorithm.
The load is half of what the same machine carries without a rotation, which is found out first: the last of
``STEPS`` at which every request is answered within a second; at least 200 a second, or what
``--requests-per-second`` says.
With ``--nodes 100`` ours alone is measured on an ALB of so many nodes, rotated ``--rotations`` times.

Seconds are the twin's. Its clock runs AWS's waits (schedules, health check intervals, deregistration delays,
the delay of events, how long a leaving node serves) 20 times faster for all alike: a schedule of a minute is
3 s here, one of five minutes 15 s. What a function itself takes is not shortened. The published functions are
written anew from their description (``published_registrars/function.py``); with dnspython installed they look
names up with it, as published, otherwise with the C library.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

from underpass.blueprint.path.registrar import source
from underpass.config import load
from underpass.twin.chaos import demand as demands
from underpass.twin.chaos import rotation
from underpass.twin.host import nsenter, running_twins
from underpass.twin.region import clock, control_socket, credentials
from underpass.twin.region.aws import Clients

HERE = Path(__file__).resolve().parent
PUBLISHED = HERE / "published_registrars"
UNDERPASS = Path(sys.executable).with_name("underpass")
PRICE_PER_GB_S, PRICE_PER_RUN = 0.0000166667, 0.20 / 1e6  # us-east-1, November 2026
MONTH_MINUTES = 730 * 60
PROBES = 5
STEPS, STEP_S, LEAST = (400, 600, 800, 1200, 1600, 2400), 8.0, 200.0
NAME = "bench"

APPLICATION = """
import asyncio
async def answer(reader, writer):
    try:
        while await reader.readuntil(b"\\r\\n\\r\\n"):
            writer.write(b"HTTP/1.1 200 OK\\r\\ncontent-length: 3\\r\\n\\r\\nok\\n")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()
async def main():
    server = await asyncio.start_server(answer, "0.0.0.0", 8000, backlog=1024)
    await server.serve_forever()
asyncio.run(main())
"""
CONFIGURATION = """
name = "bench"
[service]
build = "."
port = 8000
health_check = "/"
grace_period = 3
process = ["{python}", "app.py"]
[privatelink]
domain = "bench.internal.example"
[[consumers]]
name = "desk"
"""


@dataclass(frozen=True)
class Algorithm:
    """One way of keeping the addresses registered; ``minutes`` is its schedule's period."""

    name: str
    minutes: int
    memory_mib: int
    published: Mapping[str, str] = field(default_factory=dict)
    events: bool = True

    @property
    def environment(self) -> dict[str, str]:
        """What of a published function's environment differs."""
        return dict(self.published)


ALGORITHMS = (
    Algorithm("underpass", 1, 256),
    Algorithm("underpass_schedule_only", 1, 256, events=False),
    Algorithm(
        "published_blog",
        1,
        128,
        {"MAX_LOOKUP_PER_INVOCATION": "50", "INVOCATIONS_BEFORE_DEREGISTRATION": "3"},
    ),
    Algorithm(
        "published_hostname",
        5,
        128,
        {"MAX_LOOKUP_PER_INVOCATION": "10", "INVOCATIONS_BEFORE_DEREGISTRATION": "3"},
    ),
)


class Bench:
    """A running twin, and what is done with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running = running_twins.select(folder)
        self.config = load(folder)
        self.key = credentials.read(self.running.state)
        self.clients = Clients(self.running.api_url, self.running.region, self.key)
        stacks = self.clients("cloudformation").describe_stacks(StackName=f"{NAME}-path")
        self.outputs = {
            one["OutputKey"]: one["OutputValue"] for one in stacks["Stacks"][0]["Outputs"]
        }

    def nodes(self, **request: Any) -> dict[str, Any]:
        """Ask for the ALB's nodes, or have them changed."""
        answer: dict[str, Any] = control_socket.call(
            self.running.state, "nodes", timeout_s=600, **request
        )
        return answer

    def registered(self) -> dict[str, str]:
        """Return the state of each target of the NLB."""
        described = self.clients("elbv2").describe_target_health(
            TargetGroupArn=self.outputs["NlbTargetGroupArn"]
        )
        return {
            one["Target"]["Id"]: one["TargetHealth"]["State"]
            for one in described["TargetHealthDescriptions"]
        }

    def await_registered(self, timeout_s: float = 90) -> None:
        """Wait until the healthy targets are the ALB's nodes."""
        wanted = {one["address"] for one in self.nodes(do="settle")["nodes"]}
        until(
            lambda: (
                {key for key, state in self.registered().items() if state == "healthy"} == wanted
            ),
            timeout_s,
            lambda: f"{self.registered()} are registered, not {wanted}",
        )

    # Whose turn it is

    @contextmanager
    def turn(self, algorithm: Algorithm) -> Iterator[str]:
        """Have this algorithm alone do the job; gives its function's name."""
        events = self.clients("events")
        own = [one for one in events.list_rules()["Rules"] if one["Name"].startswith(f"{NAME}-")]
        for rule in own:
            wanted = not algorithm.published and (
                algorithm.events or bool(rule.get("ScheduleExpression"))
            )
            (events.enable_rule if wanted else events.disable_rule)(Name=rule["Name"])
        if not algorithm.published:
            yield self.outputs["RegistrarFunctionName"]
            return
        function, rule_name = self._publish(algorithm), _rule_name(algorithm)
        try:
            yield function
        finally:
            events.remove_targets(Rule=rule_name, Ids=["1"])
            events.delete_rule(Name=rule_name)
            self.clients("lambda").delete_function(FunctionName=function)

    def _publish(self, algorithm: Algorithm) -> str:
        name, bucket = algorithm.name.replace("_", "-"), algorithm.name.replace("_", "-")
        lambda_, events = self.clients("lambda"), self.clients("events")
        self.clients("s3").create_bucket(Bucket=bucket)
        made = lambda_.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=self._role(name),
            Handler="function.handler",
            Code={"ZipFile": package()},
            Timeout=300,
            MemorySize=algorithm.memory_mib,
            Environment={"Variables": self._published_environment(algorithm)},
        )
        expression = "rate(1 minute)" if algorithm.minutes == 1 else "rate(5 minutes)"
        rule_name = _rule_name(algorithm)
        rule = events.put_rule(Name=rule_name, ScheduleExpression=expression, State="DISABLED")
        lambda_.add_permission(
            FunctionName=name,
            StatementId="rule",
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=rule["RuleArn"],
        )
        events.put_targets(Rule=rule_name, Targets=[{"Id": "1", "Arn": made["FunctionArn"]}])
        events.enable_rule(Name=rule_name)
        return name

    def _role(self, name: str) -> str:
        """Return a role that may do what a published function does, and more."""
        iam = self.clients("iam")
        with suppress(iam.exceptions.NoSuchEntityException):
            return str(iam.get_role(RoleName=name)["Role"]["Arn"])
        service = {"Service": "lambda.amazonaws.com"}
        trusts = {"Effect": "Allow", "Principal": service, "Action": "sts:AssumeRole"}
        may = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        trust, policy = (
            json.dumps({"Version": "2012-10-17", "Statement": one}) for one in (trusts, may)
        )
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=policy)
        return str(arn)

    def _published_environment(self, algorithm: Algorithm) -> dict[str, str]:
        return {
            "ALB_DNS_NAME": self.outputs["AlbDnsName"],
            "ALB_LISTENER": str(self.config.listener_port),
            "S3_BUCKET": algorithm.name.replace("_", "-"),
            "NLB_TG_ARN": self.outputs["NlbTargetGroupArn"],
            "CW_METRIC_FLAG_IP_COUNT": "true",
            **algorithm.environment,
        }

    # Measuring

    def rotate(self, rate: float, seconds: float, **how: Any) -> rotation.Rotation:
        """Replace every address under load."""
        demand = demands.Demand("desk", "http://bench.internal.example", "/", rate, seconds)
        try:
            return rotation.rotate_alb(self.running, demand, **how)
        finally:
            rotation.release_addresses(self.running)

    def carried(self) -> float:
        """Return how many requests a second are carried while nothing happens; the least when none are."""
        best = LEAST
        for rate in STEPS:
            demand = demands.Demand("desk", "http://bench.internal.example", "/", rate, STEP_S)
            seen = demands.under_load(self.running, demand, lambda: None)
            if seen["failed"] or seen["over_a_second"] or seen["seconds"] > STEP_S + 1:
                break
            best = rate
        return best

    def probe(self, algorithm: Algorithm, runs: int = 1) -> dict[str, Any]:
        """Run the function in a fresh interpreter where functions run."""
        folder = Path(tempfile.mkdtemp(prefix="registrar-", dir=self.folder))
        if algorithm.published:
            with zipfile.ZipFile(io.BytesIO(package())) as archive:
                archive.extractall(folder)
            module, made = "function", list[str]()
            variables = self._published_environment(algorithm)
        else:
            (folder / "index.py").write_text(source())
            module, made = "index", ["ec2", "elbv2"]
            variables = self.clients("lambda").get_function_configuration(
                FunctionName=self.outputs["RegistrarFunctionName"]
            )["Environment"]["Variables"]
        aws = {
            "AWS_ENDPOINT_URL": "http://198.51.100.10",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": self.key.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.key.secret_access_key,
        }
        assigned = [f"{key}={value}" for key, value in {**variables, **aws}.items()]
        argv = [sys.executable, str(PUBLISHED / "probe.py"), str(folder), module]
        words = ["env", *assigned, *argv, json.dumps(made), str(runs)]
        done = subprocess.run(
            nsenter.command(self.running, "internet", words, Path("/")),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if done.returncode != 0:
            sys.exit(f"the probe failed:\n{done.stderr}")
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        if runs and not sum(answer["calls"][0].values()):
            sys.exit(f"{algorithm.name} called nothing: is its ALB's name known there?")
        if answer["failed"]:
            print(f"{algorithm.name}: {answer['failed']}", file=sys.stderr)
        return answer

    def billed_ms(self, function: str, since_s: float) -> float:
        """Return what a warm run was billed, in the middle, of those since a time."""
        configuration = self.clients("lambda").get_function_configuration(FunctionName=function)
        group = configuration.get("LoggingConfig", {}).get("LogGroup", f"/aws/lambda/{function}")
        logs = self.clients("logs")
        found = []
        for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]:
            events = logs.get_log_events(
                logGroupName=group,
                logStreamName=stream["logStreamName"],
                startTime=int(since_s * 1000),
                startFromHead=False,
            )["events"]
            found += [one["message"] for one in events if one["message"].startswith("REPORT")]
        billed = [
            float(line.split("Billed Duration: ")[1].split(" ms")[0])
            for line in found
            if "Init Duration" not in line
        ]
        return statistics.median(billed) if billed else float("nan")


def _rule_name(algorithm: Algorithm) -> str:
    """Return the name of a published function's rule: one that runs on the twin's clock, as ours does."""
    return f"{algorithm.name.replace('_', '-')}-RegistrarSchedule-{0:012x}"


def package() -> bytes:
    """Return the published function's deployment package, with dnspython where it is installed."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(PUBLISHED / "function.py", "function.py")
        found = importlib.util.find_spec("dns")
        if found and found.origin:
            root = Path(found.origin).parent
            for path in sorted(root.rglob("*.py")):
                archive.write(path, f"dns/{path.relative_to(root)}")
    return content.getvalue()


def measure(bench: Bench, algorithm: Algorithm, rate: float, seconds: float) -> dict[str, Any]:
    """Return one algorithm's figures."""
    with bench.turn(algorithm) as function:
        began_s = time.time()
        bench.await_registered()
        seen = bench.rotate(rate, seconds, strangers=True)
        bench.await_registered(180)
        idle = bench.probe(algorithm, runs=2)
        elbv2, group = bench.clients("elbv2"), bench.outputs["NlbTargetGroupArn"]
        billed = bench.billed_ms(function, began_s)
    with nobody(bench):
        gone = min(one for one, state in bench.registered().items() if state == "healthy")
        elbv2.deregister_targets(TargetGroupArn=group, Targets=[{"Id": gone}])
        until(lambda: gone not in bench.registered(), 60, lambda: f"{gone} drains for ever")
        changed = bench.probe(algorithm)
        cold = [bench.probe(algorithm, runs=0) for _ in range(PROBES)]
    runs = MONTH_MINUTES / algorithm.minutes
    gb_s = billed / 1000 * algorithm.memory_mib / 1024
    calls = idle["calls"][-1]
    return {
        "new_address_serving_s": _worst(one["serving_s"] for one in seen.new.values()),
        "dead_address_kept_s": _worst(one["after_it_was_dead_s"] for one in seen.gone.values()),
        "requests": seen.load["requests"],
        "failed": seen.load["failed"],
        "to_stranger": seen.load["to_stranger"],
        "over_a_second": seen.load["over_a_second"],
        "slowest_s": seen.load["slowest_s"],
        "errors": seen.load["errors"],
        "failed_from_s": seen.load["failed_from_s"],
        "failed_until_s": seen.load["failed_until_s"],
        "idle_api_calls": _count(calls, of_s3=False),
        "idle_s3_calls": _count(calls, of_s3=True),
        "change_api_calls": _count(changed["calls"][0], of_s3=False),
        "change_s3_calls": _count(changed["calls"][0], of_s3=True),
        "cold_start_ms": round(min(one["cold_ms"] for one in cold)),
        "billed_ms": round(billed, 1),
        "usd_per_month": round(runs * (gb_s * PRICE_PER_GB_S + PRICE_PER_RUN), 4),
        "peak_mib": round(idle["peak_mib"], 1),
    }


@contextmanager
def nobody(bench: Bench) -> Iterator[None]:
    """Have no algorithm do the job for a while."""
    events = bench.clients("events")
    for rule in events.list_rules()["Rules"]:
        events.disable_rule(Name=rule["Name"])
    yield


def measure_many(bench: Bench, count: int, rotations: int, rate: float) -> dict[str, Any]:
    """Return ours on an ALB of many nodes: one run, and whether any node is lost in rotations."""
    ours = ALGORITHMS[0]
    with bench.turn(ours):
        bench.nodes(do="scale", count=count)
        bench.nodes(do="settle", within_s=300)
        bench.await_registered(300)
        run = bench.probe(ours, runs=3)
        failed, requests, took = 0, 0, []
        for number in range(rotations):
            began = time.monotonic()
            demand = demands.Demand("desk", "http://bench.internal.example", "/", rate, 20)
            seen = demands.under_load(bench.running, demand, lambda: _rotated(bench))
            failed, requests = failed + seen["failed"], requests + seen["requests"]
            lost = _lost(bench.nodes(do="show")["history"])
            took.append(time.monotonic() - began)
            bad = {one: n for one, n in seen["statuses"].items() if one >= "500"} | seen["errors"]
            told = f"rotation {number + 1}: {took[-1]:.1f} s, lost {lost}, failed {bad or 'none'}"
            print(told, file=sys.stderr)
    return {
        "nodes": count,
        "run_ms": round(max(run["runs_ms"])),
        "run_api_calls": _count(run["calls"][-1], of_s3=False),
        "rotations": rotations,
        "nodes_lost": _lost(bench.nodes(do="show")["history"]),
        "requests": requests,
        "failed": failed,
        "rotation_s": round(statistics.median(took), 1) if took else 0,
    }


def _lost(history: Iterable[Mapping[str, Any]]) -> int:
    """Return how many nodes were removed from the NLB while DNS named them."""
    return sum(one.get("deregistered", inf) < one.get("left", inf) for one in history)


def _rotated(bench: Bench) -> None:
    bench.nodes(do="rotate", serves_s=120, detached_s=60)
    bench.nodes(do="settle", within_s=300)
    bench.await_registered(120)


def _count(calls: Mapping[str, int], *, of_s3: bool) -> int:
    return sum(number for name, number in calls.items() if name.startswith("s3.") is of_s3)


def _worst(seconds: Iterator[float | None]) -> float | None:
    found = list(seconds)
    known = [one for one in found if one is not None]
    return max(known) if len(known) == len(found) and known else None


def until(condition: Callable[[], bool], timeout_s: float, what: Callable[[], str]) -> None:
    """Return once the condition holds; end the benchmark when it never does."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(what())
        time.sleep(0.1)


@contextmanager
def twin() -> Iterator[Bench]:
    """Run a small application on a twin of its own."""
    with tempfile.TemporaryDirectory(prefix="underpass-bench-") as folder:
        (Path(folder) / "app.py").write_text(APPLICATION)
        (Path(folder) / "underpass.toml").write_text(CONFIGURATION)
        try:
            done = subprocess.run(
                [str(UNDERPASS), "up", folder], check=False, capture_output=True, text=True
            )
            if done.returncode != 0:
                sys.exit(done.stderr)
            yield Bench(Path(folder))
        finally:
            subprocess.run([str(UNDERPASS), "down", folder], check=False, capture_output=True)


ROWS = (
    ("new_address_serving_s", "a new address serves, seconds after its interface was made"),
    ("dead_address_kept_s", "a dead address stays registered, seconds (below 0: gone before)"),
    ("requests", "requests sent during the rotation"),
    ("failed", "  failed"),
    ("to_stranger", "  answered by a stranger"),
    ("over_a_second", "  that took over a second"),
    ("slowest_s", "  the slowest, seconds"),
    ("idle_api_calls", "API calls of an idle run, S3 apart"),
    ("idle_s3_calls", "S3 operations of an idle run"),
    ("change_api_calls", "API calls of a run that registers an address"),
    ("change_s3_calls", "S3 operations of such a run"),
    ("cold_start_ms", "cold start: import and clients, ms (the best of 5)"),
    ("billed_ms", "billed a warm run, ms"),
    ("usd_per_month", "Lambda's price a month, USD, without S3's"),
    ("peak_mib", "peak memory, MiB"),
)


def main() -> None:
    """Measure, print, and leave nothing running."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", help="names of algorithms, separated by commas")
    parser.add_argument("--requests-per-second", type=float, help="half of what is carried")
    parser.add_argument("--seconds", type=float, default=75)
    parser.add_argument("--nodes", type=int, default=0)
    parser.add_argument("--rotations", type=int, default=20)
    arguments = parser.parse_args()
    wanted = arguments.only.split(",") if arguments.only else [one.name for one in ALGORITHMS]
    figures: dict[str, Any] = {}
    with twin() as bench:
        if arguments.nodes:
            found = measure_many(bench, arguments.nodes, arguments.rotations, 50)
            print(json.dumps(found) if arguments.json else _lines(found))
            return
        rate = arguments.requests_per_second
        if not rate:
            with bench.turn(ALGORITHMS[0]):
                bench.await_registered()
                carried = bench.carried()
            rate = max(LEAST, carried / 2)
            print(f"{carried:g} requests a second are carried: {rate:g} are sent", file=sys.stderr)
        for algorithm in ALGORITHMS:
            if algorithm.name in wanted:
                print(f"{algorithm.name} ...", file=sys.stderr)
                figures[algorithm.name] = measure(bench, algorithm, rate, arguments.seconds)
    if arguments.json:
        print(json.dumps(figures))
        return
    print(table(figures))


def table(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the figures as a table in Markdown."""
    dns = "dnspython" if importlib.util.find_spec("dns") else "the C library"
    lines = [
        f"Seconds of the twin, {clock.SPEED:.0f} times faster than AWS's; the published look up with {dns}.",
        "",
        "| | " + " | ".join(figures) + " |",
        "|---|" + "---:|" * len(figures),
    ]
    for key, told in ROWS:
        cells = ["never" if one[key] is None else f"{one[key]:g}" for one in figures.values()]
        lines.append(f"| {told.strip()} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _lines(found: Mapping[str, Any]) -> str:
    return "\n".join(f"{key:16s} {value}" for key, value in found.items())


if __name__ == "__main__":
    main()
