"""The network made real: who reaches whom, and from which address, in real namespaces."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from tests.twin.ec2 import sample
from tests.twin.ec2.sample import ask, ask_udp, ping
from tests.twin.inside import run_inside

from underpass.twin.linux import namespaces
from underpass.twin.linux.devices import Route, devices
from underpass.twin.linux.within import within
from underpass.twin.services.ec2.model import Interface, Network, Rule
from underpass.twin.services.ec2.wiring import Wiring


def wired(network: Network) -> Wiring:
    wiring = Wiring()
    wiring.start()
    wiring.apply(network)
    return wiring


def the_same_addresses_twice() -> dict[str, str]:
    wired(sample.together(sample.provider(), sample.consumer()))
    sample.listen("eni-front", 80)
    sample.listen("eni-app-1", 8000, "provider's")
    sample.listen("eni-app-2", 8000)
    sample.listen("eni-server", 8000, "consumer's")
    return sample.answers(
        provider_to_provider=(ask, "eni-front", "10.20.2.10", 8000),
        client_to_itself=(ask, "eni-client", "10.20.2.10", 8000),
        client_to_consumer=(ask, "eni-client", "10.20.2.11", 8000),
        client_to_providers_alone=(ask, "eni-client", "10.20.3.10", 8000),
        provider_to_consumers_alone=(ask, "eni-front", "10.20.2.11", 8000),
    )


def test_two_vpcs_with_the_same_addresses_never_meet() -> None:
    assert run_inside(the_same_addresses_twice) == {
        "provider_to_provider": "provider's 10.20.2.8",
        "client_to_itself": "refused",
        "client_to_consumer": "consumer's 10.20.2.10",
        "client_to_providers_alone": "silent",
        "provider_to_consumers_alone": "silent",
    }


def with_more_ways_in() -> Network:
    network = sample.provider()
    front, app, data = network.groups
    more = (Rule("udp", 53, 60, ("10.20.3.0/24",)), Rule("icmp", 8, -1, sample.ANY))
    return replace(network, groups=(replace(front, ingress=(*front.ingress, *more)), app, data))


def groups_at_work() -> dict[str, str]:
    wired(with_more_ways_in())
    for name, port in (
        ("eni-app-1", 8000),
        ("eni-app-1", 8002),
        ("eni-data", 5432),
        ("eni-front", 80),
    ):
        sample.listen(name, port)
    for port in (55, 61):
        sample.listen_udp("eni-front", port)
    return sample.answers(
        referenced_group=(ask, "eni-front", "10.20.2.10", 8000),
        another_group=(ask, "eni-app-2", "10.20.2.10", 8000),
        another_port=(ask, "eni-front", "10.20.2.10", 8002),
        nobody_listens=(ask, "eni-front", "10.20.2.10", 8001),
        udp=(ask_udp, "eni-app-2", "10.20.2.8", 55),
        udp_from_elsewhere=(ask_udp, "eni-app-1", "10.20.2.8", 55),
        udp_another_port=(ask_udp, "eni-app-2", "10.20.2.8", 61),
        echo=(ping, "eni-app-1", "10.20.2.8"),
        echo_not_allowed=(ping, "eni-front", "10.20.2.10"),
        no_egress_rule=(ask, "eni-data", "10.20.2.8", 80),
        reply_needs_none=(ask, "eni-app-2", "10.20.4.10", 5432),
    )


def test_security_groups_decide() -> None:
    assert run_inside(groups_at_work) == {
        "referenced_group": "eni-app-1 10.20.2.8",
        "another_group": "silent",
        "another_port": "silent",
        "nobody_listens": "refused",
        "udp": "eni-front 10.20.3.10",
        "udp_from_elsewhere": "silent",
        "udp_another_port": "silent",
        "echo": "answered",
        "echo_not_allowed": "silent",
        "no_egress_rule": "silent",
        "reply_needs_none": "eni-data 10.20.3.10",
    }


def groups_changing() -> dict[str, str]:
    network = sample.provider()
    front, app, data = network.groups
    wiring = wired(network)
    sample.listen("eni-front", 80)
    sample.listen("eni-app-1", 8000)
    kept = sample.opened("eni-app-2", "10.20.2.8", 80)
    wiring.apply(replace(network, groups=(replace(front, ingress=()), app, data)))
    seen = {
        "closed": ask("eni-app-2", "10.20.2.8", 80),
        "opened_before": kept.recv(100).decode(),
    }
    narrowed = replace(app, egress=(Rule("tcp", 80, 80, groups=("sg-data",)),))
    wiring.apply(replace(network, groups=(front, narrowed, data)))
    seen["egress_narrowed"] = ask("eni-app-2", "10.20.2.8", 80)
    late = Interface("eni-late", "vpc-a", "sn-app-1", "z1", "10.20.2.20", ("sg-front",))
    wiring.apply(replace(network, interfaces=(*network.interfaces, late)))
    seen["joined"] = ask("eni-late", "10.20.2.10", 8000)
    left = replace(late, groups=("sg-data",))
    wiring.apply(replace(network, interfaces=(*network.interfaces, left)))
    seen["left"] = ask("eni-late", "10.20.2.10", 8000)
    return seen


def test_a_change_of_groups_takes_effect_on_new_flows() -> None:
    assert run_inside(groups_changing) == {
        "closed": "silent",
        "opened_before": "eni-front 10.20.3.10",
        "egress_narrowed": "silent",
        "joined": "eni-app-1 10.20.2.20",
        "left": "silent",
    }


def open_egress(network: Network) -> Network:
    anywhere = (Rule("-1", -1, -1, sample.ANY),)
    return replace(
        network, groups=tuple(replace(group, egress=anywhere) for group in network.groups)
    )


def ways_out() -> dict[str, str]:
    network = open_egress(sample.together(sample.provider(), sample.consumer()))
    wiring = wired(network)
    sample.listen("internet", 80)
    sample.listen_udp("internet", 123)
    seen = sample.answers(
        app_1=(ask, "eni-app-1", "198.51.100.10", 80),
        app_2=(ask, "eni-app-2", "198.51.100.10", 80),
        app_udp=(ask_udp, "eni-app-1", "198.51.100.10", 123),
        data=(ask, "eni-data", "198.51.100.10", 80),
        consumer=(ask, "eni-client", "198.51.100.10", 80),
        nobody_there=(ask, "eni-app-1", "198.51.100.13", 80),
        host_loopback=(ask, "internet", "127.0.0.1", 22),
        off_the_map=(ask, "internet", "192.0.2.1", 80),
        off_the_map_for_a_router=(ask, "vpc-a", "192.0.2.1", 80),
    )
    wiring.apply(replace(network, nat_gateways=network.nat_gateways[1:]))
    return seen | sample.answers(
        app_1_without_gateway=(ask, "eni-app-1", "198.51.100.10", 80),
        app_2_keeps_its_own=(ask, "eni-app-2", "198.51.100.10", 80),
    )


@pytest.mark.parametrize("as_root", [False, True])
def test_app_subnets_go_out_by_their_own_gateway_and_data_subnets_do_not(as_root: bool) -> None:
    if as_root and os.geteuid():
        pytest.skip("takes root")
    assert run_inside(ways_out, as_root=as_root) == {
        "app_1": "internet 203.0.113.11",
        "app_2": "internet 203.0.113.12",
        "app_udp": "internet 203.0.113.11",
        "data": "silent",
        "consumer": "silent",
        "nobody_there": "unroutable",
        "host_loopback": "refused",
        "off_the_map": "unroutable",
        "off_the_map_for_a_router": "unroutable",
        "app_1_without_gateway": "silent",
        "app_2_keeps_its_own": "internet 203.0.113.12",
    }


def public_interface() -> dict[str, str]:
    network = open_egress(sample.provider())
    public = replace(network, public_addresses=(("eni-front", "203.0.113.20"),))
    wiring = wired(public)
    sample.listen("internet", 80)
    sample.listen("eni-front", 80)
    seen = sample.answers(
        private_subnet=(ask, "eni-front", "198.51.100.10", 80),
        inward_to_private_subnet=(ask, "internet", "203.0.113.20", 80),
    )
    moved = replace(network.interfaces[2], subnet_id="sn-public-1", address="10.20.0.20")
    others = tuple(interface for interface in network.interfaces if interface.id != moved.id)
    public = replace(public, interfaces=(*others, moved))
    wiring.apply(public)
    sample.listen("eni-front", 80)
    sample.listen("eni-front", 81)
    seen |= sample.answers(
        public_subnet=(ask, "eni-front", "198.51.100.10", 80),
        inward=(ask, "internet", "203.0.113.20", 80),
        inward_not_allowed=(ask, "internet", "203.0.113.20", 81),
    )
    wiring.apply(replace(public, internet_gateways=()))
    return seen | sample.answers(
        gateway_gone=(ask, "eni-front", "198.51.100.10", 80),
        inward_gateway_gone=(ask, "internet", "203.0.113.20", 80),
    )


def test_a_public_address_works_both_ways_where_the_subnet_routes_to_the_gateway() -> None:
    assert run_inside(public_interface) == {
        "private_subnet": "internet 203.0.113.11",
        "inward_to_private_subnet": "silent",
        "public_subnet": "internet 203.0.113.20",
        "inward": "eni-front 198.51.100.10",
        "inward_not_allowed": "silent",
        "gateway_gone": "silent",
        "inward_gateway_gone": "unroutable",
    }


HIDDEN = {"silent", "unroutable"}


def from_the_internet() -> list[str]:
    """Try every interface, by its own and by its gateway's public address, with the groups wide open."""
    network = sample.without_walls(sample.provider())
    wired(network)
    for interface in network.interfaces:
        sample.listen(interface.id, 80)
    with_a_route_inward()
    targets = [interface.address for interface in network.interfaces]
    targets += [gateway.public_address for gateway in network.nat_gateways]
    asked = {target: (ask, "internet", target, 80) for target in targets}
    asked["router"] = (ask, "internet", "169.254.0.1", 53)
    return sorted(key for key, answer in sample.answers(**asked).items() if answer not in HIDDEN)


def with_a_route_inward() -> None:
    """Add the route someone at the internet's host could add."""

    def add() -> None:
        with devices() as internet:
            internet.route(Route("10.20.0.0/16", "va", "169.254.0.1"))

    within(namespaces.path("internet"), add)


def test_nothing_from_the_internet_reaches_an_interface() -> None:
    assert run_inside(from_the_internet) == []
