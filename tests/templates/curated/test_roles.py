"""What each role may do, tried: the calls it makes are allowed, and their neighbours are not.

The registrar's calls are recorded from its own code; those of ECS and its agent are the ones AWS documents;
secrets, images and logs are taken from the task definition. A role that is not here fails the first test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from tests.templates import reference
from tests.templates.evaluator import Call, allowed
from tests.templates.recorded import registrar_calls
from tests.templates.sample import ACCOUNT, Account
from tests.templates.thorough.test_policies import WITHOUT_DEPUTY
from tests.unit.blueprint.configs import CURATED
from tests.unit.rotation.fakes import ADMINISTRATOR, APPLICATION
from tests.unit.rotation.fakes import Account as Rotated
from tests.unit.rotation.test_steps import whole as rotate

OTHER = "999999999999"
SSM = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"


@dataclass(frozen=True)
class Role:
    """What one role has to be able to do, what it must not, and who may assume it."""

    allowed: tuple[Call, ...]
    denied: tuple[Call, ...]
    service: str
    source: str = ""  # aws:SourceArn, where the service sets it
    managed: tuple[str, ...] = ()  # AWS's own policies, whose content AWS answers for


@cache
def account(name: str) -> Account:
    return Account(CURATED[name])


def roles(name: str) -> dict[str, dict[str, Any]]:
    return {
        logical_id: one.properties(logical_id)
        for one in account(name).stacks.values()
        for logical_id, resource in one.resources.items()
        if resource["Type"] == "AWS::IAM::Role"
    }


def registrar(here: Account) -> Role:
    group = here.named("NlbTargetGroup")
    change = "elasticloadbalancing:RegisterTargets"
    queue = here.named("RegistrarQueue")
    calls = registrar_calls(here)
    assert {"elasticloadbalancing:DeregisterTargets", change} < {call.action for call in calls}
    return Role(
        (
            *calls,
            # Lambda's, which polls the queue as the function's role.
            # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
            *(Call(f"sqs:{one}", queue) for one in ("ReceiveMessage", "DeleteMessage")),
            Call("sqs:GetQueueAttributes", queue),
            *_writes_log(here.named("RegistrarLogGroup")),
        ),
        (
            Call(change, here.named("AlbTargetGroup")),
            Call(change, group.replace(ACCOUNT, OTHER)),
            Call("elasticloadbalancing:DeleteTargetGroup", group),
            Call("elasticloadbalancing:ModifyTargetGroup", group),
            Call("ec2:DeleteNetworkInterface", "arn:aws:ec2:us-east-1:1:network-interface/eni-1"),
            Call("s3:GetObject", "arn:aws:s3:::any/key"),
            Call("sqs:SendMessage", queue),
            Call("sqs:ReceiveMessage", f"{queue}-other"),
            *_writes_log(here.named("LogGroup")),
        ),
        "lambda.amazonaws.com",
    )


def execution(here: Account) -> Role:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html"""
    repository = here.named("Repository")
    region = here.config.region
    (service,) = here.of("service")
    containers = _containers(service.properties("TaskDefinition"))
    sources = {one["ValueFrom"] for container in containers for one in container.get("Secrets", [])}
    parameters = {one for one in sources if ":ssm:" in one}
    secrets = {":".join(one.split(":")[:7]) for one in sources - parameters}
    database = here.config.database
    theirs = {database.existing.secret} if database and database.existing else set()
    own = {here.named("DatabaseUserSecret")} if here.config.instance else theirs
    pull = ("BatchCheckLayerAvailability", "GetDownloadUrlForLayer", "BatchGetImage")
    key, via = here.key, {"kms:ViaService": f"secretsmanager.{region}.amazonaws.com"}
    read = "secretsmanager:GetSecretValue"
    return Role(
        (
            Call("ecr:GetAuthorizationToken"),
            *(Call(f"ecr:{action}", repository) for action in pull),
            *_writes_log(service.attribute("LogGroup", "Arn")),
            *(Call(read, secret) for secret in own),
            *(
                Call("kms:Decrypt", one, via | {"kms:EncryptionContext:SecretARN": secret})
                for one in _keys_of_secrets(here)
                for secret in own
            ),
            *_reads_of_the_user(region, secrets - own, parameters),
        ),
        (
            Call("ecr:BatchGetImage", f"{repository}-other"),
            Call("ecr:PutImage", repository),
            *_writes_log(f"arn:aws:logs:{region}:{ACCOUNT}:log-group:/other:*"),
            Call(read, f"arn:aws:secretsmanager:{region}:{ACCOUNT}:secret:other-AbCdEf"),
            *(Call("secretsmanager:PutSecretValue", secret) for secret in secrets),
            Call("kms:Decrypt", key),
            Call("kms:Decrypt", key.replace("key/", "key/other-"), via),
            Call("kms:Encrypt", key, via),
            Call("kms:Decrypt", f"arn:aws:kms:{region}:{ACCOUNT}:key/theirs", via),
            *(Call("ssm:PutParameter", parameter) for parameter in parameters),
            *(Call("ssm:GetParameters", f"{parameter}/other") for parameter in parameters),
        ),
        "ecs-tasks.amazonaws.com",
    )


def _reads_of_the_user(region: str, secrets: set[str], parameters: set[str]) -> Iterable[Call]:
    """Yield the calls for secrets that are the user's, encrypted with keys of the user's.

    https://docs.aws.amazon.com/kms/latest/developerguide/services-secrets-manager.html
    https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html
    """
    for action, service, context, named in (
        ("secretsmanager:GetSecretValue", "secretsmanager", "SecretARN", secrets),
        ("ssm:GetParameters", "ssm", "PARAMETER_ARN", parameters),
    ):
        for name in named:
            whole = name if service == "ssm" or name[-7] == "-" else f"{name}-AbCdEf"
            key = f"arn:aws:kms:{region}:{name.split(':')[4]}:key/theirs"
            yield Call(action, whole)
            through = {"kms:ViaService": f"{service}.{region}.amazonaws.com"}
            yield Call("kms:Decrypt", key, through | {f"kms:EncryptionContext:{context}": whole})


def _keys_of_secrets(here: Account) -> list[str]:
    """Return the keys that the secrets of tasks are encrypted with, where it is not AWS's own."""
    database = here.config.database
    if database and database.existing:
        return [database.existing.kms_key] if database.existing.kms_key else []
    return [here.key] if database else []


def task(here: Account) -> Role:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html"""
    can: list[Call] = []
    cannot = [
        Call("iam:PassRole", here.named("ExecutionRole")),
        Call("ecs:UpdateService", here.named("Service")),
        Call("s3:GetObject", "arn:aws:s3:::other/key"),
    ]
    if here.config.assets:
        bucket = here.named("AssetsBucket")
        via = {"kms:ViaService": f"s3.{here.config.region}.amazonaws.com"}
        can += [
            Call("s3:ListBucket", bucket),
            Call("s3:GetObject", f"{bucket}/css/site.css"),
            Call("kms:Decrypt", here.key, via),
        ]
        cannot += [Call("s3:PutObject", f"{bucket}/x"), Call("s3:DeleteBucket", bucket)]
    if here.config.files:
        files, point = here.named("FileSystem"), here.named("AccessPoint")
        through = {"elasticfilesystem:AccessPointArn": point}
        can += [
            Call(f"elasticfilesystem:{action}", files, through)
            for action in ("ClientMount", "ClientWrite")
        ]
        cannot += [
            Call("elasticfilesystem:ClientMount", files),
            Call("elasticfilesystem:ClientRootAccess", files, through),
        ]
    if here.config.instance:
        cannot.append(Call("secretsmanager:GetSecretValue", here.named("DatabaseSecret")))
    queue = "arn:aws:sqs:us-east-1:111111111111:jobs"
    asked = {action for one in here.config.service.permissions for action in one.actions}
    (can if "sqs:SendMessage" in asked else cannot).append(Call("sqs:SendMessage", queue))
    cannot.append(Call("sqs:SendMessage", f"{queue}-other"))
    (can if "kms:Encrypt" in asked else cannot).append(Call("kms:Encrypt", here.key))
    if "s3:PutObject" in asked:
        uploads = f"{here.named('AssetsBucket')}/uploads/${{aws:PrincipalTag/team}}/a"
        plain = {"s3:x-amz-storage-class": "STANDARD"}
        can += [
            Call("s3:PutObject", uploads, plain),
            Call("kms:GenerateDataKey", here.key, via),
        ]
        cannot.append(Call("s3:PutObject", uploads, {"s3:x-amz-storage-class": "GLACIER"}))
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
    channels = [
        Call(f"ssmmessages:{action}{kind}Channel")
        for action in ("Create", "Open")
        for kind in ("Control", "Data")
    ]
    (can if here.config.service.exec else cannot).extend(channels)
    of_addons = ("Use",) if here.config.addons else ()
    managed = (*here.config.service.policies, *of_addons)
    return Role(tuple(can), tuple(cannot), "ecs-tasks.amazonaws.com", managed=managed)


def instance(here: Account) -> Role:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/instance_IAM_role.html"""
    cluster = here.named("Cluster")
    instances = cluster.replace(":cluster/", ":container-instance/") + "/0123"
    on_cluster = (
        *("RegisterContainerInstance", "DeregisterContainerInstance", "SubmitTaskStateChange"),
        *("SubmitContainerStateChange", "SubmitAttachmentStateChanges"),
    )
    on_instance = ("Poll", "StartTelemetrySession", "UpdateContainerInstancesState")
    ours = {"ecs:cluster": cluster}
    return Role(
        (
            Call("ecs:DiscoverPollEndpoint"),
            *(Call(f"ecs:{action}", cluster) for action in on_cluster),
            *(Call(f"ecs:{action}", instances, ours) for action in on_instance),
        ),
        (
            Call("ecs:RegisterContainerInstance", f"{cluster}-other"),
            Call("ecs:Poll", instances, {"ecs:cluster": f"{cluster}-other"}),
            Call("ecs:CreateCluster", cluster),
            Call("ecs:RunTask", f"arn:aws:ecs:{here.config.region}:{ACCOUNT}:task-definition/a:1"),
            Call("ecr:GetAuthorizationToken"),  # the execution role pulls
            Call("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:::{ACCOUNT}:secret:a"),
        ),
        "ec2.amazonaws.com",
        managed=(SSM,) if here.config.capacity.ssm else (),
    )


def rotation(here: Account) -> Role:
    """Its calls are recorded from its own code, by the fakes of its unit tests."""
    called = []
    for secret in (ADMINISTRATOR, APPLICATION):
        rotated = Rotated()
        rotate(rotated, secret)
        title = "DatabaseSecret" if secret == ADMINISTRATOR else "DatabaseUserSecret"
        resources = {"secretsmanager": here.named(title), "ecs": here.named("Service")}
        for service, operation in sorted({(*one.split(":"),) for one in rotated.called}):
            if service != "database":
                action = f"{service}:{xform(operation)}"
                narrow = bool(reference.resources(action))
                called.append(Call(action, resources[service] if narrow else "*"))
    secret, service = here.named("DatabaseUserSecret"), here.named("Service")
    key = here.key
    via = {"kms:ViaService": f"secretsmanager.{here.config.region}.amazonaws.com"}
    # https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-required-permissions-function.html
    keys = tuple(Call(f"kms:{action}", key, via) for action in ("Decrypt", "GenerateDataKey"))
    return Role(
        (*called, *keys, *in_a_vpc(here), *_writes_log(here.named("RotationLogGroup"))),
        (
            Call("secretsmanager:GetSecretValue", f"{secret[:-6]}0ther1"),
            Call("secretsmanager:DeleteSecret", secret),
            Call("rds:ModifyDBInstance", here.named("DatabaseInstance")),
            Call("ecs:UpdateService", f"{service}-other"),
            Call("ecs:DeleteService", service),
            Call("kms:Decrypt", key),
        ),
        "lambda.amazonaws.com",
    )


def database_user(here: Account) -> Role:
    """It reads both secrets, and changes nothing."""
    secrets = [here.named(name) for name in ("DatabaseSecret", "DatabaseUserSecret")]
    key = here.key
    via = {"kms:ViaService": f"secretsmanager.{here.config.region}.amazonaws.com"}
    read = "secretsmanager:GetSecretValue"
    return Role(
        (
            *(Call(read, secret) for secret in secrets),
            Call("kms:Decrypt", key, via),
            *in_a_vpc(here),
            *_writes_log(here.named("DatabaseUserLogGroup")),
        ),
        (
            Call(read, f"{secrets[0][:-6]}0ther1"),
            *(Call("secretsmanager:PutSecretValue", secret) for secret in secrets),
            Call("kms:Decrypt", key),
            Call("rds:ModifyDBInstance", here.named("DatabaseInstance")),
        ),
        "lambda.amazonaws.com",
    )


def in_a_vpc(here: Account) -> tuple[Call, ...]:
    """https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions"""
    interface = f"arn:aws:ec2:{here.config.region}:{ACCOUNT}:network-interface/eni-1"
    verbs = ("Create", "Delete")
    addresses = ("AssignPrivateIpAddresses", "UnassignPrivateIpAddresses")
    return (
        *(Call(f"ec2:{verb}NetworkInterface", interface) for verb in verbs),
        *(Call(f"ec2:{action}", interface) for action in addresses),
        *(Call(f"ec2:Describe{what}") for what in ("NetworkInterfaces", "Subnets")),
    )


def jobs(here: Account) -> Role:
    """https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-templated.html"""
    cluster, region = here.named("Cluster"), here.config.region
    definitions = f"arn:aws:ecs:{region}:{ACCOUNT}:task-definition"
    families = [f"{here.config.name}_{job.name}" for job in here.config.jobs]
    on, to_tasks = {"ecs:cluster": cluster}, {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
    made = cluster.replace(":cluster/", ":task/") + "/0123"
    roles_of_tasks = [here.named(name) for name in ("TaskRole", "ExecutionRole")]
    return Role(
        (
            *(Call("ecs:RunTask", f"{definitions}/{family}:7", on) for family in families),
            Call("ecs:TagResource", made, {"ecs:CreateAction": "RunTask"}),
            *(Call("iam:PassRole", one, to_tasks) for one in roles_of_tasks),
        ),
        (
            Call("ecs:RunTask", f"{definitions}/{here.config.name}:7", on),
            Call(
                "ecs:RunTask", f"{definitions}/{families[0]}:7", {"ecs:cluster": f"{cluster}-other"}
            ),
            Call("ecs:TagResource", made),
            Call("ecs:StopTask", made, on),
            Call("iam:PassRole", here.named("JobRole"), to_tasks),
            *(
                Call("iam:PassRole", one, {"iam:PassedToService": "ec2.amazonaws.com"})
                for one in roles_of_tasks
            ),
        ),
        "scheduler.amazonaws.com",
        source=here.named("JobGroup"),
    )


def monitoring(here: Account) -> Role:
    """https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Monitoring.OS.Enabling.html"""
    return Role(
        (),
        (Call("rds:ModifyDBInstance", here.named("DatabaseInstance")),),
        "monitoring.rds.amazonaws.com",
        source=here.named("DatabaseInstance"),
        managed=("arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole",),
    )


def flow_logs(here: Account) -> Role:
    """What delivers flow logs to a group that is there: the calls CDK's flow logs are allowed, too.

    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    """
    group = here.named("FlowLogGroup")
    return Role(
        (*_writes_log(group), Call("logs:DescribeLogStreams", group)),
        (
            *_writes_log(here.named("LogGroup")),
            Call("logs:CreateLogGroup", group),
            Call("logs:DeleteLogStream", f"{group.removesuffix(':*')}:log-stream:a"),
        ),
        "vpc-flow-logs.amazonaws.com",
        source=f"arn:aws:ec2:{here.config.region}:{ACCOUNT}:vpc-flow-log/fl-1",
    )


def xform(operation: str) -> str:
    """Return an operation of boto3 as the API calls it."""
    return "".join(word.capitalize() for word in operation.split("_")).replace("Db", "DB")


ROLES: dict[str, Callable[[Account], Role]] = {
    "RegistrarRole": registrar,
    "ExecutionRole": execution,
    "TaskRole": task,
    "InstanceRole": instance,
    "RotationRole": rotation,
    "DatabaseUserRole": database_user,
    "DatabaseMonitoringRole": monitoring,
    "FlowLogRole": flow_logs,
    "JobRole": jobs,
}


def _writes_log(group: str) -> tuple[Call, ...]:
    stream = f"{group.removesuffix(':*')}:log-stream:a/b/c"
    return (Call("logs:CreateLogStream", stream), Call("logs:PutLogEvents", stream))


def _containers(definition: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in definition["ContainerDefinitions"] if one.get("Essential", True)]


def test_every_role_is_tried() -> None:
    assert {logical_id for name in CURATED for logical_id in roles(name)} == set(ROLES)


def tried() -> list[tuple[str, str]]:
    """Return (configuration, role), each different role once."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for name in CURATED:
        for logical_id, properties in roles(name).items():
            found.setdefault((logical_id, repr(properties)), (name, logical_id))
    return list(found.values())


@pytest.mark.parametrize(("name", "role"), tried())
def test_a_role_may_do_what_it_does_and_not_what_lies_beside_it(name: str, role: str) -> None:
    properties = roles(name)[role]
    expected = ROLES[role](account(name))
    policies = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    assert tuple(properties.get("ManagedPolicyArns", ())) == expected.managed
    assert which(policies, expected.allowed) == list(expected.allowed)
    assert which(policies, expected.denied) == []


@pytest.mark.parametrize(("name", "role"), tried())
def test_a_role_is_assumed_by_its_service_for_this_account(name: str, role: str) -> None:
    trust = [roles(name)[role]["AssumeRolePolicyDocument"]]
    expected = ROLES[role](account(name))
    here = {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": expected.source}

    def may_assume(principal: str, context: dict[str, str]) -> bool:
        return allowed(trust, Call("sts:AssumeRole", context=context, principal=principal))

    assert may_assume(expected.service, here)
    assert not may_assume("s3.amazonaws.com", here)
    assert not may_assume(f"arn:aws:iam::{OTHER}:role/any", here)
    if expected.service not in WITHOUT_DEPUTY:
        elsewhere = {key: value.replace(ACCOUNT, OTHER) for key, value in here.items()}
        assert not may_assume(expected.service, elsewhere)


def which(policies: Iterable[dict[str, Any]], calls: Iterable[Call]) -> list[Call]:
    policies = list(policies)
    return [call for call in calls if allowed(policies, call)]
