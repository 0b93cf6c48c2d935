"""Strangers that are dismissed at the worst moments: none of them may keep an address."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, cast

import pytest
from tests.unit.elbv2 import sample

from underpass.twin.region.aws import Clients
from underpass.twin.services.ec2.fabric import Fabric
from underpass.twin.services.elbv2.recycled_addresses import RecycledAddresses

ALB = sample.balancer("application", sample.group("g"))
NODE = sample.node("a", "app")


class Listener:
    """A socket that only knows whether it is closed."""

    def __init__(self) -> None:
        self.closed = threading.Event()

    def close(self) -> None:
        self.closed.set()

    def ignore(self, *_: Any) -> None:
        """Take anything."""

    setsockopt = bind = listen = shutdown = ignore


class World:
    """EC2 and the fabric: which interfaces there are, and what happens just then."""

    def __init__(self) -> None:
        self.interfaces: set[str] = set()
        self.listeners: list[Listener] = []
        self.creating: Callable[[], None] = lambda: None
        self.coming_up: Callable[[], None] = lambda: None
        self.refusing = False
        self.opened = threading.Event()

    def __call__(self, _service: str) -> World:
        return self

    def create_network_interface(self, **_: Any) -> dict[str, Any]:
        name = f"eni-{len(self.interfaces)}"
        self.interfaces.add(name)
        self.creating()
        return {"NetworkInterface": {"NetworkInterfaceId": name}}

    def delete_network_interface(self, NetworkInterfaceId: str) -> None:
        if self.refusing:
            raise RuntimeError("not now")
        self.interfaces.remove(NetworkInterfaceId)

    def wait_up(self, _name: str) -> None:
        self.coming_up()

    def socket(self, _name: str) -> Listener:
        listener = Listener()
        self.listeners.append(listener)
        self.opened.set()
        return listener


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def strangers(world: World) -> RecycledAddresses:
    found = RecycledAddresses(cast(Clients, world), cast(Fabric, world))
    found.await_addresses(ALB.arn)
    return found


def test_one_that_is_dismissed_while_it_takes_its_address_gives_it_up(
    world: World, strangers: RecycledAddresses
) -> None:
    world.creating = strangers.leave
    strangers.take(ALB, NODE)
    assert world.interfaces == set()
    assert world.listeners == []


def test_one_that_is_dismissed_while_its_interface_comes_up_leaves_no_listener(
    world: World, strangers: RecycledAddresses
) -> None:
    world.coming_up = strangers.leave
    strangers.take(ALB, NODE)
    assert world.opened.wait(10)
    assert world.interfaces == set()
    (listener,) = world.listeners
    assert listener.closed.wait(10)


def never() -> None:
    raise TimeoutError("it did not come up")


def test_one_whose_address_is_not_taken_back_can_be_dismissed_again(
    world: World, strangers: RecycledAddresses
) -> None:
    world.coming_up = never
    strangers.take(ALB, NODE)
    world.refusing = True
    with pytest.raises(RuntimeError):
        strangers.leave()
    assert len(world.interfaces) == 1
    world.refusing = False
    strangers.leave()
    assert world.interfaces == set()


def test_nobody_comes_after_all_were_dismissed(world: World, strangers: RecycledAddresses) -> None:
    strangers.leave()
    strangers.take(ALB, NODE)
    assert world.interfaces == set()
