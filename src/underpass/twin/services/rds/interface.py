"""The interface a database is reached on: made in a data subnet, as RDS makes it, and found again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from underpass.twin.services.rds.observe import Wanted

DESCRIPTION = "RDSNetworkInterface"
TAG = "underpass:database"


@dataclass(frozen=True)
class Interface:
    """An interface of a database."""

    id: str
    address: str


def find(ec2: Any, identifier: str) -> Interface | None:
    """Return the interface of an instance; None when there is none."""
    described = _describe(ec2, identifier)
    return _interface(described) if described else None


def ensure(ec2: Any, wanted: Wanted) -> Interface:
    """Return the instance's interface, made first if need be, with the security groups wanted now."""
    described = _describe(ec2, wanted.identifier)
    if described is None:
        described = ec2.create_network_interface(
            SubnetId=wanted.subnet_id,
            Description=DESCRIPTION,
            Groups=list(wanted.groups),
            TagSpecifications=[
                {
                    "ResourceType": "network-interface",
                    "Tags": [{"Key": TAG, "Value": wanted.identifier}],
                }
            ],
        )["NetworkInterface"]
    elif {group["GroupId"] for group in described["Groups"]} != set(wanted.groups):
        ec2.modify_network_interface_attribute(
            NetworkInterfaceId=described["NetworkInterfaceId"], Groups=list(wanted.groups)
        )
    return _interface(described)


def remove(ec2: Any, identifier: str) -> None:
    """Delete the instance's interface, if there is one."""
    found = find(ec2, identifier)
    if found:
        ec2.delete_network_interface(NetworkInterfaceId=found.id)


def _describe(ec2: Any, identifier: str) -> dict[str, Any] | None:
    found = ec2.describe_network_interfaces(
        Filters=[{"Name": f"tag:{TAG}", "Values": [identifier]}]
    )["NetworkInterfaces"]
    return found[0] if found else None


def _interface(described: Mapping[str, Any]) -> Interface:
    return Interface(described["NetworkInterfaceId"], described["PrivateIpAddress"])
