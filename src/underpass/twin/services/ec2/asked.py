"""What EC2's operations ask for, where a request names one thing by its identifier and means that alone.

Most operations of EC2 ask for several resources, of which the request names some.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
"""

from __future__ import annotations

from underpass.twin.api.asked import Asked, arn
from underpass.twin.api.operation import Operation

_OF_ONE = {
    "AuthorizeSecurityGroupEgress": ("security-group", "GroupId"),
    "AuthorizeSecurityGroupIngress": ("security-group", "GroupId"),
    "DeleteNatGateway": ("natgateway", "NatGatewayId"),
    "DeleteNetworkInterface": ("network-interface", "NetworkInterfaceId"),
    "DeleteSecurityGroup": ("security-group", "GroupId"),
    "DeleteSubnet": ("subnet", "SubnetId"),
    "DeleteVolume": ("volume", "VolumeId"),
    "DeleteVpc": ("vpc", "VpcId"),
    "DeleteVpcEndpoints": ("vpc-endpoint", "VpcEndpointIds"),
    "RebootInstances": ("instance", "InstanceIds"),
    "RevokeSecurityGroupEgress": ("security-group", "GroupId"),
    "RevokeSecurityGroupIngress": ("security-group", "GroupId"),
    "StartInstances": ("instance", "InstanceIds"),
    "StopInstances": ("instance", "InstanceIds"),
    "TerminateInstances": ("instance", "InstanceIds"),
}


def asked(operation: Operation, account: str) -> tuple[Asked, ...] | None:
    """Return what an operation asks for; ``None`` where it is not told by one identifier."""
    kind, member = _OF_ONE.get(operation.name, ("", ""))
    value = operation.parameters.get(member)
    ids = value if isinstance(value, list) else [value] if value else []
    action = f"ec2:{operation.name}"
    return tuple(Asked(action, arn(operation, account, f"{kind}/{one}")) for one in ids) or None
