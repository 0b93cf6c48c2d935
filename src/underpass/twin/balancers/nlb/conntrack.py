"""Ends flows an NLB no longer carries: those of a target that became unhealthy, or has finished draining.

Forgetting a translated flow is enough: its next packet counts as a new flow, goes to a target that knows
nothing of it, and the reset that target answers with reaches the client, as an NLB's reset would.
"""

from __future__ import annotations

from collections.abc import Collection
from socket import AF_INET, IPPROTO_TCP

from underpass.twin.fabric.kernel.devices import absent_is_fine
from underpass.twin.fabric.kernel.within import within


def cut(namespace: str, targets: Collection[tuple[str, int]]) -> int:
    """Forget the flows to these addresses and ports in the namespace at that path; return how many."""
    return within(namespace, lambda: _cut(frozenset(targets)))


def _cut(targets: frozenset[tuple[str, int]]) -> int:
    from pyroute2 import NFCTSocket
    from pyroute2.netlink.nfnetlink.nfctsocket import NFCTAttrTuple

    count = 0
    with NFCTSocket() as table:
        for flow in tuple(table.dump()):
            answers = NFCTAttrTuple.from_netlink(AF_INET, flow.get_attr("CTA_TUPLE_REPLY"))
            if answers.proto == IPPROTO_TCP and (answers.saddr, answers.sport) in targets:
                asks = NFCTAttrTuple.from_netlink(AF_INET, flow.get_attr("CTA_TUPLE_ORIG"))
                with absent_is_fine():
                    table.entry("del", tuple_orig=asks)
                count += 1
    return count
