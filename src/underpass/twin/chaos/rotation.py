"""Every address of the ALB replaced once, under load.

The region keeps the times of what happened to the nodes itself, so that measuring does not depend on how
often somebody looks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from underpass.twin.chaos.demand import Demand, under_load
from underpass.twin.host.running_twins import Running
from underpass.twin.region import control_socket

_PATIENCE_S = 60.0


@dataclass(frozen=True)
class Rotation:
    """How a rotation of an ALB's addresses went; times in seconds, None for what did not happen.

    Attributes
    ----------
    load
        What became of the requests; see ``load``.
    new
        By new address: from its interface's creation until DNS named it, until it was registered with the
        NLB, until the NLB sent flows to it.
    gone
        By old address: how long it stayed registered after nothing answered there, and after its interface
        was gone. Negative: it was removed before.
    """

    load: Mapping[str, Any] = field(default_factory=dict)
    new: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    gone: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)

    @property
    def lost(self) -> int:
        """How many requests failed, or were answered by a stranger."""
        return int(self.load["failed"]) + int(self.load["to_stranger"])


def rotate_alb(running: Running, demand: Demand, **how: Any) -> Rotation:
    """Replace every address of the twin's ALB once under a load, and tell how it went.

    Parameters
    ----------
    how
        What ``elbv2.node_commands`` takes for ``rotate``.

    Raises
    ------
    UnderpassError
        When the nodes do not become what they should be, or the load could not be sent.
    """
    nodes = _caller(running)
    old = {one["interface_id"] for one in nodes(do="settle")["nodes"]}
    seen = under_load(running, demand, lambda: nodes(do="rotate", **how) and nodes(do="settle"))
    after = _once_removed(nodes, old)
    return Rotation(seen, *durations(after["history"], old))


def release_addresses(running: Running) -> None:
    """Have those who took the ALB's addresses give them up."""
    _caller(running)(do="dismiss")


def durations(
    history: list[dict[str, Any]], old: set[str]
) -> tuple[dict[str, dict[str, float | None]], dict[str, dict[str, float | None]]]:
    """Return (``new``, ``gone``) of a ``Rotation`` in which the ``old`` interfaces went. Pure."""
    new, gone = {}, {}
    for one in history:
        if one["interface_id"] in old:
            gone[one["address"]] = {
                "after_it_was_dead_s": _between(one, "detached", "deregistered"),
                "after_its_interface_was_gone_s": _between(one, "deleted", "deregistered"),
            }
        elif "deleted" not in one:
            new[one["address"]] = {
                f"{event}_s": _between(one, "created", event)
                for event in ("named", "registered", "serving")
            }
    return new, gone


def _between(node: Mapping[str, Any], began: str, ended: str) -> float | None:
    return round(node[ended] - node[began], 2) if {began, ended} <= node.keys() else None


def _once_removed(nodes: Callable[..., dict[str, Any]], old: set[str]) -> dict[str, Any]:
    """Return the nodes once no old one is registered any more; patience has an end."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        seen = nodes(do="show")
        here = [one for one in seen["history"] if one["interface_id"] in old]
        if all("deregistered" in one or "registered" not in one for one in here):
            return seen
        if time.monotonic() > deadline:
            return seen
        time.sleep(0.2)


def _caller(running: Running) -> Callable[..., dict[str, Any]]:
    def nodes(**request: Any) -> dict[str, Any]:
        answer: dict[str, Any] = control_socket.call(
            running.state, "nodes", timeout_s=_PATIENCE_S + 120, **request
        )
        return answer

    return nodes
