"""How a service's deployments begin, complete, fail and roll back: pure, from service to service."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from underpass.twin.services.ecs.model import Deployment, Launch, Rollout, Service
from underpass.twin.services.ecs.scheduler import backoff_s

WELL_S = 10.0  # a task that was healthy for so long does not count towards a crash loop


def begin(launch: Launch, deployment_id: str, now: float) -> Deployment:
    """Return a new deployment."""
    reason = f"ECS deployment {deployment_id} in progress."
    return Deployment(deployment_id, launch, now, now, reason=reason)


def deploy(service: Service, deployment: Deployment) -> Service:
    """Make a new deployment the primary one; earlier failures no longer matter."""
    deployments = (deployment, *service.deployments)
    return replace(service, deployments=deployments, failures=0, retry_at=0.0, steady=False)


def complete(service: Service, now: float) -> Service:
    """Mark the primary deployment as completed: it is what a later failure rolls back to."""
    done = replace(
        service.primary,
        rollout=Rollout.COMPLETED,
        reason=f"ECS deployment {service.primary.id} completed.",
        updated_at=now,
    )
    return replace(service, deployments=(done,), completed=done, failures=0, retry_at=0.0)


def fail(service: Service, now: float) -> Service:
    """Let the circuit breaker trip: the deployment has failed, and the last completed one may come back.

    The first deployment of a service has nothing to roll back to, and a failed rollback neither.
    """
    failed = replace(
        service.primary,
        rollout=Rollout.FAILED,
        reason="ECS deployment circuit breaker: tasks failed to start.",
        updated_at=now,
    )
    others = service.deployments[1:]
    back = service.completed
    if not service.rollback or back is None or back.id == failed.id:
        return replace(service, deployments=(failed, *others))
    again = replace(
        back,
        rollout=Rollout.IN_PROGRESS,
        reason=f"ECS deployment circuit breaker: rolling back to deploymentId {back.id}.",
        updated_at=now,
        failed_tasks=0,
    )
    rest = tuple(deployment for deployment in others if deployment.id != back.id)
    deployments = (again, failed, *rest)
    return replace(service, deployments=deployments, failures=0, retry_at=0.0)


def task_failed(service: Service, deployment_id: str, well_for_s: float, now: float) -> Service:
    """Count a task that ended though it was wanted, and put off the next start if it is not the first."""
    deployments = tuple(
        replace(deployment, failed_tasks=deployment.failed_tasks + 1)
        if deployment.id == deployment_id and deployment.rollout is Rollout.IN_PROGRESS
        else deployment
        for deployment in service.deployments
    )
    if deployment_id != service.primary.id:
        return replace(service, deployments=deployments)
    failures = 1 if well_for_s >= WELL_S else service.failures + 1
    retry_at = now + backoff_s(failures)
    return replace(service, deployments=deployments, failures=failures, retry_at=retry_at)


def drop_finished(service: Service, with_tasks: Collection[str]) -> Service:
    """Forget old deployments that have no task left."""
    kept = [deployment for deployment in service.deployments[1:] if deployment.id in with_tasks]
    return replace(service, deployments=(service.primary, *kept))
