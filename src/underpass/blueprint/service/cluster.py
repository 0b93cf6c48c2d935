"""The ECS cluster and what its tasks run on: instances of an Auto Scaling group, or Fargate."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from troposphere import Base64, GetAtt, Parameter, Ref, Sub, Tags, Template, autoscaling, ec2
from troposphere.ecs import (
    AutoScalingGroupProvider,
    CapacityProvider,
    CapacityProviderStrategy,
    Cluster,
    ClusterCapacityProviderAssociations,
    ClusterConfiguration,
    ClusterSetting,
    ExecuteCommandConfiguration,
    ExecuteCommandLogConfiguration,
    ManagedScaling,
)
from troposphere.iam import InstanceProfile, Role
from troposphere.policies import UpdatePolicy

from underpass.blueprint.cross_stack import given, given_list
from underpass.blueprint.iam import allow, role
from underpass.blueprint.logs import AUDITED, log_group
from underpass.blueprint.security_groups import group_id, security_group, to_aws
from underpass.config import Config

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/retrieve-ecs-optimized_AMI.html
_AMI_PARAMETER = "/aws/service/ecs/optimized-ami/amazon-linux-2023/{}recommended/image_id"

EXEC_LOGS = AUDITED["exec"]
PROVIDERS = "ClusterCapacityProviders"
WARM_S = 120  # from an instance in service to tasks on it


class InstanceRefresh(UpdatePolicy):  # type: ignore[misc]
    """The update policy by that name; troposphere's own, which has no types, does not know it yet."""

    props: ClassVar = {**UpdatePolicy.props, "AutoScalingInstanceRefresh": (dict, True)}


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
    cluster = template.add_resource(
        Cluster(
            "Cluster",
            # Also how many tasks are wanted and run, which nothing else measures.
            # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-enhanced-observability-metrics-ECS.html
            ClusterSettings=[ClusterSetting(Name="containerInsights", Value="enhanced")],
            **_exec(template, config),
        )
    )
    if config.capacity.provider == "fargate":
        provider: Any = "FARGATE"
    else:
        provider = Ref(_instances(template, config, cluster))
    associations = template.add_resource(
        ClusterCapacityProviderAssociations(
            PROVIDERS,
            Cluster=Ref(cluster),
            CapacityProviders=[provider],
            DefaultCapacityProviderStrategy=[
                CapacityProviderStrategy(CapacityProvider=provider, Weight=1)
            ],
        )
    )
    return Capacity(cluster, provider, associations)


def _exec(template: Template, config: Config) -> dict[str, Any]:
    """Have what is typed into a task logged, apart from what the task says.

    The session itself is encrypted by TLS. A key of our own on top would have to be open to each task and
    each caller directly, through no service.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
    """
    if not config.service.exec:
        return {}
    logs = log_group(template, config, EXEC_LOGS, "exec")
    sessions = ExecuteCommandConfiguration(
        Logging="OVERRIDE",
        LogConfiguration=ExecuteCommandLogConfiguration(CloudWatchLogGroupName=Ref(logs)),
    )
    return {"Configuration": ClusterConfiguration(ExecuteCommandConfiguration=sessions)}


def _instances(template: Template, config: Config, cluster: Cluster) -> CapacityProvider:
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
            # Managed termination protection needs it: ECS decides which instance may go.
            NewInstancesProtectedFromScaleIn=True,
            DefaultInstanceWarmup=WARM_S,
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
                ManagedTerminationProtection="ENABLED",
                ManagedDraining="ENABLED",
            ),
        )
    )


def _refresh() -> InstanceRefresh:
    """Replace the instances one after the other when the launch template changes, as a new AMI makes it.

    First a new one, then an old one goes, whose tasks ECS drains (managed draining). All are protected from
    scale-in, which a rolling update of CloudFormation's own would wait for in vain.
    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RefreshPreferences.html
    """
    preferences = {
        "MinHealthyPercentage": 100,
        "MaxHealthyPercentage": 110,
        "ScaleInProtectedInstances": "Refresh",
        "SkipMatching": True,
    }
    rolling = {"Strategy": "Rolling", "Preferences": preferences}
    return InstanceRefresh(AutoScalingInstanceRefresh=rolling)


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
                    ec2.TagSpecifications(ResourceType="volume", Tags=Tags(Name=config.name))
                ],
            ),
        )
    )


def _instance_group(template: Template, config: Config) -> ec2.SecurityGroup:
    return security_group(
        template,
        "InstanceSecurityGroup",
        given("VpcId"),
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
