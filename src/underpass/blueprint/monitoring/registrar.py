"""Alarms on the registrar: whether it works, keeps working, and does not refuse to."""

from __future__ import annotations

from troposphere import Template

from underpass.blueprint.monitoring.alarms import Missing, Topic, When, alarm
from underpass.blueprint.monitoring.metrics import function, registrar
from underpass.config import Config


def add(template: Template, _: Config, topic: Topic) -> None:
    """Add the alarms of the registrar.

    It keeps nothing from one run to the next, so it cannot say for sure how long ago it last succeeded;
    three minutes in a row without a success, of one a minute, say it instead.
    """
    alarm(
        template,
        topic,
        "RegistrarErrors",
        "The registrar fails: its log says at what, and names the variable",
        function("Errors", "Sum"),
        When(">", 0, 2, 3, Missing.NOT_BREACHING),
    )
    alarm(
        template,
        topic,
        "RegistrarStale",
        "The registrar has not succeeded for 3 minutes: the NLB does not follow the ALB's addresses",
        registrar("Success", "Sum"),
        When("<", 1, 3, 3, Missing.BREACHING),
    )
    alarm(
        template,
        topic,
        "RegistrarHeldBack",
        "More targets are gone at once than the registrar may remove: if they are, run "
        "`underpass registrar run --max-removals N`",
        registrar("HeldBack", "Sum"),
        When(">", 0, 1, 1, Missing.NOT_BREACHING),
    )
