"""A task's place in the network: its interface, and its registrations in its service's target groups.

It is registered once it can serve, and drained before it stops.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from typing import Any

from botocore.exceptions import ClientError

from underpass.twin.linux.process import StartError
from underpass.twin.services.ec2.patches import change_interface
from underpass.twin.services.ecs.model import Attachment, LoadBalancer, Task
from underpass.twin.services.ecs.platform import Platform


def attach(platform: Platform, task: Task) -> Attachment:
    """Create the interface of a placed task.

    Raises
    ------
    StartError
        When EC2 refuses, such as where the subnet has no address left.
    """
    attachment_id = str(uuid.uuid4())
    arn = task.cluster_arn.partition(":cluster/")[0] + f":attachment/{attachment_id}"
    try:
        made = platform.region.clients("ec2").create_network_interface(
            SubnetId=task.subnet_id, Groups=list(task.launch.network.groups), Description=arn
        )["NetworkInterface"]
    except ClientError as error:
        raise StartError(f"ResourceInitializationError: network interface: {error}") from error
    change_interface(
        platform.region.name, made["NetworkInterfaceId"], status="in-use", requester_managed=True
    )
    return Attachment(
        id=attachment_id,
        interface_id=made["NetworkInterfaceId"],
        subnet_id=task.subnet_id,
        vpc_id=made["VpcId"],
        address=made["PrivateIpAddress"],
        mac=made["MacAddress"],
    )


def detach(platform: Platform, interface_id: str) -> None:
    """Delete an interface; one that is already gone is no error."""
    with contextlib.suppress(ClientError):
        platform.region.clients("ec2").delete_network_interface(NetworkInterfaceId=interface_id)


DRAIN_SLACK_S = 5.0
GONE = frozenset({"unused", ""})


class Targets:
    """The registrations of one task."""

    def __init__(self, platform: Platform, task_id: str) -> None:
        self._platform = platform
        self._id = task_id
        self._registered: list[LoadBalancer] = []

    def register(self) -> None:
        """Register the task with its deployment's target groups, unless it is registered."""
        task = self._platform.table.task(self._id)
        if not task or self._registered:
            return
        for balancer in task.launch.balancers:
            self._client.register_targets(**self._of(task, balancer))
            self._registered.append(balancer)
            self._tell(task, f"registered 1 targets in (target-group {balancer.target_group})")

    def deregister(self, *, drain: bool) -> None:
        """Deregister; with ``drain`` return only once connections had their time to end."""
        task = self._platform.table.task(self._id)
        if not task or not self._registered:
            return
        registered, self._registered = self._registered, []
        for balancer in registered:
            self._client.deregister_targets(**self._of(task, balancer))
            self._tell(task, f"deregistered 1 targets in (target-group {balancer.target_group})")
        if not drain:
            return
        self._tell(task, "has begun draining connections on 1 tasks.")
        for balancer in registered:
            self._drained(task, balancer)

    def _drained(self, task: Task, balancer: LoadBalancer) -> None:
        attributes = self._client.describe_target_group_attributes(
            TargetGroupArn=balancer.target_group
        )["Attributes"]
        named = {one["Key"]: one["Value"] for one in attributes}
        delay_s = float(named.get("deregistration_delay.timeout_seconds", 300))

        def gone() -> bool:
            try:
                found = self._client.describe_target_health(**self._of(task, balancer))
            except ClientError:  # the target group is gone
                return True
            states = [
                one["TargetHealth"].get("State", "") for one in found["TargetHealthDescriptions"]
            ]
            return all(state in GONE for state in states)

        self._platform.region.feed.wait(
            gone,
            timeout_s=delay_s + DRAIN_SLACK_S,
            what=f"{task.id} is still draining in {balancer.target_group}",
        )

    def _of(self, task: Task, balancer: LoadBalancer) -> dict[str, Any]:
        address = task.attachment.address if task.attachment else ""
        target = {"Id": address, "Port": balancer.port}
        return {"TargetGroupArn": balancer.target_group, "Targets": [target]}

    def _tell(self, task: Task, message: str) -> None:
        self._platform.table.tell(task.service_arn, message, time.time())

    @property
    def _client(self) -> Any:
        return self._platform.region.clients("elbv2")
