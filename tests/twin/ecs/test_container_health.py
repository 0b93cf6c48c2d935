"""How much listens beside a container, which is when its health is worth a check; its metadata always do."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.twin.inside import run_inside

from underpass.twin.linux.devices import devices
from underpass.twin.services.ecs import metadata
from underpass.twin.services.ecs.container_health import listeners


def before_and_after() -> list[int]:
    with devices() as network:
        network.address("lo", metadata.ADDRESS)
    with socket.create_server((metadata.ADDRESS, metadata.PORT)):
        return _before_and_after()


def _before_and_after() -> list[int]:
    own = int(str(Path("/proc/self").readlink()))  # as the folder, which is of outside, knows it
    found = [listeners(own)]
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family) as bound:
            bound.bind((address, 0))
            found.append(listeners(own))
            bound.listen()
            found.append(listeners(own))
    return [*found, listeners(1 << 22)]


def test_what_listens_is_counted_in_either_family_and_what_is_gone_does_not() -> None:
    assert run_inside(before_and_after) == [0, 0, 1, 0, 1, 0]
