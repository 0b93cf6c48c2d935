"""Tables do in the kernel what they say."""

from __future__ import annotations

import random
import socket
from collections import Counter
from ipaddress import IPv4Address
from typing import Any

import pytest
from tests.twin.ec2 import sample
from tests.twin.ec2.sample import ask
from tests.twin.inside import run_inside

from underpass.twin.linux import namespaces, nft_netlink, nftables
from underpass.twin.linux.within import within
from underpass.twin.services.ec2.wiring import Wiring

LOOPBACK, LAST = int(IPv4Address("127.0.0.1")), int(IPv4Address("127.255.255.254"))
HERE = "/proc/self/ns/net"


def heard(targets: list[str]) -> list[bool]:
    """Return which loopback addresses a datagram reaches, given what the tables let through."""
    with (
        socket.socket(type=socket.SOCK_DGRAM) as server,
        socket.socket(type=socket.SOCK_DGRAM) as client,
    ):
        server.bind(("0.0.0.0", 0))
        server.setblocking(False)
        seen = []
        for target in targets:
            try:
                client.sendto(b"?", (target, server.getsockname()[1]))
                seen.append(bool(server.recv(9)))
            except (BlockingIOError, PermissionError):
                seen.append(False)
        return seen


def filtered(*rules: nftables.Rule, sets: tuple[nftables.Set, ...] = ()) -> None:
    chain = nftables.Chain("out", "output", 0, rules, policy="drop")
    nft_netlink.apply(HERE, nftables.Table("test", sets=sets, chains=(chain,)))


def blocks(chance: random.Random, count: int) -> list[str]:
    return [
        f"127.{chance.randrange(200)}.{chance.randrange(256)}.{chance.randrange(256)}"
        f"/{chance.choice([32, 32, 32, 30, 24])}"
        for _ in range(count)
    ]


def sets_of_addresses() -> list[list[Any]]:
    """Compare what the kernel finds in sets with what was put in, at every edge."""
    chance = random.Random(7)
    wrong: list[list[Any]] = []
    lists = [
        ["127.0.0.0/8"],
        ["0.0.0.0/0"],
        ["127.255.255.255"],
        ["127.9.0.0/16", "255.255.255.255"],
    ]
    lists += [blocks(chance, count) for count in (1, 3, 40, 2000)]  # 2000 do not fit one message
    for cidrs in lists:
        allowed = nftables.addresses("allowed", cidrs)
        for negated in (False, True):
            filtered(
                nftables.rule(nftables.daddr(allowed, negated=negated), nftables.accept()),
                sets=(allowed,),
            )
            edges = {
                edge for low, high in allowed.spans[:50] for edge in (low - 1, low, high, high + 1)
            }
            probes = [str(IPv4Address(edge)) for edge in edges if LOOPBACK <= edge <= LAST]
            for probe, got in zip(probes, heard(probes), strict=True):
                value = int(IPv4Address(probe))
                inside = any(low <= value <= high for low, high in allowed.spans)
                if got != (inside != negated):
                    wrong.append([cidrs[:3], probe, negated, got])
    return wrong


def test_sets_hold_what_was_put_in() -> None:
    assert run_inside(sets_of_addresses) == []


def matches() -> dict[str, list[bool]]:
    seen: dict[str, list[bool]] = {}
    rules = {
        "nothing": (),
        "range": (nftables.daddr("127.0.1.0/24"),),
        "negated": (nftables.daddr("127.0.1.0/24", negated=True),),
        "protocol": (nftables.l4proto(nftables.UDP),),
        "other protocol": (nftables.l4proto(nftables.TCP),),
        "device": (nftables.oifname("lo"),),
        "other device": (nftables.oifname("eth0"),),
        "not device": (nftables.oifname("lo", negated=True),),
        "new": (nftables.ct_state(nftables.NEW),),
        "known": (nftables.ct_state(nftables.ESTABLISHED, nftables.RELATED),),
        "not translated": (nftables.ct_status(nftables.DESTINATION_NAT, negated=True),),
        "translated": (nftables.ct_status(nftables.DESTINATION_NAT),),
        "port": (nftables.udp_dport((1024, 65535)),),
        "ports": (nftables.udp_dport(nftables.ports("high", [(1024, 65535)])),),
        "low port": (nftables.udp_dport((1, 1023)),),
        "tcp port": (nftables.tcp_dport((1024, 65535)),),
    }
    for name, parts in rules.items():
        sets = (nftables.ports("high", [(1024, 65535)]),) if name == "ports" else ()
        accepting = (nftables.rule(*parts, nftables.accept()),) if parts else ()
        filtered(*accepting, sets=sets)
        seen[name] = heard(["127.0.0.5", "127.0.1.5"])
    return seen


def test_matches() -> None:
    both, none = [True, True], [False, False]
    assert run_inside(matches) == {
        "nothing": none,
        "range": [False, True],
        "negated": [True, False],
        "protocol": both,
        "other protocol": none,
        "device": both,
        "other device": none,
        "not device": none,
        "new": both,
        "known": none,
        "not translated": both,
        "translated": none,
        "port": both,
        "ports": both,
        "low port": none,
        "tcp port": none,
    }


def refused_tables() -> dict[str, Any]:
    filtered()
    seen: dict[str, Any] = {"before": heard(["127.0.0.5"])}
    try:
        nowhere = nftables.udp_dport(nftables.ports("nowhere", [(1, 65535)]))
        filtered(nftables.rule(nftables.accept()), nftables.rule(nowhere))
    except OSError as error:
        seen["refused"] = str(error)
    seen["after a refusal"] = heard(["127.0.0.5"])
    filtered(nftables.rule(nftables.daddr("127.0.0.5"), nftables.accept()))
    seen["replaced"] = heard(["127.0.0.5", "127.0.0.6"])
    nft_netlink.remove(HERE, "test")
    nft_netlink.remove(HERE, "test")
    seen["removed"] = heard(["127.0.0.5", "127.0.0.6"])
    return seen


def test_a_table_comes_whole_or_not_at_all() -> None:
    seen = run_inside(refused_tables)
    assert "No such file or directory" in seen.pop("refused")
    assert seen == {
        "before": [False],
        "after a refusal": [False],
        "replaced": [True, False],
        "removed": [True, True],
    }


def balancing() -> dict[str, Any]:
    """Balance an interface's port over two tasks, from the same source port and from many."""
    wiring = Wiring()
    wiring.start()
    wiring.apply(sample.without_walls(sample.provider()))
    for task in ("eni-app-1", "eni-app-2"):
        sample.listen(task, 8000)
    targets = nftables.Map("targets", (("10.20.2.10", 8000), ("10.20.3.10", 8000)))
    into = nftables.rule(
        nftables.iifname("eth0"), nftables.tcp_dport(80), nftables.dnat_by(targets)
    )
    fixed = nftables.rule(
        nftables.iifname("eth0"), nftables.tcp_dport((80, 99)), nftables.dnat("10.20.3.10", 8000)
    )
    out = nftables.rule(
        nftables.oifname("eth0"),
        nftables.ct_status(nftables.DESTINATION_NAT),
        nftables.masquerade(),
    )

    def balancer(*rules: nftables.Rule) -> nftables.Table:
        inward = nftables.Chain("in", "prerouting", -100, rules, type="nat")
        outward = nftables.Chain("out", "postrouting", 100, (out,), type="nat")
        return nftables.Table("balancer", maps=(targets,), chains=(inward, outward))

    nft_netlink.apply(namespaces.path("eni-front"), balancer(into))
    seen: dict[str, Any] = {
        "spread": Counter(ask("eni-data", "10.20.2.8", 80) for _ in range(60)),
        "one flow": Counter(ask_from("eni-data", 40000, "10.20.2.8", 80) for _ in range(6)),
    }
    nft_netlink.apply(namespaces.path("eni-front"), balancer(fixed))
    seen["constant"] = Counter(ask("eni-data", "10.20.2.8", 80) for _ in range(6))
    refusing = nftables.Chain(
        "in", "input", 0, (nftables.rule(nftables.tcp_dport(80), nftables.reject(tcp_reset=True)),)
    )
    nft_netlink.apply(namespaces.path("eni-front"), nftables.Table("balancer", chains=(refusing,)))
    seen["reset"] = ask("eni-data", "10.20.2.8", 80)
    return seen


def ask_from(name: str, port: int, address: str, to_port: int) -> str:
    client = within(namespaces.path(name), socket.socket)
    with client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.bind(("0.0.0.0", port))
        client.settimeout(2)
        client.connect((address, to_port))
        return client.recv(100).decode()


def test_flows_are_balanced_and_each_stays_with_its_target() -> None:
    seen = run_inside(balancing)
    assert seen["spread"].keys() == {"eni-app-1 10.20.2.8", "eni-app-2 10.20.2.8"}
    assert min(seen["spread"].values()) >= 10
    assert list(seen["one flow"].values()) == [6]
    assert seen["constant"] == {"eni-app-2 10.20.2.8": 6}
    assert seen["reset"] == "refused"


@pytest.mark.parametrize("name", ["eni-none", "../../proc/self/status"])
def test_a_namespace_that_is_not_there_is_an_error(name: str) -> None:
    with pytest.raises(OSError, match=r"No such file|Invalid argument"):
        nft_netlink.apply(namespaces.path(name), nftables.Table("test"))
