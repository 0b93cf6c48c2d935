"""The hosts of ``capacity.provider = "ec2"``: an Auto Scaling group, its launch template, its provider.

The image is a parameter, chosen by whoever deploys and kept until somebody chooses another: a stack's
update never rolls hosts that nobody meant to roll. An instance lives two weeks at most.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from troposphere import Base64, GetAtt, Parameter, Ref, Sub, Tags, Template, autoscaling, ec2
from troposphere.ecs import (
    AutoScalingGroupProvider,
    CapacityProvider,
    Cluster,
    ManagedScaling,
)
from troposphere.iam import InstanceProfile, Role
from troposphere.policies import UpdatePolicy

from underpass.blueprint.cross_stack import given, given_list
from underpass.blueprint.iam import allow, role
from underpass.blueprint.security_groups import group_id, security_group, to_aws
from underpass.config import Config

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/retrieve-ecs-optimized_AMI.html
_AMI_PARAMETER = "/aws/service/ecs/optimized-ami/amazon-linux-2023/{}recommended/image_id"

IMAGE = "InstanceImage"
RECOMMENDED = "RecommendedInstanceImage"  # in the template's metadata: where AWS tells the newest
WARM_S = 120  # from an instance in service to tasks on it
LIFETIME_S = 14 * 86_400


class InstanceRefresh(UpdatePolicy):  # type: ignore[misc]
    """The update policy by that name; troposphere's own, which has no types, does not know it yet."""

    props: ClassVar = {**UpdatePolicy.props, "AutoScalingInstanceRefresh": (dict, True)}


def architecture(config: Config) -> str:
    """Return the CPU architecture the tasks run on, as ECS names it: ARM64 or X86_64.

    On Fargate the configuration says it, on EC2 the instance type.

    A Graviton type says so by a ``g`` after its generation (t4g, m7gd, c7gn); ``a1`` came before that rule.
    https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
    """
    if config.capacity.provider == "fargate":
        return (config.capacity.architecture or "x86_64").upper()
    family = config.capacity.instance_type.split(".")[0]
    return "ARM64" if re.match(r"a1$|[a-z]+\d+g", family) else "X86_64"


def add(template: Template, config: Config, cluster: Cluster) -> CapacityProvider:
    """Add the instances the cluster's tasks run on, and return what scales them with the tasks."""
    launch_template = _launch_template(template, config, cluster)
    group = template.add_resource(
        autoscaling.AutoScalingGroup(
            "AutoScalingGroup",
            MinSize=str(config.capacity.instances.min),
            MaxSize=str(config.capacity.instances.max),
            VPCZoneIdentifier=given_list("AppSubnetIds"),
            LaunchTemplate=autoscaling.LaunchTemplateSpecification(
                LaunchTemplateId=Ref(launch_template),
                Version=GetAtt(launch_template, "LatestVersionNumber"),
            ),
            DefaultInstanceWarmup=WARM_S,
            MaxInstanceLifetime=LIFETIME_S,  # then another takes its place, drained in the same way
            InstanceMaintenancePolicy=autoscaling.InstanceMaintenancePolicy(
                MinHealthyPercentage=100,
                MaxHealthyPercentage=110,  # the new one first
            ),
            UpdatePolicy=_refresh(),
            Tags=[
                autoscaling.Tag("Name", f"{config.name}-instance", True),
                autoscaling.Tag("AmazonECSManaged", "true", True),
            ],
        )
    )
    return template.add_resource(
        CapacityProvider(
            "CapacityProvider",
            AutoScalingGroupProvider=AutoScalingGroupProvider(
                AutoScalingGroupArn=Ref(group),
                ManagedScaling=ManagedScaling(Status="ENABLED", TargetCapacity=100),
                # Not managed termination protection: a group whose instances are protected is deleted, or
                # rolled back, only once somebody has lifted that. What scale-in takes is drained first.
                # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/managed-instance-draining.html
                ManagedTerminationProtection="DISABLED",
                ManagedDraining="ENABLED",
            ),
        )
    )


def _refresh() -> InstanceRefresh:
    """Replace the instances one after the other when the launch template changes, as a new AMI makes it.

    First a new one, then an old one goes, whose tasks ECS drains (managed draining).
    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RefreshPreferences.html
    """
    preferences = {"MinHealthyPercentage": 100, "MaxHealthyPercentage": 110, "SkipMatching": True}
    rolling = {"Strategy": "Rolling", "Preferences": preferences}
    return InstanceRefresh(AutoScalingInstanceRefresh=rolling)


def _launch_template(template: Template, config: Config, cluster: Cluster) -> ec2.LaunchTemplate:
    image = template.add_parameter(
        Parameter(
            IMAGE,
            Type="AWS::EC2::Image::Id",
            Description="The AMI the hosts start from; Metadata says where AWS tells the newest",
        )
    )
    path = _AMI_PARAMETER.format("arm64/" if architecture(config) == "ARM64" else "")
    template.set_metadata({RECOMMENDED: path})
    profile = template.add_resource(
        InstanceProfile("InstanceProfile", Roles=[Ref(_instance_role(template, config, cluster))])
    )
    return template.add_resource(
        ec2.LaunchTemplate(
            "LaunchTemplate",
            **_own_tags(config),
            LaunchTemplateData=ec2.LaunchTemplateData(
                ImageId=Ref(image),
                InstanceType=config.capacity.instance_type,
                IamInstanceProfile=ec2.IamInstanceProfile(Arn=GetAtt(profile, "Arn")),
                SecurityGroupIds=[group_id(_instance_group(template, config))],
                MetadataOptions=ec2.MetadataOptions(
                    HttpTokens="required", HttpPutResponseHopLimit=1
                ),
                # Five minutes are enough: scaling follows the tasks, which ECS measures every minute.
                Monitoring=ec2.Monitoring(Enabled=False),
                BlockDeviceMappings=[
                    ec2.LaunchTemplateBlockDeviceMapping(
                        DeviceName="/dev/xvda",
                        Ebs=ec2.EBSBlockDevice(
                            VolumeType="gp3",
                            VolumeSize=30,
                            Encrypted=True,
                            DeleteOnTermination=True,
                        ),
                    )
                ],
                UserData=Base64(
                    Sub(
                        "#!/bin/bash\n"
                        "cat >> /etc/ecs/ecs.config <<'END'\n"
                        f"ECS_CLUSTER=${{{cluster.title}}}\n"
                        "ECS_AWSVPC_BLOCK_IMDS=true\n"  # tasks must not take the instance's role
                        "ECS_SELINUX_CAPABLE=true\n"  # asked for by dockerSecurityOptions
                        "END\n"
                    )
                ),
                TagSpecifications=[
                    ec2.TagSpecifications(
                        ResourceType="volume", Tags=Tags(**config.tags | {"Name": config.name})
                    )
                ],
            ),
        )
    )


def _own_tags(config: Config) -> dict[str, Any]:
    """Return the launch template's own tags, which CloudFormation takes from no stack."""
    if not config.tags:
        return {}
    own = ec2.TagSpecifications(ResourceType="launch-template", Tags=Tags(**config.tags))
    return {"TagSpecifications": [own]}


def _instance_group(template: Template, config: Config) -> ec2.SecurityGroup:
    return security_group(
        template,
        "InstanceSecurityGroup",
        given("VpcId"),
        "Container instances: nobody connects to them",
        egress=to_aws(config),
    )


def _instance_role(template: Template, config: Config, cluster: Cluster) -> Role:
    """Add what the ECS agent needs, and no more; for Session Manager what its agent does, as AWS keeps it.

    https://docs.aws.amazon.com/systems-manager/latest/userguide/setup-instance-permissions.html
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/instance_IAM_role.html
    """
    arn = GetAtt(cluster, "Arn")
    return role(
        template,
        "InstanceRole",
        "ec2.amazonaws.com",
        [
            allow(["ecs:DiscoverPollEndpoint"], "*"),  # knows no resources
            allow(
                [
                    "ecs:RegisterContainerInstance",
                    "ecs:DeregisterContainerInstance",
                    "ecs:SubmitAttachmentStateChanges",
                    "ecs:SubmitContainerStateChange",
                    "ecs:SubmitTaskStateChange",
                ],
                arn,
            ),
            allow(
                ["ecs:Poll", "ecs:StartTelemetrySession", "ecs:UpdateContainerInstancesState"],
                "*",  # container instances, whose ids nobody knows beforehand: narrowed by cluster
                {"ArnEquals": {"ecs:cluster": arn}},
            ),
        ],
        managed=["AmazonSSMManagedInstanceCore"] if config.capacity.ssm else [],
    )
