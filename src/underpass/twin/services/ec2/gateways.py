"""Internet and NAT gateways, and gateway endpoints, as nftables: pure, from the network EC2 describes.

An internet gateway swaps private for public addresses, one for one, in the VPC's router. A NAT gateway is
an interface that sends on what it is routed, under its own address. Neither lets a flow in that was not
asked for: a packet from outside reaches an interface only when that interface has a public address. A
gateway endpoint lets the subnets that have its route reach one of AWS's services, under the router's address.
"""

from __future__ import annotations

from underpass.twin.linux import nftables
from underpass.twin.services.ec2.model import Interface, Network, Vpc
from underpass.twin.services.ec2.routing import (
    INTERNET_DEVICE,
    gateway_endpoints,
    public_addresses,
)

_KNOWN = nftables.rule(nftables.ct_state(nftables.ESTABLISHED, nftables.RELATED), nftables.accept())


def router_table(network: Network, vpc: Vpc) -> nftables.Table:
    """Return the table of a VPC's router: the internet gateway's, and a guard for the router itself."""
    mapped = public_addresses(network, vpc.id)
    private = nftables.addresses("public-interfaces", (address for address, _ in mapped))
    endpoints = {
        service: nftables.addresses(f"to-{service}", blocks)
        for service, blocks in sorted(gateway_endpoints(network, vpc.id).items())
    }
    to_services = tuple(
        nftables.rule(
            nftables.oifname(INTERNET_DEVICE), nftables.daddr(service), nftables.saddr(users)
        )
        for service, users in endpoints.items()
    )
    inward = tuple(
        nftables.rule(
            nftables.iifname(INTERNET_DEVICE), nftables.daddr(public), nftables.dnat(address)
        )
        for address, public in mapped
    )
    outward = tuple(
        nftables.rule(
            nftables.oifname(INTERNET_DEVICE), nftables.saddr(address), nftables.snat(public)
        )
        for address, public in mapped
    ) + tuple(nftables.rule(rule, nftables.masquerade()) for rule in to_services)
    forward = (
        _KNOWN,
        nftables.rule(
            nftables.iifname(INTERNET_DEVICE),
            nftables.ct_status(nftables.DESTINATION_NAT, negated=True),
            nftables.drop(),
        ),
        *(nftables.rule(rule, nftables.accept()) for rule in to_services),
        nftables.rule(
            nftables.oifname(INTERNET_DEVICE),
            nftables.saddr(private, negated=True),
            nftables.drop(),
        ),
    )
    own = (
        nftables.rule(nftables.iifname(INTERNET_DEVICE), nftables.drop()),
        nftables.rule(nftables.udp_dport(53), nftables.accept()),
        nftables.rule(nftables.tcp_dport(53), nftables.accept()),
        _KNOWN,
    )
    return nftables.Table(
        "router",
        sets=(private, *endpoints.values()),
        chains=(
            nftables.Chain("inward", "prerouting", -100, inward, type="nat"),
            nftables.Chain("forward", "forward", 0, forward),
            nftables.Chain("own", "input", 0, own, policy="drop"),
            nftables.Chain("outward", "postrouting", 100, outward, type="nat"),
        ),
    )


def nat_table(interface: Interface) -> nftables.Table:
    """Return the table of a NAT gateway's interface."""
    through = nftables.rule(nftables.iifname("eth0"), nftables.oifname("eth0"), nftables.accept())
    out = nftables.rule(
        nftables.oifname("eth0"),
        nftables.saddr(interface.address, negated=True),
        nftables.snat(interface.address),
    )
    return nftables.Table(
        "firewall",
        chains=(
            nftables.Chain("own", "input", 0, (_KNOWN,), policy="drop"),
            nftables.Chain("forward", "forward", 0, (through,), policy="drop"),
            nftables.Chain("translate", "postrouting", 100, (out,), type="nat"),
        ),
    )
