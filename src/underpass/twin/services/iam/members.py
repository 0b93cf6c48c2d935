"""The members of requests that name the resource, for services whose operations all name it alike.

Of those a request has, the first counts. What stands after a member is the end of its ARN; an ARN is taken
as it is. ``OPERATION.member`` is of that operation alone. Where an ARN ends in an identifier that a
name does not tell, it ends in ``*``, as in AWS's refusals.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
"""

from __future__ import annotations

from collections.abc import Mapping

from underpass.twin.api.asked import Asked, arn
from underpass.twin.api.operation import Operation

_WHOLE = ""  # only ever an ARN

MEMBERS: Mapping[str, Mapping[str, str]] = {
    "application-autoscaling": {"ResourceARN": _WHOLE},
    "ecr": {
        "repositoryName": "repository/{}",
        "repositoryNames": "repository/{}",
        "resourceArn": _WHOLE,
    },
    "elasticfilesystem": {
        "AccessPointId": "access-point/{}",
        "FileSystemId": "file-system/{}",
    },
    "elasticloadbalancing": {
        "RuleArn": _WHOLE,
        "ListenerArn": _WHOLE,
        "TargetGroupArn": _WHOLE,
        "TrustStoreArn": _WHOLE,
        "LoadBalancerArn": _WHOLE,
        "ResourceArn": _WHOLE,
        "ResourceArns": _WHOLE,
        "LoadBalancerName": "loadbalancer/{}",
    },
    "firehose": {"DeliveryStreamName": "deliverystream/{}"},
    "kinesis": {
        "ConsumerARN": _WHOLE,
        "StreamARN": _WHOLE,
        "ResourceARN": _WHOLE,
        "StreamName": "stream/{}",
    },
    "rds": {
        "ResourceName": _WHOLE,
        "DBInstanceIdentifier": "db:{}",
        "DBClusterIdentifier": "cluster:{}",
        "DBSnapshotIdentifier": "snapshot:{}",
        "DBClusterSnapshotIdentifier": "cluster-snapshot:{}",
        "DBParameterGroupName": "pg:{}",
        "DBClusterParameterGroupName": "cluster-pg:{}",
        "DBSubnetGroupName": "subgrp:{}",
        "OptionGroupName": "og:{}",
    },
    "ses": {
        "FromEmailAddressIdentityArn": _WHOLE,
        "SourceArn": _WHOLE,
        "EmailIdentity": "identity/{}",
        "Identity": "identity/{}",
    },
    "states": {
        "stateMachineArn": _WHOLE,
        "stateMachineAliasArn": _WHOLE,
        "stateMachineVersionArn": _WHOLE,
        "executionArn": _WHOLE,
        "activityArn": _WHOLE,
        "mapRunArn": _WHOLE,
        "resourceArn": _WHOLE,
        "CreateActivity.name": "activity:{}",
        "CreateStateMachine.name": "stateMachine:{}",
    },
}


def asked(operation: Operation, account: str) -> tuple[Asked, ...] | None:
    """Return what an operation asks for; ``None`` where no resource is named."""
    if operation.service == "ecr":
        account = str(operation.parameters.get("registryId") or account)
    names, rest = _named(operation)
    action = f"{operation.service}:{operation.name}"
    return tuple(Asked(action, _resource(operation, account, name, rest)) for name in names) or None


def _named(operation: Operation) -> tuple[list[str], str]:
    """Return what a request names, and the end of its ARN."""
    for key, rest in MEMBERS[operation.service].items():
        only, _, member = key.rpartition(".")
        value = operation.parameters.get(member)
        if value and only in {"", operation.name}:
            return [str(one) for one in value] if isinstance(value, list) else [str(value)], rest
    return [], ""


def _resource(operation: Operation, account: str, name: str, rest: str) -> str | None:
    if name.startswith("arn:"):
        return name
    if operation.service == "rds":
        name = name.lower()  # which is how it stores them
    return arn(operation, account, rest.format(name)) if rest else None
