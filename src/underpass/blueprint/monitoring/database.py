"""Alarms on the database: is it busy, full, or out of connections? And what RDS itself tells of it."""

from __future__ import annotations

import re

from troposphere import Template
from troposphere.rds import EventSubscription

from underpass.blueprint.cross_stack import given
from underpass.blueprint.monitoring.alarms import CHARGED, FAILED, Missing, Topic, When, alarm
from underpass.blueprint.monitoring.metrics import CREDITS_S, function, rds
from underpass.config import Config
from underpass.config.model import Database

CPU_PERCENT = 85
FREE_PART = 0.15
MEMORY_PART = 0.05
CONNECTED_PART = 0.7
GIB = 2**30

# Memory of the general purpose size called ``large``, and what a step up or down does to it.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Summary.html
_LARGE_GIB = 8.0
_SMALLER = {"micro": 1 / 8, "small": 1 / 4, "medium": 1 / 2, "large": 1.0, "xlarge": 2.0}
_FAMILY = {"r": 2.0, "x": 4.0, "z": 2.0, "c": 0.5}
# The default of max_connections: bytes of DBInstanceClassMemory for each, and the most there are.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html#RDS_Limits.MaxConnections
_CONNECTIONS = {
    "postgres": (9_531_392, 5000),
    "mysql": (12_582_880, 100_000),
    "mariadb": (25_165_760, 12_000),
}
# What the system and RDS's own processes leave of the memory; the measured defaults of sizes from micro to
# xlarge agree within a tenth. https://gist.github.com/guizmaii/1cacffef793c2ba9645083c3e18b3d8c
_LEFT_PART, _TAKEN_GIB = 0.97, 0.25


def add(template: Template, config: Config, topic: Topic) -> None:
    """Add the alarms of the database instance, and the subscription to its events."""
    if config.instance is None:
        return
    alarm(
        template,
        topic,
        "DatabaseCpu",
        "The database is short of CPU",
        rds("CPUUtilization", "Average"),
        When(">=", CPU_PERCENT, 15, 15, Missing.MISSING),
    )
    alarm(
        template,
        topic,
        "DatabaseStorage",
        f"Less than {FREE_PART:.0%} of the database's storage is free",
        rds("FreeStorageSpace", "Minimum"),
        When("<", round(config.instance.storage_gb * GIB * FREE_PART), 5, 5, Missing.MISSING),
    )
    alarm(
        template,
        topic,
        "DatabaseConnections",
        "The database is running out of connections",
        rds("DatabaseConnections", "Maximum"),
        When(">=", round(connections(config.instance) * CONNECTED_PART), 5, 5, Missing.MISSING),
    )
    alarm(
        template,
        topic,
        "DatabaseMemory",
        f"Less than {MEMORY_PART:.0%} of the database's memory is free: it will swap, or be restarted",
        rds("FreeableMemory", "Minimum"),
        When(
            "<",
            round(memory_gib(config.instance.instance_class) * GIB * MEMORY_PART),
            15,
            15,
            Missing.MISSING,
        ),
    )
    if re.match(r"db\.t[3-9]", config.instance.instance_class):
        alarm(
            template,
            topic,
            "DatabaseCredits",
            "The database uses more CPU than its class earns, and AWS charges for it: take a larger one",
            rds("CPUSurplusCreditsCharged", "Sum", CREDITS_S),
            CHARGED,
        )
    template.add_resource(
        EventSubscription(
            "DatabaseEvents",
            SnsTopicArn=topic,
            SourceType="db-instance",
            SourceIds=[given("DatabaseInstanceId")],
            # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html
            EventCategories=[
                "availability",
                "configuration change",
                "failover",
                "failure",
                "low storage",
                "maintenance",
            ],
        )
    )
    if config.instance.rotates:
        _rotation(template, topic)


def _rotation(template: Template, topic: Topic) -> None:
    """Add the alarms of the rotation: one that fails leaves everybody with the passwords they have."""
    alarm(
        template,
        topic,
        "RotationErrors",
        "Changing a password of the database failed: logins go on with the one before; see docs/database.md "
        "and the log of the rotation's function",
        function("Rotation", "Errors", "Sum"),
        FAILED,
    )
    alarm(
        template,
        topic,
        "RotationThrottles",
        "Changing a password of the database could not start: the account's functions take all of its "
        "concurrency",
        function("Rotation", "Throttles", "Sum"),
        FAILED,
    )


def connections(database: Database) -> int:
    """Return about how many connections the instance takes, by the default of its engine."""
    memory_bytes = (memory_gib(database.instance_class) * _LEFT_PART - _TAKEN_GIB) * GIB
    each, most = _CONNECTIONS[database.engine]
    return min(int(memory_bytes / each), most)


def memory_gib(instance_class: str) -> float:
    """Return about how much memory an instance class has: ``db.FAMILY.SIZE`` says it.

    A size twice as large has twice the memory; families for memory have more, and for computing less.
    """
    _, family, size = instance_class.split(".")
    larger = re.fullmatch(r"(\d+)xlarge", size)
    times = 2.0 * int(larger[1]) if larger else _SMALLER.get(size, 1.0)
    return _LARGE_GIB * times * _FAMILY.get(family[0], 1.0)
