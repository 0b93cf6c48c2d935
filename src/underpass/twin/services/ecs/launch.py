"""What the tasks of CreateService, UpdateService and RunTask are started from, checked as ECS checks it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from moto.ecs.exceptions import EcsClientException, InvalidParameterException
from moto.ecs.models import EC2ContainerServiceBackend

from underpass.twin.linux.capabilities import GIVEN
from underpass.twin.services.ecs.dependencies import refusal
from underpass.twin.services.ecs.model import Launch, LoadBalancer, Need, Network, Share

Parameters = Mapping[str, Any]


def unsupported(what: str) -> EcsClientException:
    """Return the error for what AWS has and the twin does not."""
    return EcsClientException(f"The twin does not support {what}")


def launch_from(
    backend: EC2ContainerServiceBackend, cluster: Any, wanted: Parameters, before: str = ""
) -> Launch:
    """Return how the tasks of a request are started.

    ``before`` is the task definition in use: it may have been deregistered meanwhile.

    Raises
    ------
    ECSException
        When ECS would refuse it, or the twin cannot run it; the message names what.
    """
    definition = backend.describe_task_definition(wanted["taskDefinition"])
    if definition.status != "ACTIVE" and definition.arn != before:
        raise EcsClientException("TaskDefinition is inactive")
    _runnable(definition)
    strategy = _strategy(cluster, wanted)
    most = max(strategy, key=lambda share: (share.weight, share.base), default=Share(""))
    provider = most.provider
    fargate = wanted.get("launchType") == "FARGATE" or provider.startswith("FARGATE")
    if fargate and "FARGATE" not in definition.compatibilities:
        raise InvalidParameterException("Task definition does not support launch_type FARGATE.")
    return Launch(
        definition=definition.arn,
        need=_need(definition),
        network=_network(wanted),
        fargate=fargate,
        capacity_provider=provider,
        strategy=strategy,
        platform_version=wanted.get("platformVersion") or "",
    )


def balancers_from(
    backend: EC2ContainerServiceBackend, definition_name: str, wanted: Sequence[Parameters]
) -> tuple[LoadBalancer, ...]:
    """Return a service's target groups, each of which must be for addresses and know the container's port."""
    from moto.elbv2.models import elbv2_backends

    groups = elbv2_backends[backend.account_id][backend.region_name].target_groups
    definition = backend.describe_task_definition(definition_name)
    ports = {
        (container["name"], mapping["containerPort"])
        for container in definition.container_definitions
        for mapping in container.get("portMappings", ())
    }
    found = []
    for one in wanted:
        arn, name, port = (
            one.get("targetGroupArn"),
            one.get("containerName"),
            one.get("containerPort"),
        )
        if arn is None:
            raise unsupported("load balancers without a target group")
        if arn not in groups:
            raise InvalidParameterException(
                f"Unable to assume role and validate the specified {arn}."
            )
        if groups[arn].target_type != "ip":
            raise InvalidParameterException(
                f"The provided target group {arn} has target type {groups[arn].target_type}, which is "
                "incompatible with the awsvpc network mode specified in the task definition."
            )
        if (name, port) not in ports:
            raise InvalidParameterException(
                f"The container {name} did not have a container port {port} defined."
            )
        found.append(LoadBalancer(arn, str(name), int(port or 0)))
    return tuple(found)


def _runnable(definition: Any) -> None:
    if definition.network_mode != "awsvpc":
        raise unsupported(f"the network mode {definition.network_mode}: use awsvpc")
    if definition.pid_mode or definition.ipc_mode:
        raise unsupported("pidMode and ipcMode")
    for container in definition.container_definitions:
        if container.get("volumesFrom"):
            raise unsupported("volumesFrom")
        capabilities = (container.get("linuxParameters") or {}).get("capabilities") or {}
        if added := {*(capabilities.get("add") or ())} - {*GIVEN}:
            raise unsupported(f"adding capabilities to Docker's: {', '.join(sorted(added))}")


def refuse_dependencies(definitions: Sequence[Parameters]) -> None:
    """Refuse containers that wait for one another, or for what cannot be, as RegisterTaskDefinition does.

    Raises
    ------
    EcsClientException
        In ECS's words.
    """
    if why := refusal(definitions):
        raise EcsClientException(why)


def _strategy(cluster: Any, wanted: Parameters) -> tuple[Share, ...]:
    """Return the capacity providers tasks are shared among; none with a launch type."""
    strategy = wanted.get("capacityProviderStrategy")
    if wanted.get("launchType"):
        if strategy:
            raise InvalidParameterException(
                "Specify either a launch type or a capacity provider strategy, not both."
            )
        return ()
    shares = tuple(
        Share(
            str(item["capacityProvider"]).rpartition("/")[2],
            item.get("weight") or 0,
            item.get("base") or 0,
        )
        for item in strategy or cluster.default_capacity_provider_strategy or ()
    )
    for share in shares:
        if share.provider not in (cluster.capacity_providers or ()):
            raise InvalidParameterException(
                "The specified capacity provider strategy cannot contain a capacity provider that is not "
                f"associated with the cluster: {share.provider}."
            )
    if len([share for share in shares if share.base]) > 1:
        raise InvalidParameterException(
            "The specified capacity provider strategy can only have one capacity provider with a base."
        )
    if len({share.provider.startswith("FARGATE") for share in shares}) > 1:
        raise InvalidParameterException(
            "A capacity provider strategy cannot contain a mix of capacity providers using Auto Scaling "
            "groups and Fargate providers."
        )
    return shares


def _need(definition: Any) -> Need:
    containers = definition.container_definitions
    cpu = definition.cpu or sum(one.get("cpu") or 0 for one in containers)
    memory = definition.memory or sum(
        one.get("memory") or one.get("memoryReservation") or 0 for one in containers
    )
    return Need(int(cpu), int(memory))


def _network(wanted: Parameters) -> Network:
    awsvpc = (wanted.get("networkConfiguration") or {}).get("awsvpcConfiguration")
    if not awsvpc or not awsvpc.get("subnets"):
        raise InvalidParameterException(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        )
    if awsvpc.get("assignPublicIp") == "ENABLED":
        raise unsupported("public addresses for tasks (assignPublicIp)")
    return Network(tuple(awsvpc["subnets"]), tuple(awsvpc.get("securityGroups") or ()))
