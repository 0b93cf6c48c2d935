"""Ends flows an NLB no longer carries: those of a target that became unhealthy, or has finished draining.

Forgetting a translated flow is enough: its next packet counts as a new flow, goes to a target that knows
nothing of it, and the reset that target answers with reaches the client, as an NLB's reset would.

A flow whose first packet nobody has answered is not a connection yet. It is forgotten as soon as its target
gets no new flows, so that the client's next try goes to another.
"""

from __future__ import annotations

from collections.abc import Collection
from socket import AF_INET, IPPROTO_TCP

from underpass.twin.fabric.kernel.devices import absent_is_fine
from underpass.twin.fabric.kernel.within import within

_ANSWERED = 1 << 1  # IPS_SEEN_REPLY


def cut(namespace: str, targets: Collection[tuple[str, int]], *, unanswered: bool = False) -> int:
    """Forget the flows to these addresses and ports in the namespace at that path; return how many.

    With ``unanswered`` only those to which no packet has come back.
    """
    return within(namespace, lambda: _cut(frozenset(targets), unanswered=unanswered))


def _cut(targets: frozenset[tuple[str, int]], *, unanswered: bool) -> int:
    from pyroute2 import NFCTSocket
    from pyroute2.netlink.nfnetlink.nfctsocket import NFCTAttrTuple

    count = 0
    with NFCTSocket() as table:
        for flow in tuple(table.dump()):
            if unanswered and flow.get_attr("CTA_STATUS") & _ANSWERED:
                continue
            answers = NFCTAttrTuple.from_netlink(AF_INET, flow.get_attr("CTA_TUPLE_REPLY"))
            if answers.proto == IPPROTO_TCP and (answers.saddr, answers.sport) in targets:
                asks = NFCTAttrTuple.from_netlink(AF_INET, flow.get_attr("CTA_TUPLE_ORIG"))
                with absent_is_fine():
                    table.entry("del", tuple_orig=asks)
                count += 1
    return count
