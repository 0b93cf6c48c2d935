"""A function's VpcConfig as Lambda checks it: its subnets and groups exist, its role may make interfaces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from moto.ec2.models import ec2_backends

from underpass.twin.api.asked import Asked
from underpass.twin.region.aws import ACCOUNT_ID
from underpass.twin.region.records import records
from underpass.twin.services.lambda_.model import VpcConfig


def wanted(written: Mapping[str, Any] | None) -> VpcConfig | None:
    """Return what a request's ``VpcConfig`` asks for; None for a function outside every VPC."""
    subnets, groups = (
        tuple(sorted(set((written or {}).get(name) or ())))
        for name in ("SubnetIds", "SecurityGroupIds")
    )
    return VpcConfig(subnets, groups) if subnets or groups else None


@records()
def vpc_of(region: str, vpc: VpcConfig) -> str:
    """Return the id of a function's VPC; empty when its subnets are gone."""
    subnets = _subnets(region)
    return next((str(subnets[one].vpc_id) for one in vpc.subnet_ids if one in subnets), "")


@records()
def refusal(region: str, vpc: VpcConfig) -> str | None:
    """Return why Lambda would refuse these subnets and groups, in its words; None when it would not."""
    if not (vpc.subnet_ids and vpc.group_ids):
        return "SubnetIds and SecurityIds must coexist or be both empty list."
    subnets = _subnets(region)
    for one in vpc.subnet_ids:
        if one not in subnets:
            return _unknown("Subnet", f"subnet ID '{one}'")
    groups = {
        group_id: vpc_id
        for vpc_id, held in ec2_backends[ACCOUNT_ID][region].groups.items()
        for group_id in held
    }
    for one in vpc.group_ids:
        if one not in groups:
            return _unknown("SecurityGroup", f"security group '{one}'")
    vpcs = {subnets[one].vpc_id for one in vpc.subnet_ids}
    if len(vpcs) > 1:
        return "Subnets must be in the same VPC."
    if {groups[one] for one in vpc.group_ids} != vpcs:
        return "Security Groups are required to be in the same VPC."
    return None


@records()
def _subnets(region: str) -> dict[str, Any]:
    by_zone = ec2_backends[ACCOUNT_ID][region].subnets.values()
    return {subnet_id: subnet for held in by_zone for subnet_id, subnet in held.items()}


def _unknown(kind: str, what: str) -> str:
    code = {"Subnet": "InvalidSubnetID", "SecurityGroup": "InvalidGroup"}[kind]
    return (
        f"Error occurred while Describe{kind}s. EC2 Error Code: {code}.NotFound. EC2 Error "
        f"Message: The {what} does not exist"
    )


def forbidden(region: str, vpc: VpcConfig, may: Callable[[Asked], bool]) -> str | None:
    """Return why a function cannot be in a VPC, in Lambda's words; None when it can.

    Lambda makes, finds and deletes the interfaces with the function's own role.
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions

    Parameters
    ----------
    may
        Whether the role may do something.
    """
    arn = f"arn:aws:ec2:{region}:{ACCOUNT_ID}"
    interface = f"{arn}:network-interface/eni-00000000000000000"
    uses = [f"{arn}:subnet/{one}" for one in vpc.subnet_ids]
    uses += [f"{arn}:security-group/{one}" for one in vpc.group_ids]
    context = {
        "ec2:Region": (region,),
        "ec2:Vpc": (f"{arn}:vpc/{vpc_of(region, vpc)}",),
        "ec2:Subnet": (uses[0],),
    }
    for action, resources in (
        ("CreateNetworkInterface", [interface, *uses]),
        ("DescribeNetworkInterfaces", ["*"]),
        ("DeleteNetworkInterface", [interface]),
    ):
        if not all(may(Asked(f"ec2:{action}", one, context)) for one in resources):
            return f"The provided execution role does not have permissions to call {action} on EC2"
    return None
