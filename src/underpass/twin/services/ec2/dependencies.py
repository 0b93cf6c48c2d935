"""EC2 refuses to delete a security group or a subnet that is in use; moto would just drop it.

A stack's deletion relies on the refusal: a load balancer's or a task's interface goes a moment after what
it belonged to, and until then its group and its subnet must stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Method = Callable[..., Any]


def install() -> None:
    """Patch moto; once is enough, and more does no harm."""
    from moto.ec2.models.security_groups import SecurityGroupBackend
    from moto.ec2.models.subnets import SubnetBackend

    for cls, name, users in (
        (SecurityGroupBackend, "_delete_security_group", _users_of_group),
        (SubnetBackend, "delete_subnet", _users_of_subnet),
    ):
        original = getattr(cls, name)
        if original.__module__ != __name__:
            setattr(cls, name, _guarded(original, users))


def _guarded(original: Method, users: Callable[[Any, str], Iterator[str]]) -> Method:
    def delete(backend: Any, *args: str) -> Any:
        from moto.ec2.exceptions import DependencyViolationError

        user = next(users(backend, args[-1]), None)
        if user:
            raise DependencyViolationError(
                f"resource {args[-1]} has a dependent object: it is used by {user}"
            )
        return original(backend, *args)

    return delete


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
