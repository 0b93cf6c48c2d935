"""The tables of endpoints' interfaces: what they send over which link, and what is let through. Pure.

An endpoint's namespace sends its listeners' ports over a link to the node in its zone, under its end's own
address, so neither VPC needs a route to the other. Nothing but such flows is ever passed on, and nothing
else is answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from underpass.twin.linux import nftables
from underpass.twin.linux.links import Link
from underpass.twin.services.ec2.model import ANYWHERE, Rule
from underpass.twin.services.elbv2.nlb_tables import (
    DESTINATION,
    TABLE,
    as_its_own,
    delivered,
    passing,
)
from underpass.twin.services.privatelink.model import Connection, Endpoints, ServiceConnection

API_PORTS = (80, 443)  # where AWS's services answer


def wanted_tables(
    observed: Endpoints,
    connected: Iterable[Connection],
    services: Iterable[ServiceConnection],
    links: Mapping[str, Link],
) -> dict[str, nftables.Table]:
    """Return the table of every endpoint's interface, by the interface's id."""
    tables = {
        eni.interface_id: endpoint_table(eni.address)
        for endpoint in observed.endpoints
        for eni in endpoint.enis
    }
    inbound = dict(observed.inbound)
    for one in connected:
        if link := links.get(one.key):
            rules = [rule for group in one.balancer.groups for rule in inbound.get(group, ())]
            tables[one.eni.interface_id] = endpoint_table(
                one.eni.address,
                link.a_device,
                link.b_address,
                [listener.port for listener in one.balancer.listeners],
                rules if one.balancer.enforces_inbound else None,
            )
    for service in services:
        if link := links.get(service.key):
            tables[service.eni.interface_id] = endpoint_table(
                service.eni.address, link.a_device, link.b_address, API_PORTS
            )
    return tables


def endpoint_table(
    address: str,
    device: str = "",
    far_end: str = "",
    ports: Iterable[int] = (),
    inbound: Iterable[Rule] | None = None,
) -> nftables.Table:
    """Return the table of an endpoint interface.

    Parameters
    ----------
    address
        The interface's own address.
    device, far_end
        The link to the NLB's node: its device here and the node's address on it; none is not connected.
    ports
        The NLB's listeners.
    inbound
        The inbound rules of the NLB's security groups, when they are enforced on PrivateLink traffic. They
        meet the consumer's own address here; peers named by group match nothing, as across VPCs in AWS.
    """
    listened = nftables.ports("listened", ports)
    connected = bool(device and listened.spans)
    translated = nftables.ct_status(nftables.DESTINATION_NAT)
    known = nftables.rule(
        translated, nftables.ct_state(nftables.ESTABLISHED, nftables.RELATED), nftables.accept()
    )
    admitted: tuple[nftables.Rule, ...] = (nftables.rule(translated, nftables.accept()),)
    if inbound is not None:
        admitted = tuple(
            nftables.rule(translated, rule) for one in inbound for rule in _admitting(one)
        )
    forward = (
        nftables.rule(
            nftables.iifname("eth0"),
            nftables.daddr(address),
            nftables.tcp_dport(listened),
            nftables.dnat(far_end),
        )
        if connected
        else ()
    )
    return nftables.Table(
        TABLE,
        sets=(listened,) if connected else (),
        chains=(
            nftables.Chain(
                "connect", "prerouting", DESTINATION, (forward,) if connected else (), type="nat"
            ),
            *((as_its_own(device),) if connected else ()),
            passing(known, *admitted),
            delivered(()),
        ),
    )


def _admitting(one: Rule) -> Iterable[nftables.Rule]:
    if one.protocol not in {"tcp", "6", "-1"}:
        return
    whole = one.protocol == "-1" or one.from_port < 0
    span = (0, 65535) if whole else (one.from_port, one.to_port)
    for cidr in one.cidrs:
        peer = () if cidr == ANYWHERE else (nftables.saddr(cidr),)
        yield nftables.rule(nftables.tcp_dport(span), peer, nftables.accept())
