"""What a target of its own account takes, and cannot do as AWS does: said by name, and not refused."""

from __future__ import annotations

import platform

from underpass.config import Config


def check(config: Config) -> tuple[str, ...]:
    """Return what to warn of."""
    capacity, machine = config.capacity, platform.machine().replace("aarch64", "arm64")
    said = {
        "[capacity] ssm: the hosts here have no agent, so there is no session": capacity.ssm,
        "[capacity] spot: Spot is always to be had here, and never taken back": capacity.spot,
        f"[capacity] architecture: tasks run on this machine's own, {machine}": (
            capacity.architecture not in {None, machine}
        ),
        "permissions_boundary: a policy that allows everything stands for it here": config.permissions_boundary,
    }
    return tuple(text for text, holds in said.items() if holds)
