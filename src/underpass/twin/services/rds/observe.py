"""What the RDS API says of an instance, in values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from underpass.twin.region.state_names import state_name


@dataclass(frozen=True)
class Wanted:
    """One DB instance as ``describe_db_instances`` tells it.

    Attributes
    ----------
    state_name
        Its name from one ``up`` to the next: the folder its data are in.
    subnet_id
        The subnet of its group in its Availability Zone.
    """

    identifier: str
    state_name: str
    status: str
    version: str
    port: int
    database: str
    username: str
    groups: tuple[str, ...]
    subnet_id: str
    parameter_group: str


def wanted(described: Mapping[str, Any]) -> Wanted:
    """Return an element of ``describe_db_instances`` as a value."""
    zone = described["AvailabilityZone"]
    subnets = {
        subnet["SubnetAvailabilityZone"]["Name"]: subnet["SubnetIdentifier"]
        for subnet in described["DBSubnetGroup"]["Subnets"]
    }
    identifier = described["DBInstanceIdentifier"]
    return Wanted(
        identifier=identifier,
        state_name=state_name(described.get("TagList", ()), identifier),
        status=described["DBInstanceStatus"],
        version=described["EngineVersion"],
        port=described["DbInstancePort"],
        database=described.get("DBName", ""),
        username=described["MasterUsername"],
        groups=tuple(group["VpcSecurityGroupId"] for group in described["VpcSecurityGroups"]),
        subnet_id=subnets[zone],
        parameter_group=described["DBParameterGroups"][0]["DBParameterGroupName"],
    )
