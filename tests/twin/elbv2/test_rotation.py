"""An ALB's nodes are replaced and scaled while the whole way is used."""

from __future__ import annotations

import json
from typing import Any

from tests.twin.inside import run_inside

PATTERN = {
    "source": ["aws.ec2"],
    "detail-type": ["AWS API Call via CloudTrail"],
    "detail": {
        "eventSource": ["ec2.amazonaws.com"],
        "userIdentity": {"invokedBy": ["elasticloadbalancing.amazonaws.com"]},
    },
}
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:registrar"


def _hear(region: Any) -> list[dict[str, Any]]:
    """Have a rule of ours hear what load balancing does; return the list of what it heard."""
    from underpass.twin.api import patch
    from underpass.twin.services.events import patches as events

    heard: list[dict[str, Any]] = []
    patch.apply(events)
    events.attach(lambda _rule, _arn, _target, event: heard.append(json.loads(event)))
    client = region.region.clients("events")
    client.put_rule(Name="nodes", EventPattern=json.dumps(PATTERN))
    client.put_targets(Rule="nodes", Targets=[{"Id": "1", "Arn": FUNCTION}])
    return heard


def _calls(heard: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    calls: dict[str, list[dict[str, Any]]] = {}
    for event in heard:
        calls.setdefault(event["detail"]["eventName"], []).append(event["detail"])
    return calls


def _ask_dns(region: Any, client: str, name: str) -> set[str]:
    """Ask the VPC's own resolver, as a client does: over TCP when the answer was cut."""
    import socket

    import dnslib

    question = dnslib.DNSRecord.question(name).pack()
    with region.fabric.socket(client, socket.SOCK_DGRAM) as line:
        line.settimeout(2)
        line.sendto(question, ("10.20.0.2", 53))
        told = dnslib.DNSRecord.parse(line.recv(4096))
    assert str(told.q.qname) == f"{name}.", "the C library ignores an answer without its question"
    if told.header.tc:
        with region.fabric.socket(client) as line:
            line.settimeout(2)
            line.connect(("10.20.0.2", 53))
            line.sendall(len(question).to_bytes(2, "big") + question)
            with line.makefile("rb") as answer:
                told = dnslib.DNSRecord.parse(answer.read(int.from_bytes(answer.read(2), "big")))
    return {str(one.rdata) for one in told.rr}


def _rotation() -> dict[str, Any]:
    from tests.twin.elbv2.test_private_path import Path

    path = Path()
    region = path.region
    heard = _hear(region)
    nodes = region.balancers.command
    neighbour, _ = region.interface(
        path.subnets[0], region.group(path.vpc, "neighbour")
    )  # in the ALB's own VPC
    old = {one["address"] for one in nodes({"do": "settle"})["nodes"]}
    dns = nodes({"do": "show"})["dns_name"]
    times = {"serves_s": 60, "detached_s": 20, "strangers": True}
    nodes({"do": "rotate", **times})

    def leaving() -> bool:
        return old == {
            one["address"] for one in nodes({"do": "show"})["nodes"] if one["phase"] == "leaving"
        }

    region.wait(leaving, "the old ones never leave")
    region.wait(lambda: not _ask_dns(region, neighbour, dns) & old, "who leaves is still named")
    told: dict[str, Any] = {
        "left": leaving(),
        "leaving": [
            region.get(neighbour, f"http://{address}/", "-D", "/dev/stdout") for address in old
        ],
    }
    settled = nodes({"do": "settle"})
    fresh = {one["address"] for one in settled["nodes"]}
    told["history"] = [one for one in settled["history"] if one["address"] in old]
    told["named_now"] = sorted(_ask_dns(region, neighbour, dns)) == sorted(fresh)
    region.wait(
        lambda: region.get(neighbour, f"http://{min(old)}/").get("body") == "not who you meant\n",
        "no stranger took the address",
    )
    region.wait(
        lambda: len(_calls(heard).get("DeleteNetworkInterface", ())) == 2, f"not told: {heard}"
    )
    told["calls"] = {
        name: [one["requestParameters"] for one in calls] for name, calls in _calls(heard).items()
    }
    told["created"] = [
        one["responseElements"]["networkInterface"]["privateIpAddress"]
        for one in _calls(heard)["CreateNetworkInterface"]
    ]
    nodes({"do": "dismiss"})
    told["fresh"], told["old"] = sorted(fresh), sorted(old)
    told["interfaces"] = [
        (one["RequesterManaged"], one["RequesterId"], one["Status"])
        for one in region.ec2.describe_network_interfaces(
            Filters=[{"Name": "private-ip-address", "Values": sorted(fresh)}]
        )["NetworkInterfaces"]
    ]
    return told


def test_a_node_leaves_dns_serves_on_is_detached_and_frees_its_address() -> None:
    told = run_inside(_rotation)
    assert told["left"], "who is named no more is there still"
    for answer in told["leaving"]:
        assert answer["status"] == 200, "and still serves"
        assert "connection: close" in answer["body"].lower(), "and asks clients to go"
    assert told["named_now"]
    assert not set(told["fresh"]) & set(told["old"])
    for one in told["history"]:
        assert one["created"] < one["named"] < one["left"] < one["detached"] < one["deleted"]
    assert [set(one) for one in told["interfaces"]] == [{True, "amazon-elb", "in-use"}] * 2
    described = dict(zip(told["created"], told["calls"]["CreateNetworkInterface"], strict=True))
    for address in told["fresh"]:
        assert described[address]["description"].startswith("ELB app/alb/")
    assert len(told["calls"]["DetachNetworkInterface"]) == 2
    assert {tuple(one) for one in told["calls"]["DeleteNetworkInterface"]} == {
        ("networkInterfaceId",)
    }


def _leaving_in_use() -> dict[str, Any]:
    """Rotate while a request of fourteen seconds is under way, with three seconds to go."""
    import subprocess
    import time

    from tests.twin.elbv2.test_private_path import Path

    path = Path()
    region, nodes = path.region, path.region.balancers.command
    neighbour, _ = region.interface(path.subnets[0], region.group(path.vpc, "neighbour"))
    old = sorted(one["address"] for one in nodes({"do": "settle"})["nodes"])
    for server in region.servers.values():
        server.delay_s = 14.0
    began_s = time.monotonic()
    command = [*region.fabric.enter(neighbour), "curl", "-s", "-m", "30", f"http://{old[0]}/slow"]
    slow = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    region.wait(
        lambda: any("/slow" in one.observed for one in region.servers.values()), "nobody is asked"
    )
    for server in region.servers.values():
        server.delay_s = 0.0
    nodes({"do": "rotate", "serves_s": 60, "detached_s": 20})
    settled = nodes({"do": "settle"})
    left = {
        one["address"]: one["detached"] - one["left"]
        for one in settled["history"]
        if one["address"] in old
    }
    return {
        "answer": slow.communicate()[0],
        "took_s": time.monotonic() - began_s,
        "in use": left[old[0]],
        "idle": left[old[1]],
    }


def test_a_node_that_leaves_stays_for_the_request_under_way() -> None:
    told = run_inside(_leaving_in_use)
    assert '"path": "/slow"' in told["answer"], "a minute of the twin's clock is 3 s"
    assert told["in use"] > 10
    assert 3 <= told["idle"] < 8
    assert told["took_s"] < 25, "and no longer than for that"


def _scale(count: int) -> dict[str, Any]:
    from tests.twin.elbv2.test_private_path import Path

    path = Path()
    region, nodes = path.region, path.region.balancers.command
    neighbour, _ = region.interface(path.subnets[0], region.group(path.vpc, "neighbour"))
    nodes({"do": "scale", "count": count})
    grown = nodes({"do": "settle"})
    plain = _ask_dns(region, neighbour, grown["dns_name"])
    every = _ask_dns(region, neighbour, f"all.{grown['dns_name']}")
    addresses = {one["address"] for one in grown["nodes"]}
    region.register(path.albs, *addresses)
    region.await_state(path.albs, "healthy", *addresses)
    nodes({"do": "rotate", "serves_s": 0, "detached_s": 0})
    rotated = nodes({"do": "settle"})
    nodes({"do": "scale", "count": 2})
    return {
        "plain": len(plain),
        "known": plain <= addresses,
        "every": every == addresses,
        "rotated": len({one["address"] for one in rotated["nodes"]} - addresses),
        "left": len(nodes({"do": "settle", "within_s": 60})["nodes"]),
    }


def test_an_alb_with_many_nodes_tells_eight_in_dns_and_all_where_all_is_asked() -> None:
    assert run_inside(_scale, 40, timeout_s=150) == {
        "plain": 8,
        "known": True,
        "every": True,
        "rotated": 40,
        "left": 2,
    }
