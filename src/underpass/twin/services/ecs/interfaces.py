"""A task's network interface: made in the task's subnet with the service's groups, and given back."""

from __future__ import annotations

import contextlib
import uuid

from botocore.exceptions import ClientError

from underpass.twin.linux.process import StartError
from underpass.twin.services.ec2.patches import change_interface
from underpass.twin.services.ecs.model import Attachment, Task
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
