"""Rules of whom a container runs as, and what that user may."""

from __future__ import annotations

from collections.abc import Iterator

from underpass.config.facts.capabilities import ADDED, GIVEN
from underpass.config.model import Config
from underpass.config.problems import Fault, KeyPath
from underpass.config.rules.rule import Rule, docs, first_repeated

_KEY: KeyPath = ("service", "capabilities")
_SOURCE = docs("AmazonECS/latest/APIReference/API_KernelCapabilities")
_HIGHEST_ID = 2**31 - 1


def _capabilities(config: Config) -> Iterator[Fault]:
    kept = config.service.capabilities
    for at, name in enumerate(kept):
        if name not in GIVEN:
            yield Fault(((*_KEY, at),), *_not_given(name), source=_SOURCE)
    repeated = first_repeated(kept)
    if repeated is not None:
        yield Fault(((*_KEY, repeated),), f'"{kept[repeated]}" is there twice', "leave one out")


def _not_given(name: str) -> tuple[str, str]:
    bare = name.upper().removeprefix("CAP_")
    if bare in GIVEN:
        return f'"{name}" is no capability as ECS writes it', f'write "{bare}"'
    choice = f"those that can be kept are {', '.join(GIVEN)}"
    if bare in ADDED:
        what = f'"{name}" is none that Docker gives a container: it would have to be added, and Fargate adds'
        return f"{what} none but SYS_PTRACE", choice
    return f'"{name}" is no capability that ECS knows', choice


def _of_an_ordinary_user(config: Config) -> Iterator[Fault]:
    """Yield what no process would have: only root has what the container keeps, and nobody becomes root."""
    service = config.service
    if service.capabilities and config.capacity.provider == "ec2" and not runs_as_root(config):
        yield Fault(
            (_KEY, ("service", "user")),
            f"are root's alone, and the container runs as {service.user}: no-new-privileges gives it none",
            'leave them out, or write user = "0" and let the image change to its user itself',
        )


def runs_as_root(config: Config) -> bool:
    """Return whether the container starts as root, as far as the file says."""
    user = config.service.user
    return user is None or user.partition(":")[0] in ("0", "root")


def _ids(config: Config) -> Iterator[Fault]:
    for part in (config.service.user or "").split(":"):
        if part.isdecimal() and int(part) > _HIGHEST_ID:
            what = f"{part} is too large for the id of a user or a group"
            yield Fault((("service", "user"),), what, f"the most is {_HIGHEST_ID}")


RULES: tuple[Rule, ...] = (_capabilities, _of_an_ordinary_user, _ids)
