"""EC2 refuses to delete a security group or a subnet that is in use; moto would just drop it.

A stack's deletion relies on the refusal: a load balancer's or a task's interface goes a moment after what
it belonged to, and until then its group and its subnet must stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from moto.ec2.exceptions import DependencyViolationError
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.ec2.models.subnets import SubnetBackend

from underpass.twin.api import patch


@patch.wrap(SecurityGroupBackend, "_delete_security_group")
def _delete_group(original: Callable[..., Any], backend: Any, *args: str) -> Any:
    _refuse_used(args[-1], _users_of_group(backend, args[-1]))
    return original(backend, *args)


@patch.wrap(SubnetBackend, "delete_subnet")
def _delete_subnet(original: Callable[..., Any], backend: Any, subnet_id: str) -> Any:
    _refuse_used(subnet_id, _users_of_subnet(backend, subnet_id))
    return original(backend, subnet_id)


def _refuse_used(resource_id: str, users: Iterator[str]) -> None:
    user = next(users, None)
    if user:
        raise DependencyViolationError(
            f"resource {resource_id} has a dependent object: it is used by {user}"
        )


def _users_of_group(backend: Any, group_id: str) -> Iterator[str]:
    for interface in backend.enis.values():
        if any(group.id == group_id for group in interface.group_set):
            yield f"network interface {interface.id} ({interface.description})"
    for groups in backend.groups.values():
        for group in groups.values():
            for rule in (*group.ingress_rules, *group.egress_rules):
                peer = (rule.source_group or {}).get("GroupId")
                if peer == group_id != group.id:
                    yield f"security group {group.id}"


def _users_of_subnet(backend: Any, subnet_id: str) -> Iterator[str]:
    for interface in backend.enis.values():
        if interface.subnet.id == subnet_id:
            yield f"network interface {interface.id} ({interface.description})"
