"""One run against fakes: what it does, what it says, and that no failure is silent."""

import ast
import json
import sys
from math import inf
from pathlib import Path

import pytest
from botocore.exceptions import ReadTimeoutError
from tests.unit.registrar.fakes import (
    ALB,
    DESCRIPTION,
    DNS_NAME,
    ENVIRONMENT,
    GROUP,
    NOW_S,
    OTHER_GROUP,
    VPC,
    Aws,
    Time,
    looked_before,
    once,
    refused,
    throttled,
)

from underpass.registrar import index
from underpass.registrar.index import Memory, RunFailedError, SettingError, Settings, Target

TWO_GROUPS = f"{GROUP}=80,{OTHER_GROUP}=443"
IDLE = ["describe_target_health", "describe_network_interfaces"]


def held(*numbers: int, port: int = 80, state: str = "healthy") -> dict[Target, str]:
    return {Target(f"10.0.0.{number}", port): state for number in numbers}


def of(*numbers: int, port: int = 80) -> set[str]:
    return {f"10.0.0.{number}:{port}" for number in numbers}


def nodes(*numbers: int) -> list[str]:
    return [f"10.0.0.{number}" for number in numbers]


# What is done


def test_a_run_repairs_every_group_on_its_own_port() -> None:
    aws = Aws(nodes(1, 2, 3), {GROUP: held(9), OTHER_GROUP: {}})
    report = once(aws, memory=looked_before(9), TARGET_GROUPS=TWO_GROUPS)
    assert aws.serving(GROUP) == of(1, 2, 3)
    assert aws.serving(OTHER_GROUP) == of(1, 2, 3, port=443)
    assert report["target_groups"][0]["deregistered"] == {"10.0.0.9:80": "its interface is gone"}


def test_one_group_may_lead_to_several_ports() -> None:
    aws = Aws(nodes(1), {GROUP: held(9) | held(9, port=443)})
    both = f"{GROUP}=80,{GROUP}=443"
    once(aws, memory=looked_before(9), TARGET_GROUPS=both, REMOVE_FOREIGN="true")
    assert aws.serving() == of(1) | of(1, port=443)


def test_a_target_on_another_port_of_a_node_is_foreign_whatever_dns_names() -> None:
    aws = Aws(nodes(1), {GROUP: held(1) | held(1, port=81)})
    aws.named = set(nodes(1))
    once(aws, DNS_NAME=DNS_NAME, REMOVE_FOREIGN="true")
    assert aws.serving() == of(1)


def test_an_idle_run_makes_two_calls_and_asks_no_name() -> None:
    aws = Aws(nodes(1, 2), {GROUP: held(1, 2)})
    once(aws, DNS_NAME=DNS_NAME)
    assert aws.called == IDLE


def test_an_idle_run_that_follows_dns_makes_the_same_two_calls() -> None:
    aws = Aws(nodes(1, 2), {GROUP: held(1, 2)})
    aws.named = set(nodes(1, 2))
    once(aws, DNS_NAME=DNS_NAME, DRAIN_RETIRED="true")
    assert aws.called == [*IDLE, "resolve"]


def test_a_hundred_nodes_are_one_page_and_one_change() -> None:
    aws = Aws(nodes(*range(100)))
    aws.page_size = 1000
    once(aws)
    assert aws.called == [*IDLE, "describe_listeners", "register_targets"]
    assert len(aws.serving()) == 100


def test_more_than_a_hundred_changes_go_in_batches() -> None:
    aws = Aws(nodes(*range(100)), {GROUP: {}})
    once(aws, TARGET_GROUPS=f"{GROUP}=80,{GROUP}=443")
    assert aws.called.count("register_targets") == 2
    assert len(aws.serving()) == 200


def test_groups_are_read_before_interfaces_and_new_come_before_old_go() -> None:
    aws = Aws(nodes(1), {GROUP: held(9)})
    once(aws, memory=looked_before(9))
    assert aws.called == [*IDLE, "register_targets", "deregister_targets"]


def test_a_node_that_came_between_the_reads_is_not_removed() -> None:
    aws = Aws(nodes(1), {GROUP: held(1)})

    def another_run_registers(operation: str, _: object) -> None:
        if operation == "describe_network_interfaces":
            aws.add("10.0.0.2")
            aws.groups[GROUP] |= held(2)

    aws.before = another_run_registers
    once(aws)
    assert aws.serving() == of(1, 2)


# Who is a node


def test_an_interface_anybody_made_is_no_node() -> None:
    aws = Aws(nodes(1))
    mine = aws.add("10.0.0.66", RequesterManaged=False, RequesterId="AIDAEXAMPLE")
    assert once(aws)["ignored"] == [mine]
    assert aws.serving() == of(1)


@pytest.mark.parametrize("status", ["associated", "attaching", "in-use"])
def test_an_interface_counts_once_it_is_attached(status: str) -> None:
    """It had counted from its creation: one that is `available` may as well be a dead node's."""
    aws = Aws(nodes(1), {GROUP: held(1)})
    interface = aws.add("10.0.0.2", Status="available")
    (group,) = once(aws)["target_groups"]
    assert (group["registered"], group["left"]) == ({}, {"10.0.0.2:80": "attached to nothing"})
    assert aws.serving() == of(1)
    aws.interfaces[interface]["Status"] = status
    once(aws)
    assert aws.serving() == of(1, 2)


def test_an_interface_that_is_attached_to_nothing_is_better_than_none() -> None:
    aws = Aws(nodes(1), {GROUP: held(1, state="unhealthy")})
    aws.add("10.0.0.2", Status="available")
    once(aws)
    assert aws.serving() == of(1, 2)


def test_a_registered_address_stays_while_its_interface_is_there() -> None:
    aws = Aws(nodes(1), {GROUP: held(1, 2)})
    aws.add("10.0.0.2", Status="available")
    for at_s in (NOW_S, NOW_S + 60):
        once(aws, at_s=at_s)
    assert aws.serving() == of(1, 2)


def test_an_interface_that_is_being_detached_has_left_its_node() -> None:
    aws = Aws(nodes(1), {GROUP: held(1, 2)})
    aws.add("10.0.0.2", Status="detaching")
    once(aws)
    assert aws.serving() == of(1)


def test_what_is_attached_to_nothing_and_unknown_to_dns_goes_before_its_interface() -> None:
    aws = Aws(nodes(1), {GROUP: held(1, 2, 3)})
    aws.add("10.0.0.2", Status="available")
    aws.add("10.0.0.3", Status="available")
    aws.named = set(nodes(1, 3))
    (group,) = once(aws, DNS_NAME=DNS_NAME)["target_groups"]
    assert group["deregistered"] == {"10.0.0.2:80": "attached to nothing"}
    assert aws.serving() == of(1, 3)


def test_a_node_that_comes_back_while_the_run_is_at_work_is_no_stranger() -> None:
    aws = Aws(nodes(1), {GROUP: held(1, 2)})

    def comes_back(operation: str, _: object) -> None:
        if aws.called.count("describe_network_interfaces") == 2 and "10.0.0.2" not in {
            one["PrivateIpAddress"] for one in aws.interfaces.values()
        }:
            aws.add("10.0.0.2")

    aws.before = comes_back
    once(aws, MAX_REMOVALS="0")
    assert aws.serving() == of(1, 2)


# The second witness


def test_what_dns_still_names_is_kept_and_what_it_names_alone_is_not_registered() -> None:
    aws = Aws(nodes(1), {GROUP: held(1, 8, 9)})
    aws.named = set(nodes(1, 8, 7))
    report = once(aws, DNS_NAME=DNS_NAME)
    assert aws.serving() == of(1, 8)
    assert report["target_groups"][0]["kept"] == {"10.0.0.8:80": "DNS still names it"}
    assert report["dns"] == sorted(aws.named)


def test_the_plain_name_is_asked_when_the_other_is_silent_and_only_keeps() -> None:
    """It had removed too: but it holds eight at most, of the zones that are well."""
    aws, memory = Aws(nodes(1), {GROUP: held(1, 8, 9)}), Memory()
    aws.named, aws.all_answers = set(nodes(1, 8)), False
    once(aws, memory=memory, DNS_NAME=DNS_NAME)
    assert aws.serving() == of(1, 8, 9)
    once(aws, memory=memory, at_s=NOW_S + 60, DNS_NAME=DNS_NAME)
    assert aws.serving() == of(1, 8)


@pytest.mark.parametrize("asked", [DNS_NAME, ""])
def test_what_one_witness_misses_is_kept_until_a_later_look_misses_it_too(asked: str) -> None:
    """It had been removed at once: EC2's listings are consistent only in the end."""
    aws, memory = Aws(nodes(1), {GROUP: held(1, 9)}), Memory()
    seen = []
    for later_s in (0, 1.5, 59, 60):
        report = once(aws, memory=memory, at_s=NOW_S + later_s, DNS_NAME=asked)
        seen.append((aws.serving(), report["target_groups"][0]["kept"]))
        assert report["errors"] == []
    kept = {"10.0.0.9:80": "one witness misses it"}
    assert seen == [(of(1, 9), kept)] * 3 + [(of(1), {})]
    assert report["dns"] == (f"{DNS_NAME} has no answer" if asked else None)


def test_a_node_that_a_look_in_between_lists_is_missed_anew() -> None:
    aws, memory = Aws(nodes(1), {GROUP: held(1, 9)}), Memory()
    once(aws, memory=memory)
    aws.add("10.0.0.9")
    once(aws, memory=memory, at_s=NOW_S + 30)
    aws.remove("10.0.0.9")
    once(aws, memory=memory, at_s=NOW_S + 60)
    assert aws.serving() == of(1, 9)


def test_an_answer_that_names_no_node_there_is_no_witness() -> None:
    aws = Aws(nodes(1), {GROUP: held(1, 9)})
    aws.named = set(nodes(7))
    once(aws, DNS_NAME=DNS_NAME)
    assert aws.serving() == of(1, 9)


def test_without_memory_what_one_witness_misses_stays_and_a_stranger_goes() -> None:
    aws = Aws(nodes(1), {GROUP: held(1, 8, 9)})
    aws.add("10.0.0.8", "a task's")
    for later_s in (0, 60, 120):
        once(aws, at_s=NOW_S + later_s)
    assert aws.serving() == of(1, 9)


def test_a_strangers_address_goes_at_once_whatever_dns_and_the_limit_say() -> None:
    aws = Aws(nodes(1), {GROUP: held(1, 7, 8, 9)})
    aws.add("10.0.0.8", "a task's")
    aws.add("10.0.0.9", "another's")
    aws.named = set(nodes(1, 8))
    report = once(aws, DNS_NAME=DNS_NAME, MAX_REMOVALS="0")
    assert aws.serving() == of(1, 7)
    (group,) = report["target_groups"]
    assert group["deregistered"] == dict.fromkeys(sorted(of(8, 9)), "another's address")
    assert group["held_back"] == {"10.0.0.7:80": "MAX_REMOVALS=0"}


def test_a_stranger_is_known_by_its_other_addresses_too() -> None:
    aws = Aws(nodes(1), {GROUP: held(1, 9)})
    aws.named = set(nodes(1, 9))
    both = [{"PrivateIpAddress": "10.0.0.9"}, {"PrivateIpAddress": "10.0.0.10"}]
    aws.add("10.0.0.9", "a task's", PrivateIpAddresses=both)
    once(aws, DNS_NAME=DNS_NAME)
    assert aws.serving() == of(1)


# Nodes that leave


def leaving() -> tuple[Aws, Memory]:
    """Return an ALB of two nodes, both known to DNS, the second of which has now left it."""
    aws, memory = Aws(nodes(1, 2), {GROUP: held(1, 2)}), Memory()
    aws.named = set(nodes(1, 2))
    once(aws, memory=memory, DNS_NAME=DNS_NAME, DRAIN_RETIRED="true")
    aws.named = set(nodes(1))
    return aws, memory


def look(
    aws: Aws, memory: Memory, later_s: float, *, drain: str = "true", ttl_s: int = 60
) -> set[str]:
    """Run once, so much later than now, and return what serves then."""
    asked = {"DNS_NAME": DNS_NAME, "DRAIN_RETIRED": drain, "DNS_TTL_S": str(ttl_s)}
    once(aws, memory=memory, at_s=NOW_S + later_s, dry_run=False, time=None, **asked)
    return aws.serving()


def test_a_node_that_left_dns_goes_at_a_look_a_minute_later_and_stays_away() -> None:
    """The second run had been enough: a burst, or one cached answer, is one look."""
    aws, memory = leaving()
    seen = [look(aws, memory, later_s) for later_s in (1, 2.5, 60, 61, 62, 122)]
    assert seen == [of(1, 2)] * 3 + [of(1)] * 3


def test_a_node_that_is_named_in_between_is_missed_anew() -> None:
    aws, memory = leaving()
    look(aws, memory, 0)
    aws.named = set(nodes(1, 2))
    look(aws, memory, 30)
    aws.named = set(nodes(1))
    assert [look(aws, memory, later_s) for later_s in (60, 119, 120)] == [of(1, 2), of(1, 2), of(1)]


def test_a_look_without_an_answer_is_none() -> None:
    aws, memory = leaving()
    look(aws, memory, 0)
    aws.named = None
    assert look(aws, memory, 60) == of(1, 2)
    aws.named = set(nodes(1))
    assert look(aws, memory, 61) == of(1)


def test_how_long_an_answer_may_be_kept_is_a_setting() -> None:
    aws, memory = leaving()
    seen = [look(aws, memory, later_s, ttl_s=3) for later_s in (0, 2, 3)]
    assert seen == [of(1, 2), of(1, 2), of(1)]


def test_a_clock_that_went_back_removes_nothing() -> None:
    aws, memory = leaving()
    assert [look(aws, memory, later_s) for later_s in (0, -3600)] == [of(1, 2)] * 2


def test_a_look_that_is_nearly_due_is_waited_for() -> None:
    memory = Memory(unnamed={"eni-1": NOW_S - 57, "eni-2": inf}, unlisted={"10.0.0.9": NOW_S - 10})
    assert memory.due_s(60, NOW_S) == 3
    assert memory.due_s(60, NOW_S - 10) == 0
    assert memory.due_s(60, NOW_S + 3) == 0
    assert Memory().due_s(60, NOW_S) == 0


def test_a_node_that_is_named_again_is_back_at_once() -> None:
    aws, memory = leaving()
    for later_s, named in ((0, nodes(1)), (60, nodes(1)), (61, nodes(1, 2))):
        aws.named = set(named)
        serving = look(aws, memory, later_s)
    assert serving == of(1, 2)


def test_a_node_dns_has_never_named_is_new() -> None:
    aws, memory = leaving()
    aws.add("10.0.0.3")
    for number in range(5):
        serving = look(aws, memory, 60 * number)
    assert serving == of(1, 3)


@pytest.mark.parametrize(
    "why",
    ["not asked for", "no memory", "plain name only", "DNS names nobody", "nobody else is well"],
)
def test_a_node_whose_interface_is_there_stays_unless_all_is_certain(why: str) -> None:
    aws, memory = leaving()
    asked = "false" if why == "not asked for" else "true"
    aws.all_answers = why != "plain name only"
    if why == "DNS names nobody":
        aws.named = set(nodes(77))
        aws.add("10.0.0.3")  # well, and never named
        aws.groups[GROUP] |= held(3)
    if why == "nobody else is well":
        aws.groups[GROUP] = held(1, state="initial") | held(2)
    for number in range(5):
        memory = Memory() if why == "no memory" else memory
        look(aws, memory, 60 * number, drain=asked)
    assert aws.serving() >= of(1, 2)


@pytest.mark.parametrize("named", [nodes(1), nodes(1, 2)])
def test_what_another_run_is_draining_comes_back_only_when_dns_names_it(named: list[str]) -> None:
    """Such as a run from the command line, which remembers nothing."""
    aws = Aws(nodes(1, 2), {GROUP: held(1) | held(2, state="draining")})
    aws.named = set(named)
    once(aws, DNS_NAME=DNS_NAME, DRAIN_RETIRED="true")
    assert aws.serving() == {f"{address}:80" for address in named}


def test_an_interface_that_was_detached_brings_no_draining_target_back() -> None:
    aws = Aws(nodes(1), {GROUP: held(1) | held(2, state="draining")})
    interface = aws.add("10.0.0.2", Status="available")
    once(aws)
    assert aws.serving() == of(1)
    aws.interfaces[interface]["Status"] = "in-use"  # the ALB has taken the address again
    once(aws)
    assert aws.serving() == of(1, 2)


def test_a_draining_target_is_better_than_none() -> None:
    aws = Aws((), {GROUP: held(2, state="draining")})
    aws.add("10.0.0.2", Status="available")
    once(aws)
    assert aws.serving() == of(2)


# What is said


def test_each_run_writes_one_line_with_what_was_seen_and_done_and_why(
    capsys: pytest.CaptureFixture[str],
) -> None:
    aws = Aws(nodes(1), {GROUP: held(1, state="draining") | held(7, 8) | held(9, port=90)})
    once(aws, memory=looked_before(7, 8), MAX_REMOVALS="1")
    (line,) = capsys.readouterr().out.splitlines()
    said = json.loads(line)
    about = said.pop("_aws")
    assert said == {
        "LoadBalancer": "app/notes/0123456789abcdef",
        "Success": 1,
        "Addresses": 1,
        "Registered": 1,
        "Removed": 1,
        "HeldBack": 1,
        "SecondsSinceSuccess": pytest.approx(0, abs=1),
        "event": "registrar",
        "load_balancer": DESCRIPTION,
        "addresses": ["10.0.0.1"],
        "retired": [],
        "ignored": [],
        "dns": None,
        "target_groups": [
            {
                "arn": GROUP,
                "ports": [80],
                "targets": 3,
                "registered": {"10.0.0.1:80": "was draining"},
                "deregistered": {"10.0.0.7:80": "its interface is gone"},
                "held_back": {"10.0.0.8:80": "MAX_REMOVALS=1"},
                "kept": {},
                "left": {},
                "foreign": {"10.0.0.9:90": "another port"},
            }
        ],
        "errors": [],
        "calls": {
            "describe_target_health": 1,
            "describe_network_interfaces": 2,
            "register_targets": 1,
            "deregister_targets": 1,
        },
        "seconds": 0,
    }
    (directive,) = about["CloudWatchMetrics"]
    assert directive["Namespace"] == "Underpass/Registrar"
    assert directive["Dimensions"] == [["LoadBalancer"]]
    assert {metric["Name"] for metric in directive["Metrics"]} <= said.keys()


def test_a_failed_run_says_how_long_ago_the_last_success_was(
    capsys: pytest.CaptureFixture[str],
) -> None:
    memory = Memory()
    for _ in range(2):
        aws = Aws(nodes(1), {GROUP: held(1)})
        aws.faults["describe_target_health"] = [refused("AccessDenied")]
        with pytest.raises(RunFailedError):
            once(aws, memory=memory)
        memory.succeeded_at = 1.0  # 1970
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["Success"] == second["Success"] == 0
    assert "SecondsSinceSuccess" not in first
    assert second["SecondsSinceSuccess"] > 1e9


def test_a_dry_run_says_what_would_be_done_and_does_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    aws = Aws(nodes(1), {GROUP: held(9)})
    aws.faults[f"describe_target_health {OTHER_GROUP}"] = [refused("AccessDenied")]
    report = once(aws, memory=looked_before(9), dry_run=True, TARGET_GROUPS=TWO_GROUPS)
    assert report["target_groups"][0]["registered"] == {"10.0.0.1:80": "new"}
    assert report["target_groups"][0]["deregistered"] == {"10.0.0.9:80": "its interface is gone"}
    assert len(report["errors"]) == 1
    assert aws.serving() == of(9)
    assert not capsys.readouterr().out


# What goes wrong


def test_an_alb_without_interfaces_is_an_error_and_nothing_is_removed() -> None:
    aws = Aws([], {GROUP: held(1)})
    aws.add("10.0.0.1", "a stranger's")
    with pytest.raises(RunFailedError, match=rf"LOAD_BALANCER_ARN='{ALB}', VPC_ID='{VPC}'"):
        once(aws)
    assert aws.serving() == of(1)


def test_pages_that_are_missing_remove_nothing_and_what_was_seen_is_registered() -> None:
    aws = Aws(nodes(1, 2, 3), {GROUP: held(3, 9)})

    def second_page_fails(operation: str, _: object) -> None:
        if aws.called.count("describe_network_interfaces") == 2:
            aws.before = lambda *_: None
            raise refused("AccessDenied")

    aws.before = second_page_fails
    with pytest.raises(RunFailedError, match=r"describe_network_interfaces.*AccessDenied"):
        once(aws)
    assert aws.serving() == of(1, 2, 3, 9)


@pytest.mark.parametrize(
    ("operation", "left"),
    [
        ("describe_target_health", of(1, 9)),
        ("register_targets", of(1)),  # the dead are not kept for it
        ("deregister_targets", of(1, 2, 9)),
    ],
)
def test_one_failure_is_raised_after_everything_else_was_done(
    operation: str, left: set[str]
) -> None:
    aws = Aws(nodes(1, 2), {GROUP: held(1, 9), OTHER_GROUP: {}})
    aws.faults[f"{operation} {GROUP}"] = [refused("AccessDenied")]
    wanted = rf"^TARGET_GROUPS={GROUP}=80: {operation}: .*AccessDenied"
    with pytest.raises(RunFailedError, match=wanted):
        once(aws, memory=looked_before(9), TARGET_GROUPS=TWO_GROUPS)
    assert aws.serving(OTHER_GROUP) == of(1, 2, port=443)
    assert aws.serving(GROUP) == left


def test_one_batch_that_fails_does_not_stop_the_others() -> None:
    aws = Aws(nodes(*range(150)))
    aws.faults["register_targets"] = [refused("TooManyTargets")]
    with pytest.raises(RunFailedError, match="TooManyTargets"):
        once(aws)
    assert len(aws.serving()) == 50


def test_nothing_but_strangers_is_removed_when_no_live_address_could_be_registered() -> None:
    aws = Aws(nodes(1), {GROUP: held(8, 9) | held(1, state="draining")})
    aws.add("10.0.0.8", "a stranger's")
    aws.faults["register_targets"] = [refused("AccessDenied")]
    with pytest.raises(RunFailedError, match="AccessDenied"):
        once(aws)
    assert aws.serving() == of(9)


def test_what_passes_is_tried_again_as_long_as_the_time_lasts() -> None:
    aws, time = Aws(nodes(1)), Time()
    timeout = ReadTimeoutError(endpoint_url="https://ec2")
    aws.faults["describe_network_interfaces"] = [
        throttled(),
        refused("InternalError", 500),
        timeout,
    ]
    aws.faults["register_targets"] = [throttled()]
    report = once(aws, time=time)
    assert aws.serving() == of(1)
    assert report["calls"]["describe_network_interfaces"] == 4
    assert time.now_s > 0


def test_what_does_not_pass_is_an_error_before_the_function_is_ended() -> None:
    aws, time = Aws(nodes(1)), Time()
    aws.faults["describe_network_interfaces"] = [throttled() for _ in range(1000)]
    with pytest.raises(RunFailedError, match=r"describe_network_interfaces: .*Throttling"):
        once(aws, time=time)
    assert 2 < time.now_s < 10, "the other calls have their time"
    assert aws.serving() == set()


def test_what_was_seen_long_ago_is_not_acted_on() -> None:
    aws, time = Aws(nodes(1)), Time()

    def slowly(operation: str, _: object) -> None:
        time.sleep(11 if operation == "describe_listeners" else 0)

    aws.before = slowly
    with pytest.raises(RunFailedError, match="the interfaces were read too long ago"):
        once(aws, time=time)
    assert aws.serving() == set()


def test_a_port_without_a_listener_is_named_and_nothing_is_registered_on_it() -> None:
    aws = Aws(nodes(1), {GROUP: {}}, listeners=[80])
    wanted = f"TARGET_GROUPS={GROUP}=81: no such listener; the ALB has 80"
    with pytest.raises(RunFailedError, match=wanted):
        once(aws, TARGET_GROUPS=f"{GROUP}=80,{GROUP}=81")
    assert aws.serving() == of(1)


def test_listeners_that_cannot_be_read_are_an_error_that_stops_no_registration() -> None:
    aws = Aws(nodes(1))
    aws.faults["describe_listeners"] = [refused("AccessDenied")]
    with pytest.raises(RunFailedError, match=r"describe_listeners: .*AccessDenied"):
        once(aws)
    assert aws.serving() == of(1)


def test_listeners_that_stay_throttled_hold_no_registration_back() -> None:
    aws, time = Aws(nodes(1)), Time()
    aws.faults["describe_listeners"] = [throttled() for _ in range(1000)]
    with pytest.raises(RunFailedError, match=r"describe_listeners: .*Throttling"):
        once(aws, time=time)
    assert aws.serving() == of(1)
    assert aws.called.count("describe_listeners") == 1


def test_a_group_that_stays_throttled_leaves_the_others_their_time() -> None:
    aws, time = Aws(nodes(1), {GROUP: {}, OTHER_GROUP: {}}), Time()
    aws.faults[f"describe_target_health {GROUP}"] = [throttled() for _ in range(1000)]
    with pytest.raises(RunFailedError, match=f"{GROUP}=80: describe_target_health: .*Throttling"):
        once(aws, time=time, TARGET_GROUPS=TWO_GROUPS)
    assert aws.serving(OTHER_GROUP) == of(1, port=443)


def test_new_nodes_do_not_wait_for_what_is_asked_about_the_old_ones() -> None:
    aws, time = Aws(nodes(1), {GROUP: held(8)}), Time()
    aws.named = set(nodes(8))
    aws.add("10.0.0.8", "a task's", RequesterManaged=False, RequesterId="AIDAEXAMPLE")

    def slowly(operation: str, _: object) -> None:
        time.sleep(11 if aws.called.count("describe_network_interfaces") == 2 else 0)

    aws.before = slowly
    with pytest.raises(RunFailedError, match=r"deregister_targets: .* too long ago"):
        once(aws, time=time, DNS_NAME=DNS_NAME)
    assert aws.serving() == of(1, 8)


def test_an_answer_that_came_late_is_as_fresh_as_its_question() -> None:
    aws, time = Aws(nodes(1)), Time()
    aws.faults["describe_network_interfaces"] = [ReadTimeoutError(endpoint_url="https://ec2")]

    def slowly(operation: str, _: object) -> None:
        first = aws.called.count("describe_network_interfaces") == 1
        time.sleep(4.5 if operation == "describe_network_interfaces" and first else 0)
        time.sleep(6 if operation == "describe_listeners" else 0)

    aws.before = slowly
    once(aws, time=time)
    assert time.now_s > 10
    assert aws.serving() == of(1)


def test_dns_is_not_asked_when_the_run_is_nearly_over() -> None:
    aws, time = Aws(nodes(1), {GROUP: held(1, 8)}), Time()
    aws.named = set(nodes(1))

    def slowly(operation: str, _: object) -> None:
        time.sleep(23 if operation == "describe_network_interfaces" else 0)

    aws.before = slowly
    with pytest.raises(RunFailedError, match="the interfaces were read too long ago"):
        once(aws, time=time, memory=looked_before(8), DNS_NAME=DNS_NAME)
    assert "resolve" not in aws.called


def test_an_unknown_target_group_is_named() -> None:
    with pytest.raises(RunFailedError, match=f"TARGET_GROUPS={GROUP}=80: .*TargetGroupNotFound"):
        once(Aws(nodes(1), {OTHER_GROUP: {}}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOAD_BALANCER_ARN", None),
        ("LOAD_BALANCER_ARN", ""),
        ("LOAD_BALANCER_ARN", ALB.replace("/app/", "/net/")),
        ("VPC_ID", None),
        ("VPC_ID", "10.0.0.0/16"),
        ("TARGET_GROUPS", None),
        ("TARGET_GROUPS", GROUP),
        ("TARGET_GROUPS", f"{GROUP}=http"),
        ("TARGET_GROUPS", f"{GROUP}=0"),
        ("TARGET_GROUPS", f"{GROUP}=65536"),
        ("TARGET_GROUPS", f"{GROUP}=80,"),
        ("DNS_NAME", "http://a/"),
        ("DNS_TTL_S", "0"),
        ("DNS_TTL_S", "a minute"),
        ("MAX_REMOVALS", "-1"),
        ("MAX_REMOVALS", "all"),
        ("REMOVE_FOREIGN", "yes"),
        ("DRAIN_RETIRED", "1"),
    ],
)
def test_a_bad_variable_is_named_with_its_value(name: str, value: str | None) -> None:
    environment: dict[str, str | None] = {**ENVIRONMENT, name: value}
    given = {key: text for key, text in environment.items() if text is not None}
    with pytest.raises(SettingError) as caught:
        Settings.read(given)
    assert str(caught.value).startswith(f"{name}={value!r}: expected ")


def test_the_file_ships_alone() -> None:
    """Nothing but the standard library and what the Lambda runtime has."""
    source = Path(index.__file__).read_text(encoding="utf-8")
    modules = {
        module.split(".")[0]
        for node in ast.walk(ast.parse(source))
        for module in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or "."]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert modules - set(sys.stdlib_module_names) == {"botocore"}
