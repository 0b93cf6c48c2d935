"""ECS in moto, made to tell what ``compute`` runs: services, tasks and container instances.

moto keeps clusters, task definitions, capacity providers and a record of each service; what is wanted of
a service and what runs is in the ``Table`` that the scheduler and the tasks' agents share with this
module. What the twin cannot run is refused by name.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from moto.core.responses import ActionResult
from moto.ecs.exceptions import ECSException, InvalidParameterException
from moto.ecs.responses import EC2ContainerServiceResponse as Response

from underpass.twin.api import patch
from underpass.twin.services.ecs import actions, deployments, describe
from underpass.twin.services.ecs.launch import (
    Parameters,
    balancers_from,
    launch_from,
    unsupported,
)
from underpass.twin.services.ecs.model import Launch, Service
from underpass.twin.services.ecs.table import Table, attached

# What makes a new deployment when it changes.
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
LAUNCHES = ("taskDefinition", "networkConfiguration", "capacityProviderStrategy", "platformVersion")
SHOWN = (
    *(
        "capacityProviderStrategy",
        "platformVersion",
        "networkConfiguration",
        "placementConstraints",
    ),
    *(
        "placementStrategy",
        "healthCheckGracePeriodSeconds",
        "enableECSManagedTags",
        "loadBalancers",
    ),
    *("propagateTags", "enableExecuteCommand", "availabilityZoneRebalancing", "launchType"),
)


def create_service(response: Any, wanted: Parameters, table: Table) -> Mapping[str, Any]:
    """Want a service; its first deployment begins."""
    backend = response.ecs_backend
    cluster = backend._get_cluster(wanted.get("cluster", "default"))  # noqa: SLF001
    _refuse(wanted)
    _refuse_twin_of(
        table, f"{cluster.arn.replace(':cluster/', ':service/')}/{wanted['serviceName']}"
    )
    launch = _launch(backend, cluster, wanted)
    record = backend.create_service(
        cluster.name,
        wanted["serviceName"],
        wanted.get("desiredCount") or 0,
        launch.definition,
        wanted.get("loadBalancers"),
        tags=wanted.get("tags"),
        launch_type="FARGATE" if launch.fargate else "EC2",
        network_configuration=wanted.get("networkConfiguration"),
        propagate_tags=wanted.get("propagateTags") or "NONE",
        role_arn=wanted.get("role"),
    )
    now = time.time()
    deployment = deployments.begin(launch, _deployment_id(), now)
    record.twin_wanted = dict(wanted)
    record.twin_launches = {deployment.id: _launching(wanted)}
    service = Service(
        arn=record.arn,
        name=record.name,
        cluster_arn=cluster.arn,
        deployments=(deployment,),
        desired=record.desired_count,
        created_at=now,
    )
    table.put_service(_settings(service, wanted))
    return {"service": _shown(table, record)}


def update_service(response: Any, changes: Parameters, table: Table) -> Mapping[str, Any]:
    """Change what is wanted; where tasks would be started from something else, a deployment begins."""
    backend = response.ecs_backend
    cluster = backend._get_cluster(changes.get("cluster", "default"))  # noqa: SLF001
    record = _record(response, cluster, changes["service"])
    service = table.service(record.arn)
    if service is None or service.status != "ACTIVE":
        raise ECSException("ServiceNotActiveException", "Service was not ACTIVE.")
    _refuse(changes)
    wanted = {**_wanted(record, service), **changes}
    launch = _launch(backend, cluster, wanted, service.primary.launch.definition)
    anew = bool(changes.get("forceNewDeployment")) or launch != service.primary.launch
    deployment = deployments.begin(launch, _deployment_id(), time.time())

    def change(one: Service) -> Service:
        after = replace(
            _settings(one, wanted),
            desired=changes.get("desiredCount", one.desired),
            steady=False,
        )
        return deployments.deploy(after, deployment) if anew else after

    table.change_service(record.arn, change)
    record.twin_wanted = wanted
    record.twin_launches[deployment.id] = _launching(wanted)
    return {"service": _shown(table, record)}


def _launch(backend: Any, cluster: Any, wanted: Parameters, before: str = "") -> Launch:
    """Return what a service's tasks are started from, and the target groups they join."""
    launch = launch_from(backend, cluster, wanted, before)
    found = balancers_from(backend, launch.definition, wanted.get("loadBalancers") or ())
    return replace(launch, balancers=found)


def delete_service(response: Any, wanted: Parameters, table: Table) -> Mapping[str, Any]:
    """Let a service drain; it is INACTIVE once its last task has stopped."""
    cluster = response.ecs_backend._get_cluster(wanted.get("cluster", "default"))  # noqa: SLF001
    record = _record(response, cluster, wanted["service"])
    service = table.service(record.arn)
    if service and service.desired > 0 and not wanted.get("force"):
        raise InvalidParameterException("The service cannot be stopped while it is scaled above 0.")
    table.change_service(record.arn, lambda one: replace(one, status="DRAINING", desired=0))
    return {"service": _shown(table, record)}


def describe_services(response: Any, wanted: Parameters, table: Table) -> Mapping[str, Any]:
    """Describe services by name or ARN."""
    found, failures = response.ecs_backend.describe_services(
        wanted.get("cluster", "default"), wanted.get("services") or []
    )
    shown = [_shown(table, record) for record in found]
    if "TAGS" not in (wanted.get("include") or ()):
        for service in shown:
            service.pop("tags")
    return {"services": shown, "failures": failures}


def list_services(response: Any, wanted: Parameters, table: Table) -> Mapping[str, Any]:
    """List the services of a cluster that are not INACTIVE."""
    arns = response.ecs_backend.list_services(
        wanted.get("cluster", "default"), launch_type=wanted.get("launchType")
    )
    alive = {
        service.arn
        for service in table.services()
        if describe.service(service, table.tasks(service.arn), ())["status"] != "INACTIVE"
    }
    return {"serviceArns": [arn for arn in arns if arn in alive]}


def _settings(service: Service, wanted: Parameters) -> Service:
    """Return the service with what a request says of how it is kept."""
    configuration = wanted.get("deploymentConfiguration") or {}
    breaker = configuration.get("deploymentCircuitBreaker") or {}
    least, most = configuration.get("minimumHealthyPercent"), configuration.get("maximumPercent")
    return replace(
        service,
        min_percent=100 if least is None else least,
        max_percent=200 if most is None else most,
        breaker=bool(breaker.get("enable")),
        rollback=bool(breaker.get("rollback")),
        rebalancing=wanted.get("availabilityZoneRebalancing", "ENABLED") == "ENABLED",
        grace_s=float(wanted.get("healthCheckGracePeriodSeconds") or 0),
        propagates=wanted.get("propagateTags") or "",
    )


def _refuse(wanted: Parameters) -> None:
    """Refuse what the scheduler would not heed."""
    controller = (wanted.get("deploymentController") or {}).get("type", "ECS")
    configuration = wanted.get("deploymentConfiguration") or {}
    strategies = {one.get("type") for one in wanted.get("placementStrategy") or ()}
    connect = wanted.get("serviceConnectConfiguration") or {}
    for what, asked in {
        f"the deployment controller {controller}": controller != "ECS",
        "deployment strategies but ROLLING": configuration.get("strategy", "ROLLING") != "ROLLING",
        "deployment alarms": (configuration.get("alarms") or {}).get("enable"),
        "the scheduling strategy DAEMON": wanted.get("schedulingStrategy") == "DAEMON",
        "placement constraints": wanted.get("placementConstraints"),
        "placement strategies but spread": strategies - {"spread"},
        "service discovery (serviceRegistries)": wanted.get("serviceRegistries"),
        "Service Connect": connect.get("enabled"),
        "volumeConfigurations": wanted.get("volumeConfigurations"),
        "vpcLatticeConfigurations": wanted.get("vpcLatticeConfigurations"),
    }.items():
        if asked:
            raise unsupported(what)


def _launching(wanted: Parameters) -> dict[str, Any]:
    return {name: wanted.get(name) for name in LAUNCHES}


def _wanted(record: Any, service: Service) -> dict[str, Any]:
    """Return all that was asked for, as the primary deployment has it: a rollback undoes a request."""
    return {**record.twin_wanted, **record.twin_launches[service.primary.id]}


def _refuse_twin_of(table: Table, arn: str) -> None:
    there = table.service(arn)
    if there is None:
        return
    status = describe.service(there, table.tasks(arn), ())["status"]
    if status == "ACTIVE":
        raise InvalidParameterException("Creation of service was not idempotent.")
    if status == "DRAINING":
        raise InvalidParameterException("Unable to Start a service that is still Draining.")


def _record(response: Any, cluster: Any, name: str) -> Any:
    return response.ecs_backend._get_service(cluster.name, name)  # noqa: SLF001


def _deployment_id() -> str:
    return f"ecs-svc/{random.randrange(10**18, 10**19)}"  # noqa: S311  as AWS's look


def _shown(table: Table, record: Any) -> dict[str, Any]:
    """Return a service as DescribeServices shows it."""
    service = table.service(record.arn)
    if service is None:
        raise ECSException("ServiceNotFoundException", "Service not found.")
    wanted = _wanted(record, service)
    kept = {name: wanted[name] for name in SHOWN if wanted.get(name) is not None}
    launch = service.primary.launch
    launch_type = {"launchType": "FARGATE" if launch.fargate else "EC2"}
    return {
        "serviceArn": service.arn,
        "serviceName": service.name,
        "clusterArn": service.cluster_arn,
        "schedulingStrategy": "REPLICA",
        "deploymentController": {"type": "ECS"},
        "createdAt": describe.moment(service.created_at),
        "roleArn": f"arn:aws:iam::{service.arn.split(':')[4]}:role/aws-service-role/ecs.amazonaws.com/"
        "AWSServiceRoleForECS",
        "availabilityZoneRebalancing": "ENABLED",
        "propagateTags": "NONE",
        "enableExecuteCommand": False,
        **(
            {"capacityProviderStrategy": describe.strategy(launch)}
            if launch.strategy
            else launch_type
        ),
        **kept,
        "deploymentConfiguration": {
            "maximumPercent": service.max_percent,
            "minimumHealthyPercent": service.min_percent,
            "deploymentCircuitBreaker": {"enable": service.breaker, "rollback": service.rollback},
            "strategy": "ROLLING",
        },
        **describe.service(service, table.tasks(service.arn), table.events(service.arn)),
        "tags": list(record.tags or ()),
    }


def _answer(
    handler: Callable[[Any, Parameters, Table], Mapping[str, Any]],
) -> Callable[[Any], ActionResult]:
    return lambda response: ActionResult(
        handler(response, response._get_params(), attached())  # noqa: SLF001  moto has no other way
    )


for _handler in (
    *(create_service, update_service, delete_service, describe_services, list_services),
    *(actions.run_task, actions.start_task, actions.stop_task),
    *(actions.describe_tasks, actions.list_tasks),
):
    patch.replace(Response, _handler.__name__)(_answer(_handler))
