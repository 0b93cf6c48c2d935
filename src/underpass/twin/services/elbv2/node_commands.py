"""What may be asked of an ALB's nodes from outside: how many, another set of them, and how it went."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from underpass.errors import UnderpassError
from underpass.twin.region.reconcile import ChangeFeed
from underpass.twin.services.elbv2.model import Balancing, LoadBalancer
from underpass.twin.services.elbv2.node_lifecycle import Times
from underpass.twin.services.elbv2.nodes import Nodes
from underpass.twin.services.elbv2.recycled_addresses import RecycledAddresses

_TIMEOUT_S = 120.0


def answer(
    request: Mapping[str, Any],
    *,
    nodes: Nodes,
    strangers: RecycledAddresses,
    observed: Callable[[], Balancing],
    feed: ChangeFeed,
) -> dict[str, Any]:
    """Do what a control request asks; ``alb`` names the ALB and may be left out when there is one.

    ``do`` is ``scale`` (``count``), ``rotate`` (``serves_s`` and ``detached_s`` in AWS's time, ``strangers``:
    whether freed addresses are taken at once), ``settle`` (waits until the nodes are those that are wanted,
    at most ``within_s``), ``show``, or ``dismiss`` (strangers give their addresses up).

    Raises
    ------
    UnderpassError
        When there is no such ALB, or it does not settle.
    """
    balancer = find(observed(), request.get("alb", ""))
    action = request["do"]
    if action == "scale":
        nodes.scale(balancer, int(request["count"]))
    elif action == "rotate":
        if request.get("strangers"):
            strangers.await_addresses(balancer.arn)
        usual = Times()
        times = Times(
            float(request.get("serves_s", usual.serves_s)),
            float(request.get("detached_s", usual.detached_s)),
        )
        nodes.rotate(balancer, observed().nodes_of(balancer), times)
    elif action == "settle":
        timeout_s = float(request.get("within_s", _TIMEOUT_S))
        try:
            feed.wait(
                lambda: nodes.settled(balancer, observed().nodes_of(balancer)),
                timeout_s=timeout_s,
                what="",
                recheck_s=0.1,
            )
        except TimeoutError:
            raise UnderpassError(
                f"the nodes of {balancer.name} are not what they should be after {timeout_s:.0f} s",
                ", ".join(f"{one.address} {one.phase}" for one in observed().nodes_of(balancer)),
                "see region.log in the state folder",
            ) from None
    elif action == "dismiss":
        strangers.leave()
    elif action != "show":
        raise UnderpassError(f"nodes cannot {action}", "", "scale, rotate, settle, show or dismiss")
    return {
        "alb": balancer.name,
        "arn": balancer.arn,
        "dns_name": balancer.dns_name,
        "ports": [listener.port for listener in balancer.listeners],
        "nodes": [
            {
                "interface_id": one.interface_id,
                "address": one.address,
                "zone": one.zone,
                "phase": one.phase,
            }
            for one in observed().nodes_of(balancer)
        ],
        "history": nodes.history.of(balancer.arn),
    }


def find(balancing: Balancing, wanted: str) -> LoadBalancer:
    """Return the ALB of that name or ARN; of no name, the only one.

    Raises
    ------
    UnderpassError
        When there is none, or several and none was named.
    """
    known = [one for one in balancing.balancers if one.kind == "application"]
    fitting = [one for one in known if not wanted or wanted in {one.name, one.arn}]
    if len(fitting) != 1:
        raise UnderpassError(
            f"there is no ALB {wanted}" if wanted else "it is not clear which ALB is meant",
            "there are " + (", ".join(one.name for one in known) or "none"),
            "name one of them",
        )
    return fitting[0]
