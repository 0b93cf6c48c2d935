"""The AWS APIs of the twin: moto, and what it lacks or gets wrong, a file per service."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from underpass.twin.services.ecs.table import Table
    from underpass.twin.services.elbv2.health import HealthTable


def install(health: HealthTable, tasks: Table) -> None:
    """Patch moto with every correction of this package; to be called before its server starts.

    Parameters
    ----------
    health
        What ``describe_target_health`` tells.
    tasks
        What the ECS actions tell and want, and Application Auto Scaling holds within limits.
    """
    from underpass.twin.services import missing
    from underpass.twin.services.autoscaling import patches as autoscaling
    from underpass.twin.services.ec2 import dependencies
    from underpass.twin.services.ec2 import patches as ec2
    from underpass.twin.services.ecs import patches as ecs
    from underpass.twin.services.ecs import scaling
    from underpass.twin.services.efs import patches as efs
    from underpass.twin.services.elbv2 import patches as elbv2
    from underpass.twin.services.events import patches as events
    from underpass.twin.services.lambda_ import patches as lambda_
    from underpass.twin.services.logs import bounds
    from underpass.twin.services.privatelink import (
        endpoint_connections,
        endpoint_services,
        endpoints,
    )
    from underpass.twin.services.rds import event_subscriptions
    from underpass.twin.services.rds import patches as rds
    from underpass.twin.services.s3 import patches as s3
    from underpass.twin.services.secretsmanager import patches as secretsmanager
    from underpass.twin.services.sqs import patches as sqs

    for corrections in (missing, dependencies, ec2, endpoint_services, endpoint_connections):
        corrections.install()
    for corrections in (endpoints, autoscaling):
        corrections.install()
    for corrections in (
        rds,
        event_subscriptions,
        s3,
        efs,
        sqs,
        lambda_,
        events,
        secretsmanager,
        bounds,
    ):
        corrections.install()
    elbv2.install(health)
    ecs.install(tasks)
    scaling.install(tasks)
