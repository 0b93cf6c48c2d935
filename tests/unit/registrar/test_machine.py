"""The registrar in a world that changes under it, whatever happens and in whatever order.

Nodes come, are detached and go; freed addresses are taken by others; EC2's listings miss nodes that serve;
DNS lags, lies, is down or knows the plain name only; calls are throttled, refused, or fail for one page or
one batch; runs overlap call by call, come in bursts and late, and forget what they saw.

Whatever is removed was missed by two witnesses, or by one at two times that are a DNS answer's life apart;
a stranger's address goes at once; and in the end the targets are the nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from tests.unit.registrar.fakes import (
    DESCRIPTION,
    DNS_NAME,
    GROUP,
    OTHER_GROUP,
    TTL_S,
    Aws,
    Time,
    refused,
    throttled,
)
from tests.unit.registrar.steps import Look, Stepped

from underpass.registrar.index import Memory, Target

ADDRESSES = [f"10.0.0.{number}" for number in range(1, 7)]
PORTS = {GROUP: (80, 443), OTHER_GROUP: (80,)}
REMOVALS = 2
OPERATIONS = [
    "describe_network_interfaces",
    "describe_target_health",
    "describe_listeners",
    "register_targets",
    "deregister_targets",
]
FOREIGN = [Target("10.0.0.1", 8080), Target("172.16.0.1", 80, "all")]

addresses = st.sampled_from(ADDRESSES)
groups = st.sampled_from(list(PORTS))


class Registrar(RuleBasedStateMachine):
    """DNS is the second witness only: no node whose interface is listed is ever removed."""

    environment: ClassVar[dict[str, str]] = {}

    @initialize(nodes=st.sets(addresses, min_size=1), page_size=st.integers(1, 3))
    def begin(self, nodes: set[str], page_size: int) -> None:
        self.aws = Aws(groups={arn: {} for arn in PORTS})
        self.aws.page_size = page_size
        self.memory = Memory()
        self.looks: list[Look] = []
        self.wall = Time()
        self.tick = 0
        self.since: dict[str, int] = {}  # nodes in service, and since when
        self.left: dict[str, int] = {}  # addresses that were a node's, and until when
        self.truth = True
        self.active: list[Stepped] = []
        self.alone: dict[int, bool] = {}
        for address in nodes:
            self._appear(address)

    # The world

    def _taken(self) -> set[str]:
        return {one["PrivateIpAddress"] for one in self.aws.interfaces.values()}

    def _appear(self, address: str) -> None:
        self.tick += 1
        self.since[address] = self.tick
        self.aws.add(address)

    def _leave(self, address: str) -> None:
        self.tick += 1
        if self.since.pop(address, None) is not None:
            self.left[address] = self.tick

    @rule(address=addresses)
    def a_node_appears(self, address: str) -> None:
        if address not in self._taken():
            self._appear(address)

    @rule(address=addresses, status=st.sampled_from(["detaching", "available"]))
    def a_node_is_detached(self, address: str, status: str) -> None:
        for interface in self.aws.interfaces.values():
            if interface["PrivateIpAddress"] == address and address in self.since:
                interface["Status"] = status
                self._leave(address)
                return

    @rule(address=addresses)
    def an_interface_goes(self, address: str) -> None:
        self._leave(address)
        self.aws.remove(address)

    @rule(address=addresses, spoofed=st.booleans())
    def a_stranger_comes(self, address: str, spoofed: bool) -> None:
        if address not in self._taken():
            self.tick += 1
            text = DESCRIPTION if spoofed else "a task's"
            self.aws.add(address, text, RequesterManaged=False, RequesterId="AIDAEXAMPLE")

    @rule(arn=groups, theirs=st.sampled_from(FOREIGN))
    def somebody_registers_a_target_of_their_own(self, arn: str, theirs: Target) -> None:
        self.aws.groups[arn][theirs] = "healthy"

    @precondition(lambda self: not self.active)
    @rule(arn=groups, address=addresses, port=st.sampled_from([80, 443]))
    def somebody_deregisters_a_target(self, arn: str, address: str, port: int) -> None:
        if Target(address, port) in self.aws.groups[arn]:
            self.aws.groups[arn][Target(address, port)] = "draining"

    @rule(arn=groups)
    def draining_ends(self, arn: str) -> None:
        held = self.aws.groups[arn]
        self.aws.groups[arn] = {one: state for one, state in held.items() if state != "draining"}

    @rule(arn=groups, state=st.sampled_from(["healthy", "unhealthy"]))
    def health_is_checked(self, arn: str, state: str) -> None:
        held = self.aws.groups[arn]
        self.aws.groups[arn] = {
            one: state if was in {"initial", "unhealthy", "healthy"} else was
            for one, was in held.items()
        }

    @rule(
        how=st.sampled_from(["true", "stale", "down", "plain name only", "lies"]),
        lie=st.frozensets(addresses),
    )
    def dns_changes(self, how: str, lie: frozenset[str]) -> None:
        self.truth = how == "true"
        self.aws.all_answers = how != "plain name only"
        if how == "down":
            self.aws.named = None
        elif how != "stale":
            self.aws.named = set(lie if how == "lies" else self.since)

    @rule(missed=st.frozensets(addresses, max_size=3))
    def listings_miss(self, missed: frozenset[str]) -> None:
        self.aws.hidden = set(missed)

    @rule(seconds=st.sampled_from([1.5, 20.0, 59.0, 60.0, 61.0, 600.0]))
    def time_passes(self, seconds: float) -> None:
        self.wall.sleep(seconds)

    @rule()
    def memory_is_lost(self) -> None:
        self.memory, self.looks = Memory(), []

    @rule(operation=st.sampled_from(OPERATIONS), times=st.integers(1, 3))
    def calls_will_be_throttled(self, operation: str, times: int) -> None:
        self.aws.faults[operation].extend(throttled() for _ in range(times))

    @rule(operation=st.sampled_from(OPERATIONS))
    def a_call_will_be_refused(self, operation: str) -> None:
        self.aws.faults[operation].append(refused("AccessDenied"))

    # Runs

    def _start(self) -> Stepped:
        asked = ",".join(f"{arn}={port}" for arn, ports in PORTS.items() for port in ports)
        given = {"TARGET_GROUPS": asked, "DNS_NAME": DNS_NAME, "MAX_REMOVALS": str(REMOVALS)}
        asked_by = given | self.environment
        begun = Stepped(self.aws, self.tick, asked_by, self.memory, self.wall, self.looks)
        begun.checks.append(self._check)
        self.alone[id(begun)] = not self.active
        for other in self.active:
            self.alone[id(other)] = False
        return begun

    @rule()
    def a_run(self) -> None:
        run = self._start()
        run.finish()
        self._ended(run)

    @precondition(lambda self: len(self.active) < 3)
    @rule()
    def a_run_begins(self) -> None:
        self.active.append(self._start())

    @precondition(lambda self: self.active)
    @rule(which=st.integers(0, 2), calls=st.integers(1, 3))
    def a_run_goes_on(self, which: int, calls: int) -> None:
        run = self.active[which % len(self.active)]
        for _ in range(calls):
            if not run.done:
                run.step()
        if run.done:
            self.active.remove(run)
            self._ended(run)

    @rule(dns=st.sampled_from(["true", "down"]))
    def all_settles(self, dns: str) -> None:
        """Once the API answers, one run is enough, or as many as the limit asks for.

        Without DNS they begin when a look has become an earlier one.
        """
        for run in self.active:
            run.finish()
            self._ended(run)
        self.active = []
        self.aws.faults.clear()
        self.aws.hidden.clear()
        for address in self._unattached():
            self.aws.remove(address)
        self.dns_changes(dns, frozenset())
        if dns == "down":
            self.a_run()
            self.wall.sleep(TTL_S)
        gone = max(len(self._gone(arn)) for arn in PORTS)
        for _ in range(max(1, -(-gone // REMOVALS))):
            self.a_run()
        for arn, ports in PORTS.items():
            wanted = {Target(address, port) for address in self.since for port in ports}
            if wanted:
                assert self._ours(arn) == wanted

    def teardown(self) -> None:
        if hasattr(self, "active"):
            self.all_settles("true")

    # What must hold

    def _serving(self, arn: str) -> set[Target]:
        return {one for one, state in self.aws.groups[arn].items() if state != "draining"}

    def _ours(self, arn: str) -> set[Target]:
        return {one for one in self._serving(arn) if one not in FOREIGN}

    def _gone(self, arn: str) -> set[Target]:
        """Return targets that are neither nodes nor, as far as EC2 knows, anybody's."""
        return {
            one
            for one in self._ours(arn)
            if one.address not in self.since and one.address not in self._strangers()
        }

    def _strangers(self) -> set[str]:
        return {
            one["PrivateIpAddress"]
            for one in self.aws.interfaces.values()
            if not one["RequesterManaged"]
        }

    def _unattached(self) -> set[str]:
        """Return the addresses of dead nodes whose interfaces are still there."""
        return {
            one["PrivateIpAddress"]
            for one in self.aws.interfaces.values()
            if one["Status"] == "available"
        }

    def _throughout(self, run: Stepped) -> set[str]:
        """Return the nodes that have been in service since the run began."""
        return {address for address, tick in self.since.items() if tick <= run.started}

    def _check(self, run: Stepped, operation: str, arguments: Mapping[str, Any]) -> None:
        """Look at a change before it is made."""
        if operation not in {"register_targets", "deregister_targets"}:
            return
        arn = arguments["TargetGroupArn"]
        asked = {
            Target(one["Id"], one["Port"], one.get("AvailabilityZone", ""))
            for one in arguments["Targets"]
        }
        assert asked.isdisjoint(FOREIGN)
        if operation == "register_targets":
            been = {one for one, until in self.left.items() if until > run.started}
            dead = {one.address for one in asked} - self.since.keys() - been
            assert dead <= run.unattached
            others = {Target(one, 80) for one in self._throughout(run) & (run.listed or set())}
            if "DRAIN_RETIRED" not in self.environment and self.alone[id(run)]:
                assert not dead or "healthy" not in {
                    self.aws.groups[arn].get(one) for one in others
                }
            return
        living = self._throughout(run)
        for one in {one.address for one in asked} - self._strangers():
            assert self._missed_twice(run, one), "removed on one witness, or at one look"
        nobodys = {one for one in asked if one.address not in self._strangers()}
        if living and nobodys & self._serving(arn):
            assert self._serving(arn) - asked, "emptied while a node lives"

    def _missed_twice(self, run: Stepped, address: str) -> bool:
        """Tell whether what a run has seen, and those before it as it remembers, is enough to remove."""
        if run.listed is None or address in run.answer:
            return False
        heard = run.named is not None and not run.named.isdisjoint(run.listed)
        if address in run.unattached:
            return heard
        if address in run.listed:
            return (
                heard and "DRAIN_RETIRED" in self.environment and self._before(run, "DNS", address)
            )
        return heard or address in run.detaching or self._before(run, "EC2", address)

    def _before(self, run: Stepped, witness: str, address: str) -> bool:
        """Tell whether a witness missed an address long before a run, and has not seen it since."""
        assert run.began_s is not None
        for look in reversed([one for one in run.looks if one.witness == witness]):
            if address in look.seen:
                return False
            if run.began_s - look.ended_s >= TTL_S:
                return True
        return False

    def _never_left(self, run: Stepped) -> set[str]:
        """Return the nodes whose targets are registered again when they drain."""
        return self._throughout(run)

    def _ended(self, run: Stepped) -> None:
        failed = run.error is not None
        if run.refused or not self._throughout(run) | self._changed(run) | run.unattached:
            assert failed, "a failure was silent"
        if failed:
            return
        assert run.report is not None
        retired = set(run.report["retired"])
        for arn, told in zip(PORTS, run.report["target_groups"], strict=True):
            living = self._throughout(run) & (run.listed or frozenset())
            wanted = {Target(one, port) for one in living - retired for port in PORTS[arn]}
            left = {one for one in wanted if f"{one.address}:{one.port}" in told["left"]}
            assert {one.address for one in left}.isdisjoint(self._never_left(run))
            wanted -= left
            assert wanted <= self._serving(arn)
            most = max(REMOVALS, len(run.report["addresses"]) * len(PORTS[arn]))
            assert len([w for w in told["deregistered"].values() if "another" not in w]) <= most
            if self.alone[id(run)] and not self._changed(run):
                excused = {*told["kept"], *told["held_back"]}
                over = {f"{one.address}:{one.port}" for one in self._ours(arn) - wanted}
                loose = {*retired, *run.unattached}
                assert over - {f"{one}:{port}" for one in loose for port in (80, 443)} <= excused

    def _changed(self, run: Stepped) -> set[str]:
        """Return the addresses that came or went as nodes while the run was at work."""
        came = {one for one, tick in self.since.items() if tick > run.started}
        return came | {one for one, tick in self.left.items() if tick > run.started}

    @invariant()
    def foreign_targets_are_left_alone(self) -> None:
        for arn in getattr(self, "aws", Aws()).groups:
            held = self.aws.groups[arn] if hasattr(self, "aws") else {}
            assert all(held[one] != "draining" for one in FOREIGN if one in held)


class Draining(Registrar):
    """Nodes that left DNS are removed too: only they, and only on the word of a whole answer."""

    environment: ClassVar[dict[str, str]] = {"DRAIN_RETIRED": "true"}

    def _never_left(self, run: Stepped) -> set[str]:
        if run.named is None:
            return self._throughout(run)
        return self._throughout(run) & run.named


TestRegistrar = Registrar.TestCase
TestDraining = Draining.TestCase
TestRegistrar.settings = TestDraining.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None
)
