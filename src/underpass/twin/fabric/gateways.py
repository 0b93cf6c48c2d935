"""Internet and NAT gateways, and gateway endpoints, as nftables: pure, from the network EC2 describes.

An internet gateway swaps private for public addresses, one for one, in the VPC's router. A NAT gateway is
an interface that sends on what it is routed, under its own address. Neither lets a flow in that was not
asked for: a packet from outside reaches an interface only when that interface has a public address. A
gateway endpoint lets the subnets that have its route reach one of AWS's services, under the router's address.
"""

from __future__ import annotations

from underpass.twin.fabric import nft
from underpass.twin.fabric.model import Interface, Network, Vpc
from underpass.twin.fabric.routing import INTERNET_DEVICE, gateway_endpoints, public_addresses

_KNOWN = nft.rule(nft.ct_state(nft.ESTABLISHED, nft.RELATED), nft.accept())


def router_table(network: Network, vpc: Vpc) -> nft.Table:
    """Return the table of a VPC's router: the internet gateway's, and a guard for the router itself."""
    mapped = public_addresses(network, vpc.id)
    private = nft.addresses("public-interfaces", (address for address, _ in mapped))
    endpoints = {
        service: nft.addresses(f"to-{service}", blocks)
        for service, blocks in sorted(gateway_endpoints(network, vpc.id).items())
    }
    to_services = tuple(
        nft.rule(nft.oifname(INTERNET_DEVICE), nft.daddr(service), nft.saddr(users))
        for service, users in endpoints.items()
    )
    inward = tuple(
        nft.rule(nft.iifname(INTERNET_DEVICE), nft.daddr(public), nft.dnat(address))
        for address, public in mapped
    )
    outward = tuple(
        nft.rule(nft.oifname(INTERNET_DEVICE), nft.saddr(address), nft.snat(public))
        for address, public in mapped
    ) + tuple(nft.rule(rule, nft.masquerade()) for rule in to_services)
    forward = (
        _KNOWN,
        nft.rule(
            nft.iifname(INTERNET_DEVICE),
            nft.ct_status(nft.DESTINATION_NAT, negated=True),
            nft.drop(),
        ),
        *(nft.rule(rule, nft.accept()) for rule in to_services),
        nft.rule(nft.oifname(INTERNET_DEVICE), nft.saddr(private, negated=True), nft.drop()),
    )
    own = (
        nft.rule(nft.iifname(INTERNET_DEVICE), nft.drop()),
        nft.rule(nft.udp_dport(53), nft.accept()),
        nft.rule(nft.tcp_dport(53), nft.accept()),
        _KNOWN,
    )
    return nft.Table(
        "router",
        sets=(private, *endpoints.values()),
        chains=(
            nft.Chain("inward", "prerouting", -100, inward, type="nat"),
            nft.Chain("forward", "forward", 0, forward),
            nft.Chain("own", "input", 0, own, policy="drop"),
            nft.Chain("outward", "postrouting", 100, outward, type="nat"),
        ),
    )


def nat_table(interface: Interface) -> nft.Table:
    """Return the table of a NAT gateway's interface."""
    through = nft.rule(nft.iifname("eth0"), nft.oifname("eth0"), nft.accept())
    out = nft.rule(
        nft.oifname("eth0"), nft.saddr(interface.address, negated=True), nft.snat(interface.address)
    )
    return nft.Table(
        "firewall",
        chains=(
            nft.Chain("own", "input", 0, (_KNOWN,), policy="drop"),
            nft.Chain("forward", "forward", 0, (through,), policy="drop"),
            nft.Chain("translate", "postrouting", 100, (out,), type="nat"),
        ),
    )
