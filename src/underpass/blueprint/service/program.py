"""What a kind of task runs of the application's image: the service itself, and what there is beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from underpass.blueprint.cross_stack import given
from underpass.config import Config

RELEASE = "ReleaseTaskDefinitionArn"  # what ran before the service: the release stack's output


@dataclass(frozen=True)
class Program:
    """One kind of task, started from the application's image.

    Attributes
    ----------
    name
        Of its container, and so of its log streams.
    family
        Of its task definitions.
    title
        The start of its logical ids; empty for the service's own.
    command
        Run instead of the image's own command; none: the image's.
    cpu, memory_mib
        What a task takes: ECS CPU units, MiB.
    stop_timeout_s
        From SIGTERM to SIGKILL.
    health_command
        What succeeds inside the container when it is well; none: it is not asked.
    port
        What it listens on; None for what nobody connects to.
    environment
        Its own variables, besides the service's and instead of them.
    labels
        What a task is marked with, so that it is another one when that changes.
    """

    name: str
    family: str
    title: str
    cpu: int
    memory_mib: int
    stop_timeout_s: int
    command: tuple[str, ...] = ()
    health_command: tuple[str, ...] = ()
    port: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, Any] = field(default_factory=dict)


def service(config: Config) -> Program:
    """Return the application itself, behind the balancers."""
    return Program(
        name=config.name,
        family=config.name,
        title="",
        cpu=config.service.cpu,
        memory_mib=config.service.memory,
        stop_timeout_s=config.service.stop_timeout,
        health_command=config.service.health_command,
        port=config.service.port,
        labels={"underpass.release": given(RELEASE)} if config.service.release else {},
    )
