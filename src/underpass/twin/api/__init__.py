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
    from underpass.twin.api import bounds, missing
    from underpass.twin.api.balancing import elbv2
    from underpass.twin.api.containers import ecs, scaling
    from underpass.twin.api.data import efs, rds, rds_events, s3, secretsmanager
    from underpass.twin.api.messaging import events, lambda_, sqs
    from underpass.twin.api.network import autoscaling, dependencies, ec2
    from underpass.twin.api.privatelink import endpoint_connections, endpoint_services, endpoints

    for corrections in (missing, dependencies, ec2, endpoint_services, endpoint_connections):
        corrections.install()
    for corrections in (endpoints, autoscaling):
        corrections.install()
    for corrections in (rds, rds_events, s3, efs, sqs, lambda_, events, secretsmanager, bounds):
        corrections.install()
    elbv2.install(health)
    ecs.install(tasks)
    scaling.install(tasks)
