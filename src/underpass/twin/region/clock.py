"""The twin's clock: AWS's waiting times, shortened by one factor that is stated wherever it shows.

``Wait`` names all that is shortened: what only AWS's own machinery waits for. What an application itself
waits for or works within is never shortened: its start, its time-outs, its schedules, how long its queues
hide a message, and how long a target that goes has for requests under way.
"""

from __future__ import annotations

import re
from enum import StrEnum

SPEED = 20.0
_REGISTRARS = re.compile(
    r"-Registrar(Sched\w*|Queue)-"
)  # as CloudFormation names what is given no name


class Wait(StrEnum):
    """What runs ``SPEED`` times faster than in AWS, in the words of docs/twin.md's table."""

    HEALTH_CHECK = "a target group's health check interval"
    REACH = "how long a health check tries to connect"
    CONTAINER_CHECK = "a container's health check interval, once it was healthy"
    DRAIN = "deregistration delay with no connection left"
    RESTART = "the pause before a service's failing tasks start again"
    REGISTRAR = "the registrar's schedule and its queue"
    NODE = "a leaving ALB node's last minutes"
    TRAIL = "how late CloudTrail's events come"
    NAMES = "how long a load balancer's name may be kept"
    ASYNCHRONOUS = "the pause before an asynchronous invocation is tried again"
    ROTATION = "days between a secret's rotations"


def scaled_s(wait: Wait, seconds: float, at_least_s: float = 0.5) -> float:  # noqa: ARG001  it is named
    """Return how long ``seconds`` of AWS time last on the twin, in seconds."""
    return max(seconds / SPEED, at_least_s)


def is_registrars(name: str) -> bool:
    """Tell whether a rule or a queue is the registrar's, by its name: no other's runs on the twin's clock.

    Example
    -------
    >>> is_registrars("notes-path-RegistrarQueue-0123456789ab.fifo"), is_registrars("nightly")
    (True, False)
    """
    return bool(_REGISTRARS.search(name))
