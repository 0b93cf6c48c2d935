"""ECS's clusters and container instances, with the tasks that really run on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moto.ecs.exceptions import ECSException
from moto.ecs.responses import EC2ContainerServiceResponse as Response

from underpass.twin.api import patch
from underpass.twin.services.ecs import describe
from underpass.twin.services.ecs.model import Task
from underpass.twin.services.ecs.placement import free
from underpass.twin.services.ecs.table import attached


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
            instance.attachments = _attachments(there)
    return original(response)


def _set(resources: Sequence[dict[str, Any]], **amounts: int) -> None:
    for resource in resources:
        if resource["name"] in amounts:
            resource["integerValue"] = amounts[resource["name"]]


def _attachments(tasks: Sequence[Task]) -> list[Mapping[str, Any]]:
    return [one for task in tasks for one in describe.task(task)["attachments"]]
