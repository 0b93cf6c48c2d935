"""The capacity stack: the cluster, and what its tasks run on.

Apart from the service's, so that a release never rolls the hosts, nor a new host image the release.
Parameters: on EC2 ``InstanceImage``, the AMI; and the foundation's outputs, by their names.

=========================  ======================================================================
part                       logical ids
=========================  ======================================================================
cluster                    Cluster, ClusterCapacityProviders
capacity.provider = "ec2"  LaunchTemplate, AutoScalingGroup, CapacityProvider, InstanceRole,
                           InstanceProfile, InstanceSecurityGroup
service.exec               ExecLogGroup
=========================  ======================================================================
"""

from __future__ import annotations

from troposphere import Template

from underpass.blueprint.capacity import cluster, instances
from underpass.blueprint.cross_stack import closed, hand
from underpass.blueprint.stack import Stack
from underpass.config import Config


def capacity_stack(config: Config) -> Stack:
    """Return the stack of the cluster and its capacity."""
    template = Template(Description=f"{config.name}: cluster and its capacity (underpass)")
    for name, value in cluster.add(template, config).items():
        hand(template, name, value)
    return Stack(f"{config.name}-capacity", closed(template), _parameters(config), used=True)


def _parameters(config: Config) -> dict[str, str]:
    image, hosts = config.capacity.instance_image, config.capacity.provider == "ec2"
    return {instances.IMAGE: image} if hosts and image != "auto" else {}
