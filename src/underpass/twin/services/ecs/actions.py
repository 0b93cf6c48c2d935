"""ECS's tasks, clusters, container instances and scaling, as they really are; services are in ``patches``."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.ecs.exceptions import ECSException, InvalidParameterException
from moto.ecs.responses import EC2ContainerServiceResponse as Response

from underpass.twin.api import patch
from underpass.twin.services.ecs import describe, strategy
from underpass.twin.services.ecs.launch import (
    Parameters,
    launch_from,
    refuse_dependencies,
    unsupported,
)
from underpass.twin.services.ecs.model import Service, StopCode, Task
from underpass.twin.services.ecs.placement import free
from underpass.twin.services.ecs.table import Table, attached

MOST_AT_ONCE = 10
DIMENSION = "ecs:service:DesiredCount"


# Tasks


@patch.wrap(Response, "register_task_definition")
def _register_definition(original: Callable[..., Any], response: Any) -> Any:
    """Register what the agent can start in some order."""
    refuse_dependencies(response._get_param("containerDefinitions") or ())  # noqa: SLF001  moto has no other way
    return original(response)


def run_task(response: Any, wanted: Parameters, table: Table) -> Mapping[str, Any]:
    """Want one-off tasks; they are placed and started by the scheduler."""
    backend = response.ecs_backend
    cluster = backend._get_cluster(wanted.get("cluster", "default"))  # noqa: SLF001
    launch = launch_from(backend, cluster, wanted)
    count = wanted.get("count") or 1
    if not 1 <= count <= MOST_AT_ONCE:
        raise InvalidParameterException(f"count must be between 1 and {MOST_AT_ONCE}.")
    family = launch.definition.rpartition("/")[2].partition(":")[0]
    made = [
        Task(
            id=uuid.uuid4().hex,
            cluster_arn=cluster.arn,
            launch=one,
            created_at=time.time(),
            group=wanted.get("group") or f"family:{family}",
            started_by=wanted.get("startedBy") or "",
            overrides=wanted.get("overrides") or {},
            tags=tuple((tag["key"], tag["value"]) for tag in wanted.get("tags") or ()),
        )
        for one in strategy.launches(launch, count, ())
    ]
    for task in made:
        table.put(task)
    return {"tasks": [describe.task(task) for task in made], "failures": []}


def start_task(_: Any, __: Parameters, ___: Table) -> Mapping[str, Any]:
    """Refuse: tasks are placed by the scheduler."""
    raise unsupported("StartTask: use RunTask")


def stop_task(response: Any, wanted: Parameters, table: Table) -> Mapping[str, Any]:
    """Want a task stopped."""
    task = _find(response, table, wanted.get("cluster", "default"), wanted["task"])
    if task is None:
        raise InvalidParameterException("The referenced task was not found.")
    if not task.ending:
        reason = wanted.get("reason") or "Task stopped by user"
        task = table.change(
            task.id, wanted="STOPPED", stop_code=StopCode.USER, stopped_reason=reason
        )
    return {"task": describe.task(task)}


def describe_tasks(response: Any, wanted: Parameters, table: Table) -> Mapping[str, Any]:
    """Describe tasks by id or ARN."""
    if not wanted.get("tasks"):
        raise InvalidParameterException("Tasks cannot be empty.")
    found, failures = [], []
    for name in wanted["tasks"]:
        task = _find(response, table, wanted.get("cluster", "default"), name)
        if task is None:
            failures.append({"arn": name, "reason": "MISSING"})
            continue
        described = describe.task(task)
        if "TAGS" not in (wanted.get("include") or ()):
            described.pop("tags", None)
        found.append(described)
    return {"tasks": found, "failures": failures}


def list_tasks(response: Any, wanted: Parameters, table: Table) -> Mapping[str, Any]:
    """List tasks, as ECS does those that are to run unless asked for stopped ones."""
    cluster = response.ecs_backend._get_cluster(wanted.get("cluster", "default"))  # noqa: SLF001
    service = (wanted.get("serviceName") or "").rpartition("/")[2]
    host = (wanted.get("containerInstance") or "").rpartition("/")[2]
    launch_type, family = wanted.get("launchType"), wanted.get("family")

    def asked_for(task: Task) -> bool:
        return (
            task.cluster_arn == cluster.arn
            and task.wanted == (wanted.get("desiredStatus") or "RUNNING")
            and (not service or task.group == f"service:{service}")
            and (not host or task.host.rpartition("/")[2] == host)
            and (not family or f"/{family}:" in task.launch.definition)
            and (not wanted.get("startedBy") or task.started_by == wanted["startedBy"])
            and (not launch_type or task.launch.fargate == (launch_type == "FARGATE"))
        )

    return {"taskArns": [task.arn for task in table.tasks() if asked_for(task)]}


def _find(response: Any, table: Table, cluster: str, name: str) -> Task | None:
    cluster_arn = response.ecs_backend._get_cluster(cluster).arn  # noqa: SLF001
    task = table.task(name)
    return task if task and task.cluster_arn == cluster_arn else None


# Clusters and container instances


@patch.wrap(Response, "create_cluster")
@patch.wrap(Response, "update_cluster")
@patch.wrap(Response, "delete_cluster")
@patch.wrap(Response, "create_capacity_provider")
@patch.wrap(Response, "update_capacity_provider")
@patch.wrap(Response, "delete_capacity_provider")
@patch.wrap(Response, "register_container_instance")
@patch.wrap(Response, "deregister_container_instance")
@patch.wrap(Response, "update_container_instances_state")
def _notice(original: Callable[..., Any], response: Any) -> Any:
    answer = original(response)
    attached().clusters_changed()
    return answer


@patch.wrap(Response, "put_cluster_capacity_providers")
def _put_cluster_capacity_providers(original: Callable[..., Any], response: Any) -> Any:
    """Set a cluster's capacity providers; one that tasks use may not go.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PutClusterCapacityProviders.html
    """
    asked = response._get_params()  # noqa: SLF001  moto has no other way
    cluster = response.ecs_backend._get_cluster(asked.get("cluster", "default"))  # noqa: SLF001
    used = {
        task.launch.capacity_provider
        for task in attached().tasks()
        if task.cluster_arn == cluster.arn and not task.stopped_at
    }
    if used.intersection(cluster.capacity_providers or ()) - {*asked["capacityProviders"]}:
        raise ECSException(
            "ResourceInUseException",
            "The specified capacity provider is in use and cannot be removed.",
        )
    return _notice(original, response)


@patch.wrap(Response, "describe_clusters")
def _describe_clusters(original: Callable[..., Any], response: Any) -> Any:
    """Describe clusters with their counts of tasks, services and instances."""
    backend, table = response.ecs_backend, attached()
    for cluster in backend.clusters.values():
        tasks = [task for task in table.tasks() if task.cluster_arn == cluster.arn]
        counted = describe.counts(tasks)
        cluster.running_tasks_count = counted["runningCount"]
        cluster.pending_tasks_count = counted["pendingCount"]
        cluster.active_services_count = sum(
            service.cluster_arn == cluster.arn and service.status == "ACTIVE"
            for service in table.services()
        )
        instances = backend.container_instances.get(cluster.name, {})
        cluster.registered_container_instances_count = len(instances)
    return original(response)


@patch.wrap(Response, "describe_container_instances")
def _describe_container_instances(original: Callable[..., Any], response: Any) -> Any:
    """Describe container instances with what their tasks leave of them."""
    hosts, tasks = attached().hosts(), attached().tasks()
    for registered in response.ecs_backend.container_instances.values():
        for instance in registered.values():
            host = hosts.get(instance.container_instance_arn)
            if host is None:
                continue
            there = [task for task in tasks if task.host == host.arn and not task.stopped_at]
            counted = describe.counts(there)
            instance.running_tasks_count = counted["runningCount"]
            instance.pending_tasks_count = counted["pendingCount"]
            left = free(host, there)
            _set(instance.registered_resources, CPU=host.cpu, MEMORY=host.memory_mib)
            _set(instance.remaining_resources, CPU=left.cpu, MEMORY=left.memory_mib)
            instance.attachments = [
                one for task in there for one in describe.task(task)["attachments"]
            ]
    return original(response)


def _set(resources: Sequence[dict[str, Any]], **amounts: int) -> None:
    for resource in resources:
        if resource["name"] in amounts:
            resource["integerValue"] = amounts[resource["name"]]


# Application Auto Scaling: a scalable target's limits hold from when they are set. moto keeps targets and
# policies; the twin has no metrics for a policy to follow, so nothing moves the count between the limits.
# https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html


@patch.wrap(ApplicationAutoScalingResponse, "register_scalable_target")
def _register(original: Callable[..., Any], response: Any) -> Any:
    """Let registering a target move its service's desired count between the limits."""
    answer, table = original(response), attached()
    dimension, resource = (
        response._get_param(name)  # noqa: SLF001  moto has no other way
        for name in ("ScalableDimension", "ResourceId")
    )
    if dimension == DIMENSION:
        backend = response.applicationautoscaling_backend
        target = backend.targets[dimension][resource]
        _, cluster, name = resource.split("/")
        arn = backend.ecs_backend._get_service(cluster, name).arn  # noqa: SLF001
        service = table.service(arn)
        if service is not None and service.status == "ACTIVE":
            table.change_service(
                arn, lambda one: within(one, target.min_capacity, target.max_capacity)
            )
    return answer


def within(service: Service, least: int, most: int) -> Service:
    """Return the service with a desired count between ``least`` and ``most``."""
    desired = min(max(service.desired, least), most)
    return (
        service if desired == service.desired else replace(service, desired=desired, steady=False)
    )
