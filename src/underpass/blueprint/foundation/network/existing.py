"""An existing VPC in place of one of ours: parameters, and nothing made in it but what is the application's.

Its subnets, routes and ways out belong to whoever runs the network. See docs/decisions/0015.
"""

from __future__ import annotations

from troposphere import Parameter, Ref, Select, Template
from troposphere.ec2 import VPC, RouteTable

from underpass.config import Config

# The VPC, the ids of its app subnets, their route tables if those are ours, the ids of its data subnets.
Made = tuple[VPC | Parameter, tuple[object, ...], tuple[RouteTable, ...], tuple[object, ...]]

_SUBNETS = "List<AWS::EC2::Subnet::Id>"
_PARAMETERS = {
    "VpcId": ("AWS::EC2::VPC::Id", "The VPC; DNS support and DNS host names must be on"),
    "AppSubnetIds": (_SUBNETS, "For tasks and balancers: one per zone, with a way to AWS's APIs"),
    "DataSubnetIds": (_SUBNETS, "For the database and the files: one in each zone of AppSubnetIds"),
}


def add(template: Template, config: Config) -> Made:
    """Add the parameters that name the network."""
    vpc, app, data = (
        template.add_parameter(Parameter(name, Type=kind, Description=description))
        for name, (kind, description) in _PARAMETERS.items()
    )
    network = config.network
    return vpc, _each(app, len(network.app_subnets)), (), _each(data, len(network.data_subnets))


def parameters(config: Config) -> dict[str, str]:
    """Return what the parameters are by the configuration; none without an existing VPC."""
    network = config.network
    if not network.vpc_id:
        return {}
    subnets = (",".join(network.app_subnets), ",".join(network.data_subnets))
    return dict(zip(_PARAMETERS, (network.vpc_id, *subnets), strict=True))


def _each(subnets: Parameter, count: int) -> tuple[Select, ...]:
    return tuple(Select(number, Ref(subnets)) for number in range(count))
