"""The AWS APIs of the twin: moto, and what it lacks or gets wrong, a file per service."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from underpass.twin.balancers.health import HealthTable
    from underpass.twin.compute.ecs.table import Table


def install(health: HealthTable, tasks: Table) -> None:
    """Patch moto with every correction of this package; to be called before its server starts.

    Parameters
    ----------
    health
        What ``describe_target_health`` tells.
    tasks
        What the ECS actions tell and want, and Application Auto Scaling holds within limits.
    """
    from underpass.twin.api import (
        autoscaling,
        bounds,
        dependencies,
        ec2,
        ecs,
        efs,
        elbv2,
        endpoint_connections,
        endpoint_services,
        endpoints,
        events,
        lambda_,
        missing,
        rds,
        rds_events,
        s3,
        scaling,
        secretsmanager,
        sqs,
    )

    for corrections in (missing, dependencies, ec2, endpoint_services, endpoint_connections):
        corrections.install()
    for corrections in (endpoints, autoscaling):
        corrections.install()
    for corrections in (rds, rds_events, s3, efs, sqs, lambda_, events, secretsmanager, bounds):
        corrections.install()
    elbv2.install(health)
    ecs.install(tasks)
    scaling.install(tasks)
