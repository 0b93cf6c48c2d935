"""Alarms on the shared files.

Their throughput is elastic: there are no burst credits that could run out, and what can is the number of
operations a file system takes.
https://docs.aws.amazon.com/efs/latest/ug/performance.html
"""

from __future__ import annotations

from troposphere import Template

from underpass.blueprint.monitoring.alarms import Missing, Topic, When, alarm
from underpass.blueprint.monitoring.metrics import efs
from underpass.config import Config

LIMIT_PERCENT = 95


def add(template: Template, _: Config, topic: Topic) -> None:
    """Add the alarm of the file system."""
    alarm(
        template,
        topic,
        "FilesIoLimit",
        "The file system is at the limit of its operations: what reads and writes it waits",
        efs("PercentIOLimit", "Maximum"),
        When(">=", LIMIT_PERCENT, 15, 15, Missing.NOT_BREACHING),
    )
