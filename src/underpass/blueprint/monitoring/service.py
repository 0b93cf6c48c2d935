"""Alarms on the tasks: whether there are enough of them, and they have enough."""

from __future__ import annotations

from troposphere import Template

from underpass.blueprint.monitoring.alarms import Missing, Topic, When, alarm, alarm_on
from underpass.blueprint.monitoring.metrics import capacity, ecs, insights
from underpass.config import Config

CPU_PERCENT = 85
MEMORY_PERCENT = 90
FULL_PERCENT = 100


def add(template: Template, config: Config, topic: Topic) -> None:
    """Add the alarms of the service and, on EC2, of its capacity provider."""
    alarm_on(
        template,
        topic,
        "TaskShortfall",
        "Fewer tasks run than are wanted: they do not start, or do not stay",
        "wanted - running",
        {
            "wanted": insights("DesiredTaskCount", "Average"),
            "running": insights("RunningTaskCount", "Average"),
        },
        When(">", 0, 5, 5, Missing.MISSING),
    )
    alarm(
        template,
        topic,
        "ServiceCpu",
        "The tasks are short of CPU although they may scale: tasks.max or the CPU of each is too low",
        ecs("CPUUtilization", "Average"),
        When(">=", CPU_PERCENT, 15, 15, Missing.MISSING),
    )
    alarm(
        template,
        topic,
        "ServiceMemory",
        "A task is about to be killed for want of memory",
        ecs("MemoryUtilization", "Maximum"),
        When(">=", MEMORY_PERCENT, 5, 5, Missing.MISSING),
    )
    if config.capacity.provider == "ec2":
        alarm(
            template,
            topic,
            "CapacityShortage",
            "Tasks find no room and no instance comes: instances.max is reached, or EC2 has none",
            capacity("CapacityProviderReservation", "Average"),
            When(">", FULL_PERCENT, 15, 15, Missing.MISSING),
        )
