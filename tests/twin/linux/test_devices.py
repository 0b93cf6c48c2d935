"""What the kernel is asked for, in a network of the test's own."""

from __future__ import annotations

import errno
import socket
from typing import Any

from tests.twin.inside import run_inside

from underpass.twin.linux.devices import PolicyRule, Route, devices


def again_and_again() -> list[str]:
    with devices() as network:
        network.up("lo")
        for _ in range(2):
            network.address("lo", "10.1.2.3")
            network.route(Route("10.9.0.0/16", "lo"))
            network.rule(PolicyRule(100, "10.1.0.0/16", 7))
        for _ in range(2):
            network.no_rule(PolicyRule(100, "10.1.0.0/16", 7))
            network.no_route(Route("10.9.0.0/16", "lo"))
            network.no_address("lo", "10.1.2.3")
            network.remove("gone")
        network.no_route(Route("10.9.0.0/16", "gone"))
        network.no_address("gone", "10.1.2.3")
    return [name for _, name in socket.if_nameindex()]


def test_having_it_and_not_having_it_are_no_errors() -> None:
    assert run_inside(again_and_again) == ["lo"]


def more_than_the_kernel_answers() -> bool:
    with devices() as network:
        for number in range(400):
            network.no_address("lo", f"10.5.{number // 250}.{number % 250}")
    return True


def test_hundreds_of_refusals_that_are_none_are_heard() -> None:
    assert run_inside(more_than_the_kernel_answers)


def part_of_a_batch() -> dict[str, Any]:
    told: dict[str, Any] = {}
    try:
        with devices() as network:
            network.address("lo", "10.3.3.3", prefix=33)
            network.address("lo", "10.4.4.4")
    except OSError as error:
        told["refused"] = errno.errorcode[error.errno or 0]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("10.4.4.4", 0))  # only an address of this network can be
    try:
        with devices() as network:
            network.up("gone")
    except OSError as error:
        told["absent"] = [errno.errorcode[error.errno or 0], error.filename]
    return told


def test_what_the_kernel_refuses_is_raised_and_the_rest_is_done() -> None:
    assert run_inside(part_of_a_batch) == {"refused": "EINVAL", "absent": ["ENODEV", "gone"]}
