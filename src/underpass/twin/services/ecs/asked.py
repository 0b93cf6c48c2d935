"""What ECS's operations ask for: an action of what stands in a cluster.

A family without a revision is its latest one, which a request does not tell: AWS writes ``*`` for it in
refusals, and so it is here.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
"""

from __future__ import annotations

from underpass.twin.api.asked import Asked, arn
from underpass.twin.api.operation import Operation

_RUNNING = frozenset({"RunTask", "StartTask"})
_OF_CLUSTERS = frozenset(
    {
        *("DeleteAttributes", "DeleteCluster", "DeregisterContainerInstance", "DescribeClusters"),
        *("ListAttributes", "ListContainerInstances", "PutAttributes"),
        *("PutClusterCapacityProviders", "RegisterContainerInstance", "UpdateCluster"),
        "UpdateClusterSettings",
    }
)
# The kind of what an operation names within the cluster, and the member with its names.
_WITHIN = {
    "CreateService": ("service", "serviceName"),
    "DeleteService": ("service", "service"),
    "DescribeContainerInstances": ("container-instance", "containerInstances"),
    "DescribeServices": ("service", "services"),
    "DescribeTasks": ("task", "tasks"),
    "ExecuteCommand": ("task", "task"),
    "GetTaskProtection": ("task", "tasks"),
    "StopTask": ("task", "task"),
    "UpdateContainerAgent": ("container-instance", "containerInstance"),
    "UpdateContainerInstancesState": ("container-instance", "containerInstances"),
    "UpdateService": ("service", "service"),
    "UpdateTaskProtection": ("task", "tasks"),
}
_WITHOUT_KEY = frozenset({"CreateService", "UpdateService"})  # they have no ecs:cluster
_IN_CLUSTER = frozenset({*_RUNNING, *_WITHIN, "ListServices", "ListTasks"})


def asked(operation: Operation, account: str) -> tuple[Asked, ...] | None:
    """Return what an operation asks for; ``None`` for one that is not known."""
    name, given, action = operation.name, operation.parameters, f"ecs:{operation.name}"
    if given.get("resourceArn"):
        return (Asked(action, str(given["resourceArn"])),)
    if name in _OF_CLUSTERS:
        clusters = given.get("clusters") or [given.get("cluster")]
        return tuple(Asked(action, _cluster(operation, account, one)) for one in clusters)
    if name == "RegisterTaskDefinition":
        family = arn(operation, account, f"task-definition/{given.get('family')}:*")
        return (Asked(action, family),)
    if name not in _IN_CLUSTER:
        return None
    cluster = _cluster(operation, account, given.get("cluster"))
    keys = {} if name in _WITHOUT_KEY else {"ecs:cluster": (cluster,)}
    resources = _resources(operation, account, cluster)
    return tuple(Asked(action, resource, keys) for resource in resources)


def _cluster(operation: Operation, account: str, named: object) -> str:
    cluster = str(named or "default")
    return cluster if cluster.startswith("arn:") else arn(operation, account, f"cluster/{cluster}")


def _resources(operation: Operation, account: str, cluster: str) -> list[str | None]:
    given = operation.parameters
    if operation.name in _RUNNING:
        return [_task_definition(operation, account, str(given.get("taskDefinition") or ""))]
    if operation.name not in _WITHIN:
        return [None]
    kind, member = _WITHIN[operation.name]
    value = given.get(member)
    names = value if isinstance(value, list) else [value]
    start = f"{cluster.replace(':cluster/', f':{kind}/')}/"
    return [_within(start, str(name or "")) for name in names] or [None]


def _within(start: str, name: str) -> str | None:
    if not name:
        return None
    return name if name.startswith("arn:") else start + name


def _task_definition(operation: Operation, account: str, named: str) -> str | None:
    if not named:
        return None
    whole = (
        named if named.startswith("arn:") else arn(operation, account, f"task-definition/{named}")
    )
    return whole if ":" in whole.rpartition("/")[2] else f"{whole}:*"
