"""The task definition, with its two roles: what the application may do, and what starts it may."""

from __future__ import annotations

from typing import Any

from troposphere import GetAtt, Parameter, Ref, Sub, Template
from troposphere.ecs import (
    AuthorizationConfig,
    ContainerDefinition,
    EFSVolumeConfiguration,
    Environment,
    HealthCheck,
    LogConfiguration,
    MountPoint,
    PortMapping,
    RuntimePlatform,
    Secret,
    TaskDefinition,
    Volume,
)
from troposphere.iam import Role
from troposphere.logs import LogGroup

from underpass.blueprint.capacity.instances import architecture
from underpass.blueprint.cross_stack import given
from underpass.blueprint.iam import Statement, allow, role
from underpass.blueprint.logs import log_group
from underpass.blueprint.service.hardening import restrictions, scratch_mounts, scratch_volumes
from underpass.config import Config

FILES_VOLUME = "files"

# What the task gets of the database: variable to key of the secret.
DATABASE_VARIABLES = {
    "DATABASE_HOST": "host",
    "DATABASE_PORT": "port",
    "DATABASE_NAME": "dbname",
    "DATABASE_USERNAME": "username",
    "DATABASE_PASSWORD": "password",
}

STOP_TIMEOUT_S = 30  # ECS's own
LONGEST_START_S = 300  # that a container health check may be told to wait


def add(template: Template, config: Config) -> tuple[TaskDefinition, dict[str, Any]]:
    """Add the task definition, its roles and its log group."""
    image = template.add_parameter(
        Parameter("Image", Type="String", Description="The application's image")
    )
    logs = log_group(template, config, "LogGroup", "service")
    volumes = [*([_files_volume()] if config.files else []), *scratch_volumes(config)]
    definition = template.add_resource(
        TaskDefinition(
            "TaskDefinition",
            Family=config.name,
            NetworkMode="awsvpc",
            RequiresCompatibilities=[config.capacity.provider.upper()],
            RuntimePlatform=RuntimePlatform(
                OperatingSystemFamily="LINUX", CpuArchitecture=architecture(config)
            ),
            Cpu=str(config.service.cpu),
            Memory=str(config.service.memory),
            TaskRoleArn=GetAtt(_task_role(template, config), "Arn"),
            ExecutionRoleArn=GetAtt(_execution_role(template, config, logs), "Arn"),
            ContainerDefinitions=[_container(config, Ref(image), logs)],
            **({"Volumes": volumes} if volumes else {}),
        )
    )
    return definition, {"LogGroupName": Ref(logs)}


def plain_environment(config: Config) -> dict[str, Any]:
    """Return the variables that are no secrets; the file's own cannot hide what underpass promises."""
    variables: dict[str, Any] = {**config.service.environment, "AWS_REGION": Ref("AWS::Region")}
    if config.assets:
        variables["ASSETS_BUCKET"] = given("BucketName")
    if config.files:
        variables["FILES_PATH"] = config.files.mount
    return variables


def _container(config: Config, image: Ref, logs: LogGroup) -> ContainerDefinition:
    more: dict[str, Any] = {}
    if config.database:
        secret = given("DatabaseUserSecretArn")
        # An instance that is made anew has the same secret: this tells ECS that the tasks are not the same.
        more["DockerLabels"] = {"underpass.database": given("DatabaseInstanceId")}
        more["Secrets"] = [
            # ARN:json-key:version-stage:version-id
            # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
            Secret(Name=name, ValueFrom=Sub(f"${{Secret}}:{key}::", Secret=secret))
            for name, key in DATABASE_VARIABLES.items()
        ]
    mounts = scratch_mounts(config)
    if config.files:
        files = MountPoint(
            SourceVolume=FILES_VOLUME, ContainerPath=config.files.mount, ReadOnly=False
        )
        mounts = [files, *mounts]
    if mounts:
        more["MountPoints"] = mounts
    if config.service.stop_timeout != STOP_TIMEOUT_S:
        more["StopTimeout"] = config.service.stop_timeout
    if config.service.health_command:
        more["HealthCheck"] = _health_check(config)
    return ContainerDefinition(
        Name=config.name,
        Image=image,
        Essential=True,
        PortMappings=[PortMapping(ContainerPort=config.service.port, Protocol="tcp")],
        Environment=[
            Environment(Name=name, Value=value)
            for name, value in sorted(plain_environment(config).items())
        ],
        LogConfiguration=LogConfiguration(
            LogDriver="awslogs",
            Options={
                "awslogs-group": Ref(logs),
                "awslogs-region": Ref("AWS::Region"),
                "awslogs-stream-prefix": config.name,
            },
        ),
        **restrictions(config),
        **more,
    )


def _health_check(config: Config) -> HealthCheck:
    """Return the check ECS runs inside the container, without a shell: the image may have none.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html
    """
    return HealthCheck(
        Command=["CMD", *config.service.health_command],
        Interval=10,
        Timeout=5,
        Retries=3,
        StartPeriod=min(config.service.grace_period, LONGEST_START_S),
    )


def _files_volume() -> Volume:
    return Volume(
        Name=FILES_VOLUME,
        EFSVolumeConfiguration=EFSVolumeConfiguration(
            FilesystemId=given("FileSystemId"),
            TransitEncryption="ENABLED",  # access points and IAM need it
            AuthorizationConfig=AuthorizationConfig(
                AccessPointId=given("AccessPointId"), IAM="ENABLED"
            ),
        ),
    )


def _task_role(template: Template, config: Config) -> Role:
    """Add the role the application itself has: its bucket and its files."""
    statements: list[Statement] = []
    if config.assets:
        bucket = given("BucketName")
        arn = "arn:${AWS::Partition}:s3:::${Bucket}"
        statements += [
            allow(["s3:ListBucket"], Sub(arn, Bucket=bucket)),
            allow(["s3:GetObject"], Sub(f"{arn}/*", Bucket=bucket)),
            _decrypt("s3"),
        ]
    if config.files:
        statements.append(
            allow(
                ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"],
                _arn("elasticfilesystem", "file-system/${Id}", Id=given("FileSystemId")),
                {
                    "ArnEquals": {
                        "elasticfilesystem:AccessPointArn": _arn(
                            "elasticfilesystem",
                            "access-point/${Id}",
                            Id=given("AccessPointId"),
                        )
                    }
                },
            )
        )
    if config.service.exec:
        statements += _exec()
    return role(
        template, "TaskRole", "ecs-tasks.amazonaws.com", statements, trust_condition=_ONLY_HERE
    )


def _exec() -> list[Statement]:
    """Return what the agent of ECS Exec needs inside the task.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
    """
    channels = (
        "CreateControlChannel",
        "CreateDataChannel",
        "OpenControlChannel",
        "OpenDataChannel",
    )
    return [
        # None of these knows resources.
        allow([*(f"ssmmessages:{name}" for name in channels), "logs:DescribeLogGroups"], "*"),
        allow(
            ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            _arn("logs", "log-group:${ExecLogGroupName}:*"),
        ),
    ]


def _execution_role(template: Template, config: Config, logs: LogGroup) -> Role:
    """Add the role ECS starts a task with: pull the image, read the secret, write the log."""
    repository = given("RepositoryName")
    statements = [
        allow(["ecr:GetAuthorizationToken"], "*"),  # knows no resources
        allow(
            ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            _arn("ecr", "repository/${Name}", Name=repository),
        ),
        allow(
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            _arn("logs", f"log-group:${{{logs.title}}}:*"),
        ),
    ]
    if config.database:
        statements += [
            allow(["secretsmanager:GetSecretValue"], given("DatabaseUserSecretArn")),
            _decrypt("secretsmanager"),
        ]
    return role(
        template, "ExecutionRole", "ecs-tasks.amazonaws.com", statements, trust_condition=_ONLY_HERE
    )


# ECS assumes the roles for tasks of this account only: no confused deputy.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
_ONLY_HERE = {"StringEquals": {"aws:SourceAccount": Ref("AWS::AccountId")}}


def _decrypt(service: str) -> Statement:
    via = Sub(f"{service}.${{AWS::Region}}.${{AWS::URLSuffix}}")
    condition = {"StringEquals": {"kms:ViaService": via}}
    return allow(["kms:Decrypt"], given("KeyArn"), condition)


def _arn(service: str, resource: str, **values: object) -> Sub:
    return Sub(
        f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{resource}",
        **values,
    )
