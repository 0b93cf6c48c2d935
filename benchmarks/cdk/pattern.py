"""The pattern of examples/notes in CDK for Python: what `benchmarks/template.py` compares with.

The same parts by CDK's own constructs and defaults, which leave out much of what the blueprint sets. Needs
aws-cdk-lib and Node; run by itself it writes its templates to the folder it is given.
"""

from __future__ import annotations

import sys

import aws_cdk as cdk
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_efs as efs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rds as rds
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from constructs import Construct

PORT = 8000


class Foundation(Construct):
    """Network, key, registry, and what holds data."""

    def __init__(self, scope: Construct, name: str) -> None:
        super().__init__(scope, name)
        private = ec2.SubnetType.PRIVATE_WITH_EGRESS
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr("10.20.0.0/16"),
            max_azs=2,
            subnet_configuration=[
                ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC),
                ec2.SubnetConfiguration(name="App", subnet_type=private),
                ec2.SubnetConfiguration(name="Data", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            ],
        )
        self.key = kms.Key(self, "Key", enable_key_rotation=True)
        self.repository = ecr.Repository(self, "Repository", encryption_key=self.key)
        data = ec2.SubnetSelection(subnet_group_name="Data")
        self.database = rds.DatabaseInstance(
            self,
            "Database",
            engine=rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_16),
            vpc=self.vpc,
            vpc_subnets=data,
            multi_az=True,
            credentials=rds.Credentials.from_generated_secret("underpass", encryption_key=self.key),
            storage_encryption_key=self.key,
        )
        self.files = efs.FileSystem(
            self, "Files", vpc=self.vpc, vpc_subnets=data, encrypted=True, kms_key=self.key
        )
        self.point = self.files.add_access_point("Point", path="/notes")
        self.assets = s3.Bucket(
            self, "Assets", encryption_key=self.key, versioned=True, enforce_ssl=True
        )


class Service(Construct):
    """The balancers, the registrar, the cluster with its instances, and the endpoint service."""

    def __init__(self, scope: Construct, name: str, base: Foundation) -> None:
        super().__init__(scope, name)
        app = ec2.SubnetSelection(subnet_group_name="App")
        nlb = elb.NetworkLoadBalancer(
            self, "Nlb", vpc=base.vpc, vpc_subnets=app, internet_facing=False
        )
        group = elb.NetworkTargetGroup(
            self, "Targets", vpc=base.vpc, port=80, target_type=elb.TargetType.IP
        )
        nlb.add_listener("Listener", port=80, default_target_groups=[group])
        alb = elb.ApplicationLoadBalancer(
            self, "Alb", vpc=base.vpc, vpc_subnets=app, internet_facing=False
        )
        self._registrar(group)
        service = self._service(base, app)
        alb.add_listener("Listener", port=80).add_targets(
            "Tasks", port=PORT, protocol=elb.ApplicationProtocol.HTTP, targets=[service]
        )
        service.connections.allow_to_default_port(base.database)
        service.connections.allow_to_default_port(base.files)
        self.offered = ec2.VpcEndpointService(
            self,
            "Offered",
            vpc_endpoint_service_load_balancers=[nlb],
            allowed_principals=[iam.AccountRootPrincipal()],
        )

    def _registrar(self, group: elb.NetworkTargetGroup) -> None:
        function = lambda_.Function(
            self,
            "Registrar",
            runtime=lambda_.Runtime.PYTHON_3_13,
            handler="index.handler",
            code=lambda_.Code.from_inline("def handler(event, context):\n    pass\n"),
        )
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["elasticloadbalancing:RegisterTargets"],
                resources=[group.target_group_arn],
            )
        )
        events.Rule(
            self,
            "Schedule",
            schedule=events.Schedule.rate(cdk.Duration.minutes(1)),
            targets=[targets.LambdaFunction(function)],
        )

    def _service(self, base: Foundation, app: ec2.SubnetSelection) -> ecs.Ec2Service:
        cluster = ecs.Cluster(self, "Cluster", vpc=base.vpc)
        group = autoscaling.AutoScalingGroup(
            self,
            "Instances",
            vpc=base.vpc,
            vpc_subnets=app,
            instance_type=ec2.InstanceType("t3.medium"),
            machine_image=ecs.EcsOptimizedImage.amazon_linux2023(),
            min_capacity=2,
            max_capacity=4,
        )
        provider = ecs.AsgCapacityProvider(self, "Capacity", auto_scaling_group=group)
        cluster.add_asg_capacity_provider(provider)
        task = ecs.Ec2TaskDefinition(self, "Task", network_mode=ecs.NetworkMode.AWS_VPC)
        secret = base.database.secret
        task.add_container(
            "notes",
            image=ecs.ContainerImage.from_ecr_repository(base.repository),
            cpu=256,
            memory_limit_mib=512,
            port_mappings=[ecs.PortMapping(container_port=PORT)],
            secrets={"DATABASE_PASSWORD": ecs.Secret.from_secrets_manager(secret, "password")},
            logging=ecs.LogDrivers.aws_logs(stream_prefix="notes"),
        )
        task.add_volume(
            name="files",
            efs_volume_configuration=ecs.EfsVolumeConfiguration(
                file_system_id=base.files.file_system_id,
                transit_encryption="ENABLED",
                authorization_config=ecs.AuthorizationConfig(
                    access_point_id=base.point.access_point_id, iam="ENABLED"
                ),
            ),
        )
        base.assets.grant_read(task.task_role)
        return ecs.Ec2Service(
            self,
            "Service",
            cluster=cluster,
            task_definition=task,
            desired_count=2,
            vpc_subnets=app,
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
        )


class Consumer(cdk.Stack):
    """A consumer's endpoint and the name it is reached by."""

    def __init__(self, scope: Construct, name: str) -> None:
        super().__init__(scope, name)
        vpc = ec2.Vpc(self, "Vpc", max_azs=2, nat_gateways=0)
        endpoint = ec2.InterfaceVpcEndpoint(
            self,
            "Endpoint",
            vpc=vpc,
            service=ec2.InterfaceVpcEndpointService("com.amazonaws.vpce.us-east-1.vpce-svc-0", 80),
            subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
        )
        zone = route53.PrivateHostedZone(self, "Zone", vpc=vpc, zone_name="notes.internal.example")
        route53.CnameRecord(
            self,
            "Name",
            zone=zone,
            record_name="www",
            domain_name=cdk.Fn.select(0, endpoint.vpc_endpoint_dns_entries),
        )


def main() -> None:
    """Write the templates."""
    app = cdk.App(outdir=sys.argv[1], analytics_reporting=False)
    # One stack: over two, CDK's grants on the key make them depend on each other.
    stack = cdk.Stack(app, "notes")
    Service(stack, "Service", Foundation(stack, "Foundation"))
    Consumer(app, "notes-consumer-analytics")
    app.synth()


if __name__ == "__main__":
    main()
