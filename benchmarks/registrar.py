"""The registrar against the published ways of doing its job, at AWS's own pace: a computed time, no waiting.

The functions' own code runs, unmodified: ours as a template ships it, the published ones as
``published_registrars/function.py`` has them. What they call is a model of EC2, ELB, DNS and S3 whose clock
is virtual, so an hour takes a moment. The model's seconds are AWS's where AWS tells them: a schedule of a
minute (of five for the second published function), DNS answers that a resolver keeps for 60 s, health checks
every 10 s of which two must pass, events as late as CloudTrail's may be. Where it does not they are guesses,
written above ``rotated`` and beside the constants: how long a node serves after it left DNS, above all. So
every figure is computed; none was measured on AWS.

``--packets`` runs another benchmark instead: real packets on the twin, whose clock is 20 times faster
(``registrar_packets.py``, which has options of its own).
"""
# ruff: noqa: D102, N803  the model's methods and arguments are AWS's

from __future__ import annotations

import argparse
import io
import json
import random
import runpy
import statistics
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import ANY

from underpass.blueprint.path.registrar import source

HERE = Path(__file__).resolve().parent
BAR_S = 5.0  # from an event's arrival until the address is registered, in the middle

ALB = "arn:aws:elasticloadbalancing:us-east-1:111111111111:loadbalancer/app/bench/0123456789abcdef"
GROUP = "arn:aws:elasticloadbalancing:us-east-1:111111111111:targetgroup/bench/0123456789abcdef"
VPC = "vpc-01234567"
NAME = "internal-bench-1.us-east-1.elb.amazonaws.com"
DESCRIPTION = "ELB app/bench/0123456789abcdef"

TTL_S, HEALTH_S, DRAIN_S, TIMEOUT_S, LIFE_S = 60.0, 10.0, 30.0, 20.0, 60.0
CALL_S, S3_S, DNS_S, INVOKE_S = (
    0.1,
    0.03,
    0.01,
    0.05,
)  # guesses: a call to an API, S3, a resolver, a queue's
NODES, WARM_S, TAIL_S = 4, 600.0, 1500.0


@dataclass(frozen=True)
class Algorithm:
    """One way of keeping the addresses registered; ``delay_s`` is how late events come, if they do."""

    name: str
    minutes: int = 1
    delay_s: float | None = None
    lookups: int = 0  # the published functions'


ALGORITHMS = (
    Algorithm("underpass, events after 2 s", delay_s=2),
    Algorithm("30 s", delay_s=30),
    Algorithm("300 s", delay_s=300),
    Algorithm("none"),
    Algorithm("published_blog", lookups=50),
    Algorithm("published_hostname", minutes=5, lookups=10),
)


@dataclass(frozen=True)
class Node:
    """When things happen to one node of the ALB, in seconds of the model."""

    number: int
    created: float
    attached: float
    named: float
    left: float = inf
    dead: float = inf
    deleted: float = inf

    @property
    def address(self) -> str:
        return f"10.0.{self.number // 100}.{self.number % 100 + 10}"


def rotated(chance: random.Random, serves_s: float) -> list[Node]:
    """Return the nodes of an ALB of which each is replaced once. The guesses are these.

    A node's interface is attached 1 to 3 s after it was made, the node listens and is named 20 to 60 s after
    that. Once all new ones are named the old leave DNS, serve on for ``serves_s``, and are detached; their
    interfaces go 60 s later.
    """
    new = []
    for number in range(NODES):
        created = WARM_S + chance.uniform(0, 60)
        attached = created + chance.uniform(1, 3)
        new.append(Node(NODES + number, created, attached, attached + chance.uniform(20, 60)))
    left = max(node.named for node in new) + 1
    return new + [
        Node(one, -600, -600, -600, left, left + serves_s, left + serves_s + 60)
        for one in range(NODES)
    ]


@dataclass
class Held:
    """One registration of an address, and what became of it."""

    registered: float
    phase: float
    removed: float = inf


@dataclass
class Model:
    """EC2, ELB, DNS, S3 and the clock, as a function sees them; calls take a while of the clock's time."""

    nodes: list[Node]
    chance: random.Random
    now: float = 0.0
    held: dict[str, list[Held]] = field(default_factory=dict)
    stored: dict[str, bytes] = field(default_factory=dict)
    cached: dict[str, tuple[float, list[str]]] = field(default_factory=dict)

    # The clock

    def time(self) -> float:
        return self.now + 1.8e9

    def sleep(self, seconds: float) -> None:
        self.now += max(0.0, seconds)

    # DNS

    def resolve(self, name: str) -> list[str]:
        """Answer as a resolver that keeps what it was told; with eight of the ordinary name's."""
        self.sleep(DNS_S)
        kept = self.cached.get(name)
        if kept is None or self.now - kept[0] >= TTL_S:
            named = [one.address for one in self.nodes if one.named <= self.now < one.left]
            kept = self.cached[name] = (self.now, named)
        return (
            kept[1]
            if name.startswith("all.")
            else self.chance.sample(kept[1], min(8, len(kept[1])))
        )

    # EC2

    def describe_network_interfaces(self, *, Filters: Any, **_: Any) -> dict[str, Any]:
        self.sleep(CALL_S)
        asked = {one["Name"]: one["Values"] for one in Filters}
        found = [one for one in map(self._interface, self.nodes) if one]
        return {
            "NetworkInterfaces": [
                one
                for one in found
                if one["Description"] in asked.get("description", [one["Description"]])
                and one["PrivateIpAddress"]
                in asked.get("addresses.private-ip-address", [one["PrivateIpAddress"]])
            ]
        }

    def _interface(self, node: Node) -> dict[str, Any] | None:
        """Return who has a node's address now: from the moment it is free, a stranger."""
        if self.now < node.created:
            return None
        ours = self.now < node.deleted
        in_use = node.attached <= self.now < node.dead or not ours
        return {
            "NetworkInterfaceId": f"eni-{node.number:08x}" if ours else f"eni-f{node.number:07x}",
            "Description": DESCRIPTION if ours else "a task's",
            "RequesterManaged": ours,
            "Status": "in-use" if in_use else "available",
            "PrivateIpAddress": node.address,
        }

    # ELB

    def describe_listeners(self, **_: Any) -> dict[str, Any]:
        self.sleep(CALL_S)
        return {"Listeners": [{"Port": 80}]}

    def describe_target_health(self, **_: Any) -> dict[str, Any]:
        self.sleep(CALL_S)
        return {
            "TargetHealthDescriptions": [
                {
                    "Target": {"Id": address, "Port": 80},
                    "TargetHealth": {"State": self._state(address)},
                }
                for address in self.held
                if self.now < self.held[address][-1].removed + DRAIN_S
            ]
        }

    def _state(self, address: str) -> str:
        held = self.held[address][-1]
        if held.removed <= self.now:
            return "draining"
        if self.now < self.serving_from(address):
            return "initial"
        node = next(one for one in self.nodes if one.address == address)
        return "healthy" if self.now < node.dead + 2 * HEALTH_S else "unhealthy"

    def serving_from(self, address: str) -> float:
        """Return when an address registered now has passed two health checks, 10 s apart."""
        held = self.held[address][-1]
        node = next(one for one in self.nodes if one.address == address)
        check = held.registered + held.phase
        while check < node.named:
            check += HEALTH_S
        return check + HEALTH_S

    def register_targets(self, *, Targets: Any, **_: Any) -> None:
        self.sleep(CALL_S)
        for one in Targets:
            again = Held(self.now, self.chance.uniform(0, HEALTH_S))
            past = self.held.setdefault(one["Id"], [])
            if not past or past[-1].removed < inf:
                past.append(again)

    def deregister_targets(self, *, Targets: Any, **_: Any) -> None:
        self.sleep(CALL_S)
        for one in Targets:
            if one["Id"] in self.held:
                held = self.held[one["Id"]][-1]
                held.removed = min(held.removed, self.now)

    # S3 and CloudWatch

    def get_object(self, *, Key: str, **_: Any) -> dict[str, Any]:
        self.sleep(S3_S)
        return {"Body": io.BytesIO(self.stored[Key])}

    def put_object(self, *, Key: str, Body: str, **_: Any) -> None:
        self.sleep(S3_S)
        self.stored[Key] = Body.encode()

    def put_metric_data(self, **_: Any) -> None:
        self.sleep(CALL_S)


# The functions


@contextmanager
def instead(modules: Mapping[str, Any]) -> Iterator[None]:
    """Have an import find these modules."""
    kept = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name, module in kept.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def loaded(text: str, environment: Mapping[str, str], model: Model) -> ModuleType:
    """Return a function's code as it starts in an environment of its own, in the model's world."""

    def getaddrinfo(name: str, *_: Any) -> list[Any]:
        return [(ANY, ANY, 0, "", (address, 0)) for address in model.resolve(name)]

    clock = SimpleNamespace(time=model.time, monotonic=model.time, sleep=model.sleep)
    sockets = SimpleNamespace(getaddrinfo=getaddrinfo, AF_INET=2, SOCK_STREAM=1)
    resolver = SimpleNamespace(resolve=lambda name, _: model.resolve(name))
    others = {
        "time": clock,
        "socket": sockets,
        "boto3": SimpleNamespace(client=lambda _: model),
        "os": SimpleNamespace(environ=dict(environment)),
        "dns": SimpleNamespace(resolver=resolver),
        "dns.resolver": resolver,
    }
    module = ModuleType("function")
    with instead({**others, "function": module}):
        exec(compile(text, "function", "exec"), module.__dict__)
    return module


def ours(model: Model, algorithm: Algorithm, chance: random.Random, until: float) -> None:
    """Run the registrar as its queue does: one run at a time, for all that has arrived."""
    environment = {
        "LOAD_BALANCER_ARN": ALB,
        "VPC_ID": VPC,
        "TARGET_GROUPS": f"{GROUP}=80",
        "DNS_NAME": NAME,
        "DRAIN_RETIRED": "true",
    }
    function = loaded(source(), environment, model)
    function.__dict__["client"] = lambda _: model
    waiting = sorted(
        [(one, '"Scheduled Event"') for one in minutes(1, chance, until)]
        + [(one, "AWS API Call") for one in arrivals(model.nodes, algorithm.delay_s)]
    )
    while waiting:
        model.now = max(model.now, waiting[0][0])
        batch = [one for one in waiting[:10] if one[0] <= model.now]
        del waiting[: len(batch)]
        batch = [one for one in batch if model.now - one[0] <= LIFE_S]
        if batch:
            began = model.now
            model.sleep(INVOKE_S)
            left = SimpleNamespace(
                get_remaining_time_in_millis=lambda began=began: (
                    1000 * (TIMEOUT_S - model.now + began)
                )
            )
            function.handler({"Records": [{"body": body} for _, body in batch]}, left)


def published(model: Model, algorithm: Algorithm, chance: random.Random, until: float) -> None:
    """Run a published function on its schedule."""
    environment = {
        "ALB_DNS_NAME": NAME,
        "ALB_LISTENER": "80",
        "S3_BUCKET": "bench",
        "NLB_TG_ARN": GROUP,
        "MAX_LOOKUP_PER_INVOCATION": str(algorithm.lookups),
        "INVOCATIONS_BEFORE_DEREGISTRATION": "3",
        "CW_METRIC_FLAG_IP_COUNT": "true",
    }
    text = (HERE / "published_registrars" / "function.py").read_text()
    function = loaded(text, environment, model)
    function.logger.disabled = True
    for at in minutes(algorithm.minutes, chance, until):
        model.now = max(model.now, at)
        function.handler({}, None)


def minutes(every: int, chance: random.Random, until: float) -> Iterator[float]:
    """Yield when a schedule runs: at any second of its first period, then half a second early or late."""
    at = chance.uniform(0, 60 * every)
    while at < until:
        yield at + chance.uniform(0, 0.5)
        at += 60 * every


def arrivals(nodes: Iterable[Node], delay_s: float | None) -> list[float]:
    """Return when CloudTrail's events arrive: a node's interface was made, detached, deleted."""
    if delay_s is None:
        return []
    happened = [at for one in nodes for at in (one.created, one.dead, one.deleted)]
    return [at + delay_s for at in happened if 0 < at < inf]


# What is told


def measure(algorithm: Algorithm, rotations: int, serves_s: float) -> dict[str, Any]:
    """Return one algorithm's figures over so many rotations."""
    found: dict[str, list[float]] = {
        key: [] for key in ("registered", "serving", "event", "dead", "stranger")
    }
    lost = 0
    for number in range(rotations):
        chance = random.Random(number)
        nodes = rotated(chance, serves_s)
        model = Model(nodes, chance)
        until = max(one.deleted for one in nodes if one.deleted < inf) + TAIL_S
        with redirect_stdout(io.StringIO()):
            (published if algorithm.lookups else ours)(model, algorithm, chance, until)
        for node in nodes:
            held = model.held[node.address]
            if node.left == inf:
                at = held[0].registered
                found["registered"].append(at - node.created)
                found["serving"].append(model.serving_from(node.address) - node.created)
                after_s = (
                    at - node.created - (inf if algorithm.delay_s is None else algorithm.delay_s)
                )
                if after_s >= 0:  # else the schedule, or an event of another's, was sooner
                    found["event"].append(after_s)
                lost += len(held) > 1 or held[-1].removed < inf
            else:
                found["dead"].append(max(0.0, held[-1].removed - node.dead))
                found["stranger"].append(max(0.0, held[-1].removed - node.deleted))
                lost += held[-1].removed < node.left
    told = {
        f"{key}_{name}": round(how(values), 1)
        for key, values in found.items()
        for name, how in (("median_s", statistics.median), ("worst_s", max))
        if values
    }
    return {"rotations": rotations, "serves_s": serves_s, "live_removed": lost, **told}


ROWS = (
    ("registered", "a new address is registered, s after its interface was made"),
    ("event", "the same, s after its event's arrival, when nothing else was sooner"),
    ("serving", "it serves: the node listens and two health checks passed"),
    ("dead", "an address stays registered after its node died, s"),
    ("stranger", "an address stays registered that somebody else has, s"),
)


def table(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the figures as a table in Markdown: median, worst."""
    lines = ["| | " + " | ".join(figures) + " |", "|---|" + "---:|" * len(figures)]
    for key, told in ROWS:
        cells = [
            f"{one[f'{key}_median_s']:g}, {one[f'{key}_worst_s']:g}"
            if f"{key}_worst_s" in one
            else ""
            for one in figures.values()
        ]
        lines.append(f"| {told} | " + " | ".join(cells) + " |")
    cells = [str(one["live_removed"]) for one in figures.values()]
    return "\n".join([*lines, "| live nodes removed | " + " | ".join(cells) + " |"])


def main() -> None:
    """Compute, print, and say whether the bar is held."""
    if "--packets" in sys.argv:
        sys.argv.remove("--packets")
        runpy.run_path(str(HERE / "registrar_packets.py"), run_name="__main__")
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--packets", action="store_true", help="measure on the twin instead")
    parser.add_argument("--rotations", type=int, default=20)
    parser.add_argument("--serves", type=float, nargs="+", default=[240.0, 60.0], help="seconds")
    arguments = parser.parse_args()
    figures = {
        f"{serves:g}": {one.name: measure(one, arguments.rotations, serves) for one in ALGORITHMS}
        for serves in arguments.serves
    }
    first = next(iter(figures.values()))
    slow = [one for one, told in first.items() if told.get("event_median_s", 0) > BAR_S]
    if arguments.json:
        print(json.dumps(figures))
    else:
        for serves, told in figures.items():
            print(
                f"\nA node serves on for {serves} s after it left DNS; {arguments.rotations} rotations, "
                "median and worst, all computed:\n\n" + table(told)
            )
        print(
            f"\nregistered within {BAR_S:g} s of the event's arrival: {'no: ' + str(slow) if slow else 'yes'}"
        )
    sys.exit(bool(slow))


if __name__ == "__main__":
    main()
