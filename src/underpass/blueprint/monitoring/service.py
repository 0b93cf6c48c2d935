"""Alarms on what serves behind the path: the tasks, the registrar, and the shared files."""

from __future__ import annotations

import re

from troposphere import Template

from underpass.blueprint.monitoring.alarms import CHARGED, Missing, Topic, When, alarm, alarm_on
from underpass.blueprint.monitoring.metrics import (
    CREDITS_S,
    capacity,
    ecs,
    efs,
    function,
    insights,
    instances,
    nat,
    registrar,
)
from underpass.config import Config

CPU_PERCENT = 85
MEMORY_PERCENT = 90
FULL_PERCENT = 100
LIMIT_PERCENT = 95


def add_tasks(template: Template, config: Config, topic: Topic) -> None:
    """Add the alarms on whether there are enough tasks, and they have enough; on EC2, on capacity too."""
    if config.capacity.container_insights != "off":  # nothing else measures it
        _shortfall(template, topic, "TaskShortfall", "tasks", "ServiceName")
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
        if re.match(r"t[3-9]\w*\.", config.capacity.instance_type):
            alarm(
                template,
                topic,
                "InstanceCredits",
                "The instances use more CPU than their type earns, and AWS charges for it: take another type",
                instances("CPUSurplusCreditsCharged", "Sum", CREDITS_S),
                CHARGED,
            )


def add_workers(template: Template, config: Config, topic: Topic) -> None:
    """Add the alarms of each worker: that it runs, and has memory enough; nobody else asks after it."""
    for worker in config.workers:
        title, tasks = worker.title, f"tasks of worker {worker.name}"
        if config.capacity.container_insights != "off":
            _shortfall(template, topic, f"{title}Shortfall", tasks, f"{title}ServiceName")
        alarm(
            template,
            topic,
            f"{title}Memory",
            f"A task of worker {worker.name} is about to be killed for want of memory",
            ecs("MemoryUtilization", "Maximum", f"{title}ServiceName"),
            When(">=", MEMORY_PERCENT, 5, 5, Missing.MISSING),
        )


def _shortfall(template: Template, topic: Topic, title: str, tasks: str, service: str) -> None:
    alarm_on(
        template,
        topic,
        title,
        f"Fewer {tasks} run than are wanted: they do not start, or do not stay",
        "wanted - running",
        {
            "wanted": insights("DesiredTaskCount", "Average", service),
            "running": insights("RunningTaskCount", "Average", service),
        },
        When(">", 0, 5, 5, Missing.MISSING),
    )


def add_nat(template: Template, config: Config, topic: Topic) -> None:
    """Add the alarms of the NAT gateways; an existing VPC's are not the application's to watch."""
    for number in range(1, config.network.zones + 1):
        alarm(
            template,
            topic,
            f"NatPorts{number}",
            "Tasks cannot connect to the outside for want of ports: more than 55,000 connections at once "
            "to one destination",
            nat("ErrorPortAllocation", "Sum", number),
            When(">", 0, 1, 1, Missing.NOT_BREACHING),
        )


def add_registrar(template: Template, _: Config, topic: Topic) -> None:
    """Add the alarms of the registrar.

    It keeps nothing from one run to the next, so it cannot say for sure how long ago it last succeeded;
    three minutes in a row without a success, of one a minute, say it instead.
    """
    alarm(
        template,
        topic,
        "RegistrarErrors",
        "The registrar fails: its log says at what, and names the variable",
        function("Registrar", "Errors", "Sum"),
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


def add_files(template: Template, _: Config, topic: Topic) -> None:
    """Add the alarm of the file system.

    Its throughput is elastic: there are no burst credits that could run out, and what can is the number of
    operations it takes.
    https://docs.aws.amazon.com/efs/latest/ug/performance.html
    """
    alarm(
        template,
        topic,
        "FilesIoLimit",
        "The file system is at the limit of its operations: what reads and writes it waits",
        efs("PercentIOLimit", "Maximum"),
        When(">=", LIMIT_PERCENT, 15, 15, Missing.NOT_BREACHING),
    )
