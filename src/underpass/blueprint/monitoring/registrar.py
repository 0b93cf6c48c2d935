"""Alarms on the registrar: whether it runs, and without an error."""

from __future__ import annotations

from troposphere import Template

from underpass.blueprint.monitoring.alarms import Missing, Topic, When, alarm
from underpass.blueprint.monitoring.metrics import function
from underpass.config import Config

STALE_S = 300  # it runs every minute


def add(template: Template, _: Config, topic: Topic) -> None:
    """Add the alarms of the registrar's function."""
    alarm(
        template,
        topic,
        "RegistrarErrors",
        "The registrar fails: the NLB does not follow the ALB's addresses",
        function("Errors", "Sum"),
        When(">", 0, 3, 5, Missing.NOT_BREACHING),
    )
    alarm(
        template,
        topic,
        "RegistrarStale",
        "The registrar does not run: the NLB does not follow the ALB's addresses",
        function("Invocations", "Sum", STALE_S),
        When("<", 1, 2, 2, Missing.BREACHING),
    )
