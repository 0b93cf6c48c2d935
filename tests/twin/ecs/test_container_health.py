"""Whether a container listens, which is when its health is worth a check; its metadata do from the start."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.twin.inside import run_inside

from underpass.twin.linux.devices import devices
from underpass.twin.services.ecs import metadata
from underpass.twin.services.ecs.container_health import listens


def before_and_after() -> list[bool]:
    with devices() as network:
        network.address("lo", metadata.ADDRESS)
    with socket.create_server((metadata.ADDRESS, metadata.PORT)):
        return _before_and_after()


def _before_and_after() -> list[bool]:
    own = int(str(Path("/proc/self").readlink()))  # as the folder, which is of outside, knows it
    found = [listens(own)]
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family) as bound:
            bound.bind((address, 0))
            found.append(listens(own))
            bound.listen()
            found.append(listens(own))
    return [*found, listens(1 << 22)]


def test_what_listens_is_seen_in_either_family_and_what_is_gone_does_not() -> None:
    assert run_inside(before_and_after) == [False, False, True, False, True, False]
