"""A container runs as the user its definition names, and root keeps what is not dropped."""

from __future__ import annotations

from tests.twin.ecs import rights
from tests.twin.inside import run_inside

from underpass.config.facts.capabilities import GIVEN
from underpass.twin.linux import capabilities
from underpass.twin.linux.capabilities import bits

LOW = "listens on a low port"


def test_users_and_capabilities_are_the_definitions() -> None:
    found = run_inside(rights.users_and_capabilities, timeout_s=120)
    without = [name for name in GIVEN if name not in {"CHOWN", "MKNOD"}]
    assert found["docker's own"] == [f"0 0 {bits(GIVEN):016x}", LOW, "x", "writes 2"]
    assert found["some"] == [f"0 0 {bits(without):016x}", LOW, "x", "writes 2"]
    assert found["none"] == [f"0 0 {0:016x}", "x", "writes 2"]
    # Its health check passes for that user only.
    assert found["a user"] == [f"4321 33 {0:016x}", "x", "writes 2"]


def test_what_docker_does_not_give_is_refused_by_name() -> None:
    said = run_inside(rights.what_is_added_is_refused)
    assert "adding capabilities to Docker's: NET_ADMIN" in said


def test_the_file_and_the_twin_know_the_same() -> None:
    assert capabilities.GIVEN == GIVEN
