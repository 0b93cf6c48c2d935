"""Secrets Manager, RDS and ECS as far as a rotation sees them, in memory; they record what was called."""

from __future__ import annotations

import json
from typing import Any

SECRET = "arn:aws:secretsmanager:us-east-1:111111111111:secret:DatabaseSecret-a1b2c3"
OLD, NEW = "0" * 36, "1" * 36


class NotFoundError(Exception):
    """Stands for ResourceNotFoundException."""


class Exceptions:
    ResourceNotFoundException = NotFoundError


class Account:
    """An account with one secret, whose pending version has no value yet, and its database and service.

    Parameters
    ----------
    busy
        How many times RDS says that it is still setting a password.
    """

    exceptions = Exceptions

    def __init__(self, busy: int = 0) -> None:
        self.values: dict[str, str | None] = {
            OLD: json.dumps({"username": "u", "password": "old", "host": "h"}),
            NEW: None,
        }
        self.stages = {OLD: ["AWSCURRENT"], NEW: ["AWSPENDING"]}
        self.password = "old"
        self.deployments = 0
        self.failing: set[str] = set()
        self.called: list[str] = []
        self._setting = busy
        self._made = 0

    def client(self, service: str) -> Account:
        assert service in {"secretsmanager", "rds", "ecs"}
        self._service = service
        return self

    def current(self) -> dict[str, str]:
        """Return what tasks would read."""
        (version,) = (one for one, stages in self.stages.items() if "AWSCURRENT" in stages)
        value: dict[str, str] = json.loads(self.values[version] or "{}")
        return value

    def describe_secret(self, *, SecretId: str) -> dict[str, Any]:
        self._call("secretsmanager", "describe_secret")
        assert SecretId == SECRET
        return {"VersionIdsToStages": {one: list(stages) for one, stages in self.stages.items()}}

    def get_secret_value(
        self, *, SecretId: str, VersionStage: str, VersionId: str = ""
    ) -> dict[str, Any]:
        self._call("secretsmanager", "get_secret_value")
        assert SecretId == SECRET
        for version, stages in self.stages.items():
            value = self.values[version]
            if VersionStage in stages and VersionId in {"", version} and value:
                return {"SecretString": value}
        raise NotFoundError

    def get_random_password(self, **_: Any) -> dict[str, Any]:
        self._call("secretsmanager", "get_random_password")
        self._made += 1
        return {"RandomPassword": f"new-{self._made}"}

    def put_secret_value(
        self,
        *,
        SecretId: str,
        ClientRequestToken: str,
        SecretString: str,
        VersionStages: list[str],
    ) -> None:
        self._call("secretsmanager", "put_secret_value")
        assert (SecretId, VersionStages) == (SECRET, ["AWSPENDING"])
        assert not self.values[ClientRequestToken], "a version's value never changes"
        self.values[ClientRequestToken] = SecretString

    def update_secret_version_stage(
        self, *, SecretId: str, VersionStage: str, MoveToVersionId: str, RemoveFromVersionId: str
    ) -> None:
        self._call("secretsmanager", "update_secret_version_stage")
        self.stages[RemoveFromVersionId].remove(VersionStage)
        self.stages[MoveToVersionId].append(VersionStage)

    def modify_db_instance(
        self, *, DBInstanceIdentifier: str, MasterUserPassword: str, ApplyImmediately: bool
    ) -> None:
        self._call("rds", "modify_db_instance")
        assert (DBInstanceIdentifier, ApplyImmediately) == ("notes", True)
        self.password = MasterUserPassword

    def describe_db_instances(self, *, DBInstanceIdentifier: str) -> dict[str, Any]:
        self._call("rds", "describe_db_instances")
        self._setting -= 1
        pending = {"MasterUserPassword": "****"} if self._setting >= 1 else {}
        status = "available" if self._setting < 0 else "resetting-master-credentials"
        instance = {"DBInstanceStatus": status, "PendingModifiedValues": pending}
        return {"DBInstances": [instance]}

    def update_service(self, *, cluster: str, service: str, forceNewDeployment: bool) -> None:
        self._call("ecs", "update_service")
        assert (cluster, service, forceNewDeployment) == ("c", "s", True)
        self.deployments += 1

    def _call(self, service: str, operation: str) -> None:
        assert service == self._service
        self.called.append(f"{service}:{operation}")
        if operation in self.failing:
            raise RuntimeError(operation)
