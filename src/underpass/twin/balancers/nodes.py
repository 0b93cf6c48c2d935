"""Load balancer nodes: one network interface in each of a load balancer's subnets, as AWS makes them.

Their descriptions are AWS's (``ELB net/NAME/ID``, ``ELB app/NAME/ID``): the registrar finds an ALB's
addresses by them, as it does in AWS.
"""

from __future__ import annotations

import logging
from typing import Any

from underpass.twin.api import elbv2
from underpass.twin.balancers.model import Balancing, LoadBalancer, Place
from underpass.twin.clients import Clients

log = logging.getLogger(__name__)


def reconcile(clients: Clients, balancing: Balancing) -> bool:
    """Create, regroup and delete node interfaces until they are what the load balancers ask for.

    Returns whether anything was changed, so that what was observed is out of date.
    """
    ec2, changed = clients("ec2"), False
    wanted = {balancer.description: balancer for balancer in balancing.balancers}
    for description, nodes in balancing.nodes:
        if description not in wanted:
            for node in nodes:
                changed |= _delete(ec2, node, "its load balancer is gone")
    for balancer in balancing.balancers:
        changed |= _reconcile_one(ec2, clients.region, balancer, balancing.nodes_of(balancer))
    return changed


def _reconcile_one(ec2: Any, region: str, balancer: LoadBalancer, nodes: tuple[Place, ...]) -> bool:
    changed = False
    there = {node.subnet_id: node for node in nodes}
    subnets = {subnet_id for subnet_id, _, _ in balancer.subnets}
    for node in nodes:
        if node.subnet_id not in subnets or there[node.subnet_id] is not node:
            changed |= _delete(ec2, node, "its subnet is no longer the load balancer's")
        elif node.groups != balancer.groups and balancer.groups:
            log.info("node %s: security groups %s", node.interface_id, balancer.groups)
            ec2.modify_network_interface_attribute(
                NetworkInterfaceId=node.interface_id, Groups=list(balancer.groups)
            )
            changed = True
    for subnet_id, _, address in balancer.subnets:
        if subnet_id not in there:
            _create(ec2, region, balancer, subnet_id, address)
            changed = True
    return changed


def _create(ec2: Any, region: str, balancer: LoadBalancer, subnet_id: str, address: str) -> None:
    asked: dict[str, Any] = {"PrivateIpAddress": address} if address else {}
    if balancer.groups:
        asked["Groups"] = list(balancer.groups)
    interface = ec2.create_network_interface(
        SubnetId=subnet_id, Description=balancer.description, **asked
    )["NetworkInterface"]
    log.info("node %s of %s in %s", interface["NetworkInterfaceId"], balancer.name, subnet_id)
    elbv2.own_interface(interface["NetworkInterfaceId"], region, balancer.kind)


def _delete(ec2: Any, node: Place, reason: str) -> bool:
    log.info("node %s deleted: %s", node.interface_id, reason)
    try:
        ec2.delete_network_interface(NetworkInterfaceId=node.interface_id)
    except ec2.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "InvalidNetworkInterfaceID.NotFound":
            raise
    return True
