"""A container's environment: what the task definition says, its secrets, and what ECS itself adds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from underpass.twin.api.operation import Operation
from underpass.twin.linux.process import StartError
from underpass.twin.region.aws import Clients
from underpass.twin.region.aws_hosts import endpoint_variables
from underpass.twin.services.ecs import credentials, metadata
from underpass.twin.services.ecs.model import Task
from underpass.twin.services.iam import callers
from underpass.twin.services.iam.authorization import Authorization

_PULL = (
    "ResourceInitializationError: unable to pull secrets or registry auth: "
    "execution resource retrieval failed"
)
_ASM = f"{_PULL}: unable to retrieve secret from asm: service call has been retried 1 time(s)"
_SSM = f"{_PULL}: unable to retrieve secrets from ssm: service call has been retried 1 time(s)"

_judge_of = cache(Authorization)  # one for all tasks: it logs a refusal once


def environment(
    secrets: Secrets,
    task: Task,
    definition: Mapping[str, Any],
    container: Mapping[str, Any],
    runtime_id: str,
) -> dict[str, str]:
    """Return all variables of a container of ``task``.

    Raises
    ------
    StartError
        When a secret cannot be had, in ECS's words, or the definition asks for what the twin lacks.
    """
    if container.get("environmentFiles"):
        raise StartError("the twin does not read environmentFiles: use environment or secrets")
    variables = _from_ecs(secrets.region, task, definition, runtime_id)
    variables |= {pair["name"]: pair["value"] for pair in container.get("environment", ())}
    for secret in container.get("secrets", ()):
        variables[secret["name"]] = secrets.value(secret["valueFrom"])
    return variables | overridden(task, container["name"])


def overridden(task: Task, container: str) -> dict[str, str]:
    """Return the variables RunTask gave a container."""
    return {
        pair["name"]: pair["value"]
        for override in task.overrides.get("containerOverrides", ())
        if override.get("name") == container
        for pair in override.get("environment", ())
    }


def _from_ecs(
    region: str, task: Task, definition: Mapping[str, Any], runtime_id: str
) -> dict[str, str]:
    variables = {
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        **endpoint_variables(region),
        "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE" if task.launch.fargate else "AWS_ECS_EC2",
        "ECS_CONTAINER_METADATA_URI_V4": f"http://{metadata.ADDRESS}/v4/{runtime_id}",
        "AWS_EC2_METADATA_DISABLED": "true",  # no task reaches it, and the SDKs would wait for it
    }
    if definition.get("taskRoleArn"):
        variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = credentials.path(task)
    return variables


class Secrets:
    """The secrets one task is started with; each is fetched once, however many of its keys are used."""

    def __init__(self, clients: Clients, role_arn: str = "", task_id: str = "") -> None:
        self.region = clients.region
        self._clients = clients
        self._role = (role_arn, task_id)
        self._authorization = _judge_of(clients.region)
        self._fetched: dict[tuple[str, str, str], str] = {}

    def value(self, value_from: str) -> str:
        """Return what ``valueFrom`` names: a secret (``ARN:json-key:stage:version``) or a parameter.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html

        Raises
        ------
        StartError
            When it cannot be had.
        """
        if ":secretsmanager:" not in value_from:
            return self._parameter(value_from)
        # arn:aws:secretsmanager:region:account:secret:name[:json-key:version-stage:version-id]
        parts = value_from.split(":")
        key, stage, version = (*parts[7:10], "", "", "")[:3]
        text = self._secret(":".join(parts[:7]), stage, version)
        if not key:
            return text
        try:
            value = json.loads(text)[key]
        except (ValueError, KeyError, TypeError) as error:
            raise StartError(
                f"{_ASM}: retrieved secret from Secrets Manager did not contain json key {key}"
            ) from error
        return value if isinstance(value, str) else json.dumps(value)

    def _secret(self, arn: str, stage: str, version: str) -> str:
        which = (arn, stage, version)
        if which not in self._fetched:
            self._ask("secretsmanager", "GetSecretValue", {"SecretId": arn}, _ASM)
            named = {"SecretId": arn, "VersionStage": stage, "VersionId": version}
            asked = {name: value for name, value in named.items() if value}
            try:
                answer = self._clients("secretsmanager").get_secret_value(**asked)
            except ClientError as error:
                raise StartError(
                    f"{_ASM}: failed to fetch secret {arn} from secrets manager: {_said(error)}"
                ) from error
            self._fetched[which] = answer.get("SecretString", "")
        return self._fetched[which]

    def _ask(self, service: str, action: str, parameters: Mapping[str, object], where: str) -> None:
        """Raise a ``StartError`` where the execution role may not fetch it."""
        role_arn, task_id = self._role
        if not role_arn:
            return
        caller = callers.of_role(role_arn, task_id)
        refused = self._authorization.refusal(
            caller, Operation(service, action, parameters, self.region)
        )
        if refused:
            raise StartError(f"{where}: AccessDeniedException: {refused}")

    def _parameter(self, name: str) -> str:
        name = name.partition(":parameter")[2] or name
        bare = name.removeprefix("/")
        self._ask("ssm", "GetParameters", {"Names": [name], "WithDecryption": True}, _SSM)
        # The ARN of a name without a path has a slash before it all the same.
        for one in (name,) if "/" in bare else (bare, f"/{bare}"):
            try:
                found = self._clients("ssm").get_parameter(Name=one, WithDecryption=True)
            except ClientError as error:
                refused = error
            else:
                return str(found["Parameter"]["Value"])
        raise StartError(f"{_SSM}: {name}: {_said(refused)}") from refused


def _said(error: ClientError) -> str:
    return f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
