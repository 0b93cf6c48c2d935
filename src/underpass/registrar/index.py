"""Keep an Application Load Balancer's addresses registered as a Network Load Balancer's targets.

An AWS Lambda function in one file, for the Python runtime as it comes: nothing but botocore and the
standard library. It stores nothing. Every run compares the ALB's network interfaces, which are the
truth, with the target groups, and repairs the difference; so runs may be lost, repeated or overlap.
What it remembers while it is warm only lets it remove more: without it, it waits for a later look.

Environment
-----------
LOAD_BALANCER_ARN, VPC_ID
    The ALB and its VPC.
TARGET_GROUPS
    ``ARN=PORT``, separated by commas: each target group, and the ALB's listener port it leads to.
DNS_NAME
    The ALB's DNS name, asked before anything is removed; empty: it is not asked.
DNS_TTL_S
    How long a resolver may keep what that name answers; 60, as ELB says, when not set. Two looks are two
    only when they are so far apart.
DRAIN_RETIRED
    ``true`` also removes nodes that the ALB has taken out of DNS, before their interfaces go.
MAX_REMOVALS
    How many targets one run may remove from a group, or as many as stay healthy if those are more; 20
    when not set. The others wait for the next run. At 0 only addresses that others have by now are removed.
REMOVE_FOREIGN
    ``true`` also removes targets that cannot be the ALB's: on another port, or outside the VPC.

Permissions
-----------
``ec2:DescribeNetworkInterfaces``, ``elasticloadbalancing:DescribeTargetHealth`` and ``DescribeListeners``
on ``*`` (they know no resources), ``RegisterTargets`` and ``DeregisterTargets`` on the target groups.

A run that could not do all it should raises, after everything else was done, so that the function's
Errors metric tells the truth. Each run writes one line of JSON: what was seen, what was done and why,
what went wrong; CloudWatch takes the metrics from it.
"""

from __future__ import annotations

import json
import os
import random
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from math import inf
from typing import Any

NAMESPACE = "Underpass/Registrar"
CALL_S = 6  # the longest one call takes: 2 to connect, 4 to read
PATIENCE_S = 5  # how long a call that fails is tried again: the others need time too
DNS_S = 1.5
UNATTACHED = "attached to nothing"
FRESH_S = 10  # what was seen longer ago is not acted on
BURST_S = 1.5
BATCH = 100  # ELB refuses larger ones now and then: https://github.com/kubernetes/kubernetes/pull/101592
FILTER_VALUES = 200  # as many as EC2 takes


@dataclass(frozen=True, order=True)
class Target:
    """An address and port as a target group holds it; ``zone`` is ``all`` for one outside the VPC."""

    address: str
    port: int
    zone: str = ""


@dataclass(frozen=True)
class Limits:
    """How far one run may go."""

    removals: int = 20
    remove_foreign: bool = False
    drain_retired: bool = False


@dataclass(frozen=True)
class Actions:
    """What one target group needs.

    ``held_back`` should go too, but not in this run; ``kept`` seems gone, but no second witness says so;
    ``foreign`` is not ours. The last two are for the log only.
    """

    register: tuple[Target, ...] = ()
    deregister: tuple[Target, ...] = ()
    held_back: tuple[Target, ...] = ()
    kept: tuple[Target, ...] = field(default=(), compare=False)
    foreign: tuple[Target, ...] = field(default=(), compare=False)


def plan(
    observed: AbstractSet[Target],
    targets: Mapping[Target, str],
    limits: Limits,
    *,
    doubtful: AbstractSet[str] = frozenset(),
    strangers: AbstractSet[str] = frozenset(),
) -> Actions:
    """Return what makes ``targets`` agree with ``observed``.

    ``observed`` is where the ALB's interfaces listen; ``targets`` is what the group holds, and the state
    of each; ``doubtful`` are addresses that one witness alone misses; ``strangers`` are addresses that
    another interface of the VPC is known to have. The rules:

    1. An address is registered as soon as its interface is seen; health checks decide when it serves.
       DNS is no reason to register anything: it may lag, or lie.
    2. A target is deregistered once its interface is gone: the address may be a stranger's next.
    3. A ``draining`` target counts as absent: it is registered again when its interface is back (``Run``
       leaves those out of ``observed`` that are on their way out), and not deregistered twice.
    4. Never to empty: when no interface is seen, nothing is removed.
    5. A doubtful address is kept: two witnesses must agree that a node is gone. ``Run`` takes a whole
       answer of DNS for the second, or, when there is none, a listing as old as DNS answers may get.
    6. At most ``limits.removals`` targets are removed, or as many as stay and are healthy if those are
       more (none at 0); the others are held back. So all of a big ALB may be replaced at once, and a
       listing that lost most of its nodes takes little away.
    7. An address that is known to be a stranger's goes at once, whatever rules 5 and 6 say: an address
       has one interface, so it is no node's, and every request sent there is one too many.
    8. A target that cannot be this ALB's is foreign and left alone, unless ``limits.remove_foreign``:
       it is on a port the ALB is not observed on, or outside the VPC. Nothing tells a target somebody
       else registered on our port, within the VPC, from a node that is gone; it is treated as gone,
       because the function is the only writer of its groups, and a wrong guess the other way would
       send requests to a stranger.

    The answer does not depend on the order of anything, and applying it twice changes nothing more.
    """
    if not observed:
        return Actions()
    present = {target for target, state in targets.items() if state != "draining"}
    ports = {target.port for target in observed}
    unseen = present - observed
    foreign = (
        set() if limits.remove_foreign else {t for t in unseen if t.zone or t.port not in ports}
    )
    gone = unseen - foreign
    stolen = {target for target in gone if target.address in strangers}
    kept = {target for target in gone - stolen if target.address in doubtful}
    leaving = sorted(gone - stolen - kept)
    staying = sum(targets.get(target) == "healthy" for target in observed)
    most = max(limits.removals, staying) if limits.removals else 0
    return Actions(
        register=tuple(sorted(observed - present)),
        deregister=(*sorted(stolen), *leaving[:most]),
        held_back=tuple(leaving[most:]),
        kept=tuple(sorted(kept)),
        foreign=tuple(sorted(foreign)),
    )


class SettingError(ValueError):
    """An environment variable is missing or malformed."""

    def __init__(self, name: str, value: str | None, expected: str) -> None:
        super().__init__(f"{name}={value!r}: expected {expected}")


class RunFailedError(RuntimeError):
    """A run could not do all it should; what it could do is done."""


@dataclass(frozen=True)
class Settings:
    """The environment, understood."""

    load_balancer_arn: str
    vpc_id: str
    target_groups: Mapping[str, tuple[int, ...]]  # ports by ARN
    limits: Limits = Limits()
    dns_name: str = ""
    dns_ttl_s: int = 60

    @property
    def name(self) -> str:
        """The ALB's full name, ``app/NAME/ID``: the dimension of its metrics."""
        return self.load_balancer_arn.split(":loadbalancer/")[1]

    @property
    def description(self) -> str:
        """What ELB calls the interfaces of the ALB's nodes.

        https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html
        """
        return f"ELB {self.name}"

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """Return the settings.

        Raises
        ------
        SettingError
            Naming the variable and its value.
        """

        def matched(name: str, pattern: str, expected: str, default: str | None = None) -> str:
            value = environment.get(name, default)
            if value is None or not re.fullmatch(pattern, value):
                raise SettingError(name, value, expected)
            return value

        load_balancer_arn = matched(
            "LOAD_BALANCER_ARN", r"arn:\S+:loadbalancer/app/[^/\s]+/[^/\s]+", "the ARN of an ALB"
        )
        group = r"arn:[^=,\s]+:targetgroup/[^=,\s]+=\d{1,5}"
        pairs = matched("TARGET_GROUPS", rf"{group}(,{group})*", "ARN=PORT[,ARN=PORT...]")
        groups: dict[str, tuple[int, ...]] = {}
        for arn, port in (pair.split("=") for pair in pairs.split(",")):
            if not 1 <= int(port) <= 65535:
                raise SettingError("TARGET_GROUPS", pairs, "ports from 1 to 65535")
            groups[arn] = (*groups.get(arn, ()), int(port))
        return cls(
            load_balancer_arn=load_balancer_arn,
            vpc_id=matched("VPC_ID", r"vpc-[0-9a-f]+", "the id of a VPC"),
            target_groups=groups,
            limits=Limits(
                int(matched("MAX_REMOVALS", r"\d{1,4}", "a number from 0 to 9999", default="20")),
                *(
                    matched(name, "true|false", "true or false", default="false") == "true"
                    for name in ("REMOVE_FOREIGN", "DRAIN_RETIRED")
                ),
            ),
            dns_name=matched("DNS_NAME", r"[A-Za-z0-9.-]*", "the ALB's DNS name", default=""),
            dns_ttl_s=int(
                matched("DNS_TTL_S", r"[1-9]\d{0,3}", "a number from 1 to 9999", default="60")
            ),
        )


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Run; every trigger asks for the same.

    After an event it stays for a moment. Its queue gives out nothing meanwhile, so that the rest of a
    burst becomes one more run. It looks again itself for a node that was not attached yet, and when the
    look that decides over a node is due so soon that the next run would be a minute late for it.
    """
    settings = Settings.read(os.environ)

    def left() -> Calls:
        return Calls(context.get_remaining_time_in_millis() / 1000 - 1 if context else 25.0)

    report = run(settings, client("ec2"), client("elbv2"), calls=left())
    records = event.get("Records", ()) if isinstance(event, dict) else ()
    called = any('"Scheduled Event"' not in record["body"] for record in records)
    due_s = MEMORY.due_s(settings.dns_ttl_s, time.time())
    again = due_s or (
        called and any(UNATTACHED in one["left"].values() for one in report["target_groups"])
    )
    time.sleep(max(0.0, min(max(due_s, BURST_S if called else 0.0), left().left_s)))
    if again and left().left_s > 2 * CALL_S:
        report = run(settings, client("ec2"), client("elbv2"), calls=left())
    return report


@cache
def client(service: str) -> Any:
    """Return a client, made once per execution environment; boto3 would take longer to import."""
    from botocore.config import Config
    from botocore.session import get_session

    # Calls tries again itself, within the time the run has left.
    config = Config(connect_timeout=2, read_timeout=4, retries={"total_max_attempts": 1})
    try:
        return session().create_client(service, config=config)
    except Exception:  # noqa: BLE001  the runtime's botocore changes without a deployment
        return get_session().create_client(service, config=config)


@cache
def session() -> Any:
    """Return the session of all clients, for which EC2 has one call."""
    from botocore.loaders import Loader
    from botocore.session import get_session

    class Descriptions(Loader):  # type: ignore[misc]  # botocore has no types
        def load_service_model(self, name: str, *which: Any, **more: Any) -> Any:
            if (name, *which[:1]) == ("ec2", "service-2"):
                return ec2_api()
            return super().load_service_model(name, *which, **more)

    made = get_session()
    made.register_component("data_loader", Descriptions())
    return made


def ec2_api() -> dict[str, Any]:
    """Return what botocore's description of EC2 says of the one call made here, and what is read of it.

    The whole description has hundreds of calls: reading it takes as long as all else at a cold start.
    """

    def many(shape: str) -> dict[str, Any]:
        return {"type": "list", "member": {"shape": shape, "locationName": "item"}}

    def structure(**members: str) -> dict[str, Any]:  # each one's shape, and its name on the wire
        told = {name: about.split() for name, about in members.items()}
        found = {name: {"shape": one, "locationName": at} for name, (one, at) in told.items()}
        return {"type": "structure", "members": found}

    call = "DescribeNetworkInterfaces"
    return {
        "metadata": {
            "apiVersion": "2016-11-15",
            "endpointPrefix": "ec2",
            "protocol": "ec2",
            "serviceId": "EC2",
            "signatureVersion": "v4",
        },
        "operations": {
            call: {
                "name": call,
                "http": {"method": "POST", "requestUri": "/"},
                "input": {"shape": "Request"},
                "output": {"shape": "Result"},
            }
        },
        "shapes": {
            "Request": structure(
                Filters="Filters filter",
                MaxResults="Integer MaxResults",
                NextToken="String NextToken",
            ),
            "Filters": many("Filter"),
            "Filter": structure(Name="String Name", Values="Strings Value"),
            "Strings": many("String"),
            "Result": structure(
                NetworkInterfaces="Interfaces networkInterfaceSet", NextToken="String nextToken"
            ),
            "Interfaces": many("Interface"),
            "Interface": structure(
                Description="String description",
                NetworkInterfaceId="String networkInterfaceId",
                PrivateIpAddress="String privateIpAddress",
                PrivateIpAddresses="Addresses privateIpAddressesSet",
                RequesterId="String requesterId",
                RequesterManaged="Boolean requesterManaged",
                Status="String status",
            ),
            "Addresses": many("Address"),
            "Address": structure(PrivateIpAddress="String privateIpAddress"),
            "Boolean": {"type": "boolean"},
            "Integer": {"type": "integer"},
            "String": {"type": "string"},
        },
    }


class Calls:
    """Makes calls, and tries again with jitter as long as the time lasts; counts them.

    ``seconds`` is how long the run may take; the others are for tests. ``asked_at`` is when the last call
    that was tried began.
    """

    def __init__(
        self,
        seconds: float = 25.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.made: Counter[str] = Counter()
        self.clock = clock
        self.asked_at = 0.0
        self._sleep = sleep
        self._ends = clock() + seconds

    @property
    def left_s(self) -> float:
        """How much of the run's time is left."""
        return self._ends - self.clock()

    def __call__(
        self, client: Any, operation: str, *, patience_s: float = PATIENCE_S, **arguments: Any
    ) -> Any:
        """Return what the operation answers; raise its error when trying again does not help."""
        most_s, error = 0.2, TimeoutError("the run's time is up")
        now = began = self.clock()
        while now + CALL_S <= self._ends and now <= began + patience_s:
            self.asked_at = now
            self.made[operation] += 1
            try:
                return getattr(client, operation)(**arguments)
            except Exception as failure:
                if not passes(failure):
                    raise
                error = failure  # type: ignore[assignment]
            self._sleep(random.uniform(0, most_s))  # noqa: S311  jitter, no secret
            most_s = min(2 * most_s, 4.0)
            now = self.clock()
        raise error


def passes(error: Exception) -> bool:
    """Tell whether it may help to try again: throttled, no answer, or the service's own fault."""
    from botocore.exceptions import ClientError, HTTPClientError

    if not isinstance(error, ClientError):
        return isinstance(error, HTTPClientError)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    limited = r"Throttl|TooManyRequests|RequestLimitExceeded|PriorRequestNotComplete"
    return status >= 500 or bool(re.search(limited, error.response["Error"]["Code"]))


def lookup(name: str) -> frozenset[str]:
    """Return a name's addresses; the resolver takes its time, so it is not waited for long.

    Raises
    ------
    OSError
        When there is no answer, or none in ``DNS_S`` seconds.
    """
    found: list[frozenset[str]] = []  # whole or not at all

    def ask() -> None:
        with suppress(OSError, UnicodeError):
            answer = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
            found.append(frozenset(str(one[4][0]) for one in answer))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(DNS_S)
    if not found:
        raise OSError(f"{name} has no answer")
    return found[0]


@dataclass
class Memory:
    """What an execution environment remembers while it lives; a run does without, at a cold start.

    ``unnamed`` tells of each interface DNS has named once since when it does not, ``inf`` while it does;
    ``unlisted`` of each registered address since when EC2 lists no interface of the ALB's that has it.
    """

    succeeded_at: float | None = None
    unnamed: dict[str, float] = field(default_factory=dict)
    unlisted: dict[str, float] = field(default_factory=dict)

    def due_s(self, ttl_s: float, now: float) -> float:
        """Return how soon a second look counts, when that is well before the next run; else 0."""
        due = [since + ttl_s - now for since in (*self.unnamed.values(), *self.unlisted.values())]
        return min((one for one in due if 0 < one <= ttl_s / 12), default=0.0)


MEMORY = Memory()


def run(
    settings: Settings,
    ec2: Any,
    elbv2: Any,
    *,
    calls: Calls | None = None,
    resolve: Callable[[str], AbstractSet[str]] = lookup,
    memory: Memory = MEMORY,
    clock: Callable[[], float] = time.time,
    say: Callable[[str], object] = print,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Bring every target group in line, print the line of JSON, and return what it says.

    ``clock`` tells the time of day: a function that is frozen between its runs can rely on no other.
    With ``dry_run`` nothing is changed, printed or raised: what is returned says what would be done.

    Raises
    ------
    RunFailedError
        When anything failed, after everything else was done.
    """
    one = Run(settings, ec2, elbv2, calls or Calls(), resolve, memory, clock, dry_run)
    report = one.report()
    if not dry_run:
        now = clock()
        if not report["errors"]:
            memory.succeeded_at = now
        say(json.dumps(metrics(settings, report, memory, now) | report))
        if report["errors"]:
            raise RunFailedError("; ".join(report["errors"]))
    return report


def metrics(
    settings: Settings, report: Mapping[str, Any], memory: Memory, now: float
) -> dict[str, Any]:
    """Return the run's numbers in the Embedded Metric Format, which CloudWatch reads from the log.

    Seconds since the last success are known only as long as the memory lasts; the alarm on staleness
    therefore asks for a missing ``Success``.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    numbers: dict[str, float] = {
        "Success": int(not report["errors"]),
        "Addresses": len(report["addresses"]),
    }
    for name, key in (
        ("Registered", "registered"),
        ("Removed", "deregistered"),
        ("HeldBack", "held_back"),
    ):
        numbers[name] = sum(len(group[key]) for group in report["target_groups"])
    if memory.succeeded_at:
        numbers["SecondsSinceSuccess"] = round(now - memory.succeeded_at, 1)
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [["LoadBalancer"]],
        "Metrics": [
            {"Name": name, "Unit": "Seconds" if name.startswith("Seconds") else "Count"}
            for name in numbers
        ],
    }
    about = {"Timestamp": int(now * 1000), "CloudWatchMetrics": [directive]}
    return {"_aws": about, "LoadBalancer": settings.name, **numbers}


class Run:
    """One run: reads, decides with ``plan``, acts. What fails joins ``errors``, and the rest goes on.

    Target groups are read before interfaces: a target that was registered meanwhile, for an interface
    that came meanwhile, is then not taken for one whose interface is gone.
    """

    def __init__(
        self,
        settings: Settings,
        ec2: Any,
        elbv2: Any,
        calls: Calls,
        resolve: Callable[[str], AbstractSet[str]],
        memory: Memory,
        clock: Callable[[], float],
        dry_run: bool,  # noqa: FBT001
    ) -> None:
        self.settings, self.ec2, self.elbv2, self.calls = settings, ec2, elbv2, calls
        self.resolve, self.memory, self.clock, self.dry_run = resolve, memory, clock, dry_run
        self.began_at = clock()
        self.errors: list[str] = []
        self.nodes: dict[str, str] = {}  # address by interface
        self.detached: set[str] = set()  # those of their addresses that nothing uses
        self.detaching: set[str] = set()  # addresses that EC2 says are about to be such
        self.retired: frozenset[str] = frozenset()
        self.ignored: list[str] = []  # interfaces described as the ALB's that ELB did not make
        self.complete = False  # whether every page of interfaces was read
        self.seen_at: float | None = None
        self.dns: frozenset[str] | str | None = None  # its answer, or why there is none
        self.all_named = False  # whether the answer holds every node
        self.listeners: frozenset[int] | None = None

    def report(self) -> dict[str, Any]:
        """Do everything and return what is to be told."""
        began = self.calls.clock()
        held = {arn: self.targets(arn) for arn in self.settings.target_groups}
        self.observe()
        if self.complete and self.nodes:
            self.miss(one for targets in held.values() for one in targets or ())
            if self.settings.limits.drain_retired:
                self.retire()
        groups = [self.repair(arn, targets) for arn, targets in held.items() if targets is not None]
        return {
            "event": "registrar",
            "load_balancer": self.settings.description,
            "addresses": sorted(self.nodes.values()),
            "retired": sorted(self.retired),
            "ignored": self.ignored,
            "dns": sorted(self.dns) if isinstance(self.dns, frozenset) else self.dns,
            "target_groups": groups,
            "errors": self.errors,
            "calls": dict(self.calls.made),
            "seconds": round(self.calls.clock() - began, 3),
        }

    def failed(self, what: str, error: object) -> None:
        """Note what went wrong."""
        self.errors.append(f"{what}: {error}")

    def variable(self, arn: str) -> str:
        """Return the part of TARGET_GROUPS that names a group."""
        return "TARGET_GROUPS=" + ",".join(f"{arn}={p}" for p in self.settings.target_groups[arn])

    # What is there

    def targets(self, arn: str) -> list[Any] | None:
        """Return what a target group holds; None when it cannot be read."""
        try:
            answer = self.calls(self.elbv2, "describe_target_health", TargetGroupArn=arn)
        except Exception as error:  # noqa: BLE001  reported, as every failure is
            self.failed(f"{self.variable(arn)}: describe_target_health", error)
            return None
        return list(answer["TargetHealthDescriptions"])

    def observe(self) -> None:
        """Read the addresses of the ALB's nodes.

        Anybody who may make an interface may describe it as a node's, so it must be ELB's own. One that
        is being detached has left its node. In any other state an interface counts until its deletion:
        until then nobody else can have its address. ``available`` is attached to nothing: not yet, or no
        more, which EC2 does not tell apart. Such a one is registered once it is attached, and stays
        registered until DNS knows nothing of it either; unless nothing else is well.
        """
        settings = self.settings
        try:
            for interface in self.interfaces(description=[settings.description]):
                interface_id, address = (
                    interface["NetworkInterfaceId"],
                    interface["PrivateIpAddress"],
                )
                if not elbs(interface):
                    self.ignored.append(interface_id)
                elif interface.get("Status") == "detaching":
                    self.detaching.add(address)
                else:
                    self.nodes[interface_id] = address
                    if interface.get("Status") == "available":
                        self.detached.add(address)
            self.complete = True
        except Exception as error:  # noqa: BLE001
            self.failed("describe_network_interfaces", error)
        if self.complete and not self.nodes:
            self.failed(
                f"LOAD_BALANCER_ARN={settings.load_balancer_arn!r}, VPC_ID={settings.vpc_id!r}",
                f"no interface of ELB's is called {settings.description!r} in this VPC",
            )

    def interfaces(self, **filters: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        """Yield the VPC's interfaces that match, page by page."""
        filters["vpc-id"] = [self.settings.vpc_id]
        asked = [{"Name": name, "Values": list(values)} for name, values in filters.items()]
        more: dict[str, Any] = {}
        while True:
            page = self.calls(
                self.ec2, "describe_network_interfaces", Filters=asked, MaxResults=1000, **more
            )
            if self.seen_at is None:
                self.seen_at = self.calls.asked_at
            yield from page["NetworkInterfaces"]
            if not page.get("NextToken"):
                return
            more = {"NextToken": page["NextToken"]}

    def named(self) -> frozenset[str]:
        """Return the addresses DNS answers with, asked once; none when there is no answer, or no time.

        ``all.NAME`` has every node; an ordinary answer holds at most eight, drawn at random.
        https://github.com/aws/elastic-load-balancing-tools
        """
        name = self.settings.dns_name
        if self.dns is None and name and self.calls.left_s > 2 * DNS_S:
            for self.all_named, full in ((True, f"all.{name}"), (False, name)):
                try:
                    self.dns = frozenset(self.resolve(full))
                    break
                except OSError as error:
                    self.dns = str(error)
        return self.dns if isinstance(self.dns, frozenset) else frozenset()

    def knows(self) -> bool:
        """Tell whether DNS's silence on a node says something: its answer holds all, and some are there."""
        named = self.named()
        return self.all_named and not named.isdisjoint(self.nodes.values())

    def long_ago(self, since: float) -> bool:
        """Tell whether a look at that time was another than this run's, not the same answer kept."""
        return self.began_at - since >= self.settings.dns_ttl_s

    def miss(self, items: Iterable[Any]) -> None:
        """Remember since when registered addresses are missing among the ALB's interfaces."""
        missed = {item["Target"]["Id"] for item in items}.difference(self.nodes.values())
        now, before = self.clock(), self.memory.unlisted
        self.memory.unlisted = {one: before.get(one, now) for one in missed}

    def retire(self) -> None:
        """Find the nodes that DNS has named and, two looks in a row, names no more.

        So an ALB retires a node: it leaves DNS and serves on for a while, before its interface goes.
        One DNS has not named yet is new; whoever does not remember takes both for live.
        """
        if not self.knows():
            return
        named, before, now = self.named(), self.memory.unnamed, self.clock()
        known = [one for one in self.nodes if one in before or self.nodes[one] in named]
        self.memory.unnamed = since = {
            one: inf if self.nodes[one] in named else min(before[one], now) for one in known
        }
        self.retired = frozenset(self.nodes[one] for one in known if self.long_ago(since[one]))

    def leaving(self, address: str) -> bool:
        """Tell whether a node whose target drains is on its way out, not on its way back.

        Another run has removed it, which may know more than this one; to register it again would send
        new flows to where nobody will be.
        """
        return self.settings.limits.drain_retired and self.complete and self.unnamed(address)

    def unnamed(self, address: str) -> bool:
        """Tell whether DNS knows of the nodes, and not of this one."""
        return self.knows() and address not in self.named()

    def gone(self, address: str) -> bool:
        """Tell whether a second witness says too that a node is gone, which EC2 does not list.

        That is DNS, or EC2 itself if it did not list it long ago either, or says that it is on its way
        out. Of an address that it lists there is no doubt: it is retired, or its port is not ours.
        """
        if address in self.nodes.values():
            return True
        if address in self.named():
            return False
        since = self.memory.unlisted.get(address, inf)
        return address in self.detaching or self.knows() or self.long_ago(since)

    def strangers(self, targets: Iterable[Target]) -> frozenset[str]:
        """Return those addresses of ``targets`` that another interface of the VPC has."""
        wanted, found = sorted({target.address for target in targets}), set()
        try:
            for start in range(0, len(wanted), FILTER_VALUES):
                values = wanted[start : start + FILTER_VALUES]
                for interface in self.interfaces(**{"addresses.private-ip-address": values}):
                    ours = interface.get("Description") == self.settings.description
                    if not (ours and elbs(interface)):
                        also = interface.get("PrivateIpAddresses") or [interface]
                        found |= {one["PrivateIpAddress"] for one in also}
        except Exception as error:  # noqa: BLE001
            self.failed("describe_network_interfaces", error)
        return frozenset(found).intersection(wanted)

    def without_listener(self, arn: str, ports: Iterable[int]) -> frozenset[int]:
        """Return those of ``ports`` the ALB does not listen on, and say so; asked once."""
        arguments = {"LoadBalancerArn": self.settings.load_balancer_arn, "PageSize": 400}
        try:
            if self.listeners is None:
                # Once: registering waits for it, and goes on without.
                answer = self.calls(self.elbv2, "describe_listeners", patience_s=0, **arguments)
                found = answer["Listeners"]
                self.listeners = frozenset(one["Port"] for one in found)
        except Exception as error:  # noqa: BLE001  registering does not depend on it
            self.failed("describe_listeners", error)
            return frozenset()
        wrong = frozenset(ports) - self.listeners
        for port in sorted(wrong):
            has = ", ".join(map(str, sorted(self.listeners))) or "none"
            self.failed(f"TARGET_GROUPS={arn}={port}", f"no such listener; the ALB has {has}")
        return wrong

    # What is done

    def repair(self, arn: str, items: Iterable[Any]) -> dict[str, Any]:
        """Bring one target group in line and return what was done, each with its reason."""
        ports, targets = self.settings.target_groups[arn], {}
        for item in items:
            address, port = item["Target"]["Id"], item["Target"]["Port"]
            outside = item["Target"].get("AvailabilityZone") == "all"
            zone = "all" if outside and address not in self.nodes.values() else ""
            targets[Target(address, port, zone)] = str(item["TargetHealth"]["State"])
        observed = {Target(address, port) for address in self.nodes.values() for port in ports}
        absent = {target for target in observed if targets.get(target, "draining") == "draining"}
        out = {
            target
            for target in observed
            if (
                target.address in self.detached
                and (target in absent or self.unnamed(target.address))
            )
            or (targets.get(target) == "draining" and self.leaving(target.address))
        }
        serving = {target for target in observed - out if target.address not in self.retired}
        if any(targets.get(target) == "healthy" for target in serving):
            observed = serving  # the others may go
        register = plan(observed, targets, self.settings.limits).register
        unproven = set(ports) - {target.port for target in targets if targets[target] == "healthy"}
        if observed and unproven:
            wrong = self.without_listener(arn, unproven)
            register = tuple(target for target in register if target.port not in wrong)
        # New addresses first: a group never passes through empty, and they wait for no other question.
        registered = self.change("register_targets", arn, register)
        actions, strangers = self.decide(observed, targets)
        leaving = actions.deregister
        if leaving and not registered and not observed.difference(actions.register):
            strangers |= self.strangers(leaving)  # no live one is there: only they go
            leaving = tuple(target for target in leaving if target.address in strangers)
        deregistered = self.change("deregister_targets", arn, leaving)

        def gone(target: Target) -> str:
            if target.zone or target.port not in ports:
                return "foreign"
            if target.address in self.retired:
                return "DNS names it no more"
            if target.address in self.detached:
                return UNATTACHED
            return "another's address" if target.address in strangers else "its interface is gone"

        def told(targets: Iterable[Target], why: Callable[[Target], str]) -> dict[str, str]:
            return {f"{target.address}:{target.port}": why(target) for target in targets}

        limit = f"MAX_REMOVALS={self.settings.limits.removals}"
        return {
            "arn": arn,
            "ports": list(ports),
            "targets": sum(state != "draining" for state in targets.values()),
            "registered": told(registered, lambda t: "was draining" if t in targets else "new"),
            "deregistered": told(deregistered, gone),
            "held_back": told(actions.held_back, lambda _: limit),
            "kept": told(
                actions.kept,
                lambda t: (
                    "DNS still names it" if t.address in self.named() else "one witness misses it"
                ),
            ),
            "left": told(
                (out & absent) - observed,
                lambda t: (
                    UNATTACHED
                    if t.address in self.detached
                    else "drains, and its node is on its way out"
                ),
            ),
            "foreign": told(
                actions.foreign, lambda t: "outside the VPC" if t.zone else "another port"
            ),
        }

    def decide(
        self, observed: AbstractSet[Target], targets: Mapping[Target, str]
    ) -> tuple[Actions, frozenset[str]]:
        """Return what is to be done, and which addresses are known to be strangers'.

        DNS is asked only when something is to be removed, and EC2 for other owners only when something
        gone would stay: a run without work asks neither.
        """
        limits, nobody = self.settings.limits, frozenset[str]()
        actions = plan(observed, targets, limits)
        if not self.complete:  # what was not seen may be on the pages that are missing
            return Actions(register=actions.register), nobody
        if not actions.deregister and not actions.held_back:
            return actions, nobody
        removable = {target.address for target in (*actions.deregister, *actions.held_back)}
        doubtful = {address for address in removable if not self.gone(address)}
        actions = plan(observed, targets, limits, doubtful=doubtful)
        if not actions.kept and not actions.held_back:
            return actions, nobody
        strangers = self.strangers((*actions.deregister, *actions.kept, *actions.held_back))
        return plan(observed, targets, limits, doubtful=doubtful, strangers=strangers), strangers

    def change(self, operation: str, arn: str, targets: Sequence[Target]) -> list[Target]:
        """Carry out one change in batches and return the targets it was done for."""
        done: list[Target] = []
        for start in range(0, len(targets), BATCH):
            batch = targets[start : start + BATCH]
            wanted = [
                {"Id": one.address, "Port": one.port}
                | ({"AvailabilityZone": one.zone} if one.zone else {})
                for one in batch
            ]
            try:
                if self.calls.clock() - (self.seen_at or 0.0) > FRESH_S:
                    raise TimeoutError("the interfaces were read too long ago")  # noqa: TRY301
                if not self.dry_run:
                    self.calls(self.elbv2, operation, TargetGroupArn=arn, Targets=wanted)
                done.extend(batch)
            except Exception as error:  # noqa: BLE001
                self.failed(f"{self.variable(arn)}: {operation}", error)
        return done


def elbs(interface: Mapping[str, Any]) -> bool:
    """Tell whether ELB made an interface: nobody but a service of AWS makes one that is managed."""
    managed = interface.get("RequesterManaged", True)
    return bool(managed) or interface.get("RequesterId") == "amazon-elb"


if os.environ.get("AWS_LAMBDA_FUNCTION_NAME"):
    # While it starts, a function has a whole processor; when it runs, a share by its memory.
    client("ec2")
    client("elbv2")
