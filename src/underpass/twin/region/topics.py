"""What controllers may be woken by."""

from __future__ import annotations

from enum import StrEnum


class Topic(StrEnum):
    """Something that may have changed."""

    # The API publishes a service's signing name after every call that may have changed something.
    APPLICATION_AUTOSCALING = "application-autoscaling"
    AUTOSCALING = "autoscaling"
    CLOUDFORMATION = "cloudformation"  # by its engine: a stack went on
    EC2 = "ec2"
    ECS = "ecs"
    EFS = "elasticfilesystem"
    ELB = "elasticloadbalancing"
    EVENTS = "events"
    IAM = "iam"
    LAMBDA = "lambda"
    RDS = "rds"
    ROUTE53 = "route53"
    SCHEDULER = "scheduler"
    OTHER = ""  # any other service: only who waits for a condition looks again

    # What the twin itself observes.
    APPLIED = "applied"  # another reading of the load balancers was made real
    DATABASES = "databases"  # a DB instance's status changed
    DRAINED = "drained"  # a target has finished draining
    HEALTH = "health"  # a target's health changed
    INSTANCES = "instances"  # container instances came or went
    INTERFACES = "interfaces"  # namespaces were wired, or went
    NODES = "nodes"  # nodes of a load balancer are to come or go
    STATES = "balancers"  # a load balancer or an endpoint became usable
    TASKS = "tasks"  # a task went on

    @classmethod
    def _missing_(cls, _value: object) -> Topic:
        return cls.OTHER
