"""The ECS cluster and what its tasks run on: instances of an Auto Scaling group, or Fargate."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from troposphere import Base64, GetAtt, Parameter, Ref, Sub, Tags, Template, autoscaling, ec2
from troposphere.ecs import (
    AutoScalingGroupProvider,
    CapacityProvider,
    CapacityProviderStrategy,
    Cluster,
    ClusterCapacityProviderAssociations,
    ManagedScaling,
)
from troposphere.iam import InstanceProfile, Role

from underpass.blueprint.exports import imported, imported_list
from underpass.blueprint.iam import allow, role
from underpass.blueprint.security_groups import group_id, security_group, to_aws
from underpass.config import Config

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/retrieve-ecs-optimized_AMI.html
_AMI_PARAMETER = "/aws/service/ecs/optimized-ami/amazon-linux-2023/{}recommended/image_id"


@dataclass(frozen=True)
class Capacity:
    """The cluster, and the capacity provider the service asks for tasks' room."""

    cluster: Cluster
    provider: Any
    associations: ClusterCapacityProviderAssociations


def architecture(config: Config) -> str:
    """Return the CPU architecture the tasks run on, as ECS names it: ARM64 or X86_64.

    A Graviton type says so by a ``g`` after its generation (t4g, m7gd, c7gn); ``a1`` came before that rule.
    https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
    """
    family = config.capacity.instance_type.split(".")[0]
    graviton = config.capacity.provider == "ec2" and re.match(r"a1$|[a-z]+\d+g", family)
    return "ARM64" if graviton else "X86_64"


def add(template: Template, config: Config) -> Capacity:
    """Add the cluster and its capacity."""
    cluster = template.add_resource(Cluster("Cluster"))
    if config.capacity.provider == "fargate":
        provider: Any = "FARGATE"
    else:
        provider = Ref(_instances(template, config, cluster))
    associations = template.add_resource(
        ClusterCapacityProviderAssociations(
            "ClusterCapacityProviders",
            Cluster=Ref(cluster),
            CapacityProviders=[provider],
            DefaultCapacityProviderStrategy=[
                CapacityProviderStrategy(CapacityProvider=provider, Weight=1)
            ],
        )
    )
    return Capacity(cluster, provider, associations)


def _instances(template: Template, config: Config, cluster: Cluster) -> CapacityProvider:
    launch_template = _launch_template(template, config, cluster)
    group = template.add_resource(
        autoscaling.AutoScalingGroup(
            "AutoScalingGroup",
            MinSize=str(config.capacity.instances.min),
            MaxSize=str(config.capacity.instances.max),
            VPCZoneIdentifier=imported_list(config, "AppSubnetIds"),
            LaunchTemplate=autoscaling.LaunchTemplateSpecification(
                LaunchTemplateId=Ref(launch_template),
                Version=GetAtt(launch_template, "LatestVersionNumber"),
            ),
            # Managed termination protection needs it: ECS decides which instance may go.
            NewInstancesProtectedFromScaleIn=True,
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
                ManagedTerminationProtection="ENABLED",
                ManagedDraining="ENABLED",
            ),
        )
    )


def _launch_template(template: Template, config: Config, cluster: Cluster) -> ec2.LaunchTemplate:
    image = template.add_parameter(
        Parameter(
            "InstanceImage",
            Type="AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>",
            Default=_AMI_PARAMETER.format("arm64/" if architecture(config) == "ARM64" else ""),
            Description="The ECS-optimized Amazon Linux 2023 AMI, by its public SSM parameter",
        )
    )
    profile = template.add_resource(
        InstanceProfile("InstanceProfile", Roles=[Ref(_instance_role(template, cluster))])
    )
    return template.add_resource(
        ec2.LaunchTemplate(
            "LaunchTemplate",
            LaunchTemplateData=ec2.LaunchTemplateData(
                ImageId=Ref(image),
                InstanceType=config.capacity.instance_type,
                IamInstanceProfile=ec2.IamInstanceProfile(Arn=GetAtt(profile, "Arn")),
                SecurityGroupIds=[group_id(_instance_group(template, config))],
                MetadataOptions=ec2.MetadataOptions(
                    HttpTokens="required", HttpPutResponseHopLimit=1
                ),
                BlockDeviceMappings=[
                    ec2.LaunchTemplateBlockDeviceMapping(
                        DeviceName="/dev/xvda",
                        Ebs=ec2.EBSBlockDevice(VolumeType="gp3", VolumeSize=30, Encrypted=True),
                    )
                ],
                UserData=Base64(
                    Sub(
                        "#!/bin/bash\n"
                        "cat >> /etc/ecs/ecs.config <<'END'\n"
                        f"ECS_CLUSTER=${{{cluster.title}}}\n"
                        "ECS_AWSVPC_BLOCK_IMDS=true\n"  # tasks must not take the instance's role
                        "END\n"
                    )
                ),
                TagSpecifications=[
                    ec2.TagSpecifications(ResourceType="volume", Tags=Tags(Name=config.name))
                ],
            ),
        )
    )


def _instance_group(template: Template, config: Config) -> ec2.SecurityGroup:
    return security_group(
        template,
        "InstanceSecurityGroup",
        imported(config, "VpcId"),
        "Container instances: nobody connects to them",
        egress=to_aws(config),
    )


def _instance_role(template: Template, cluster: Cluster) -> Role:
    """Add what the ECS agent needs, and no more.

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
    )
