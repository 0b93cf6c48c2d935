"""Change an RDS instance's master password in the steps of Secrets Manager, each of which may be repeated."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

TOLD = ("SECRET", "DATABASE", "CLUSTER", "SERVICE")
CURRENT, PENDING = "AWSCURRENT", "AWSPENDING"
BUSY = ("modifying", "resetting-master-credentials")
POLL_S = 3.0
PATIENCE_S = 240.0


@dataclass(frozen=True)
class Rotation:
    """One rotation: ``token`` is the version of the secret that is to become the current one."""

    secret: str
    database: str
    cluster: str
    service: str
    token: str
    client: Callable[[str], Any]
    pause: Callable[[float], None] = time.sleep

    def create(self) -> None:
        """Make the new version, with another password."""
        secrets = self.client("secretsmanager")
        try:
            self._value(VersionId=self.token, VersionStage=PENDING)
        except secrets.exceptions.ResourceNotFoundException:
            # RDS refuses some punctuation, and so do URLs.
            made = secrets.get_random_password(PasswordLength=32, ExcludePunctuation=True)
            value = {**self._value(VersionStage=CURRENT), "password": made["RandomPassword"]}
            secrets.put_secret_value(
                SecretId=self.secret,
                ClientRequestToken=self.token,
                SecretString=json.dumps(value),
                VersionStages=[PENDING],
            )

    def set(self) -> None:
        """Have RDS set the password."""
        password = self._value(VersionId=self.token, VersionStage=PENDING)["password"]
        self.client("rds").modify_db_instance(
            DBInstanceIdentifier=self.database, MasterUserPassword=password, ApplyImmediately=True
        )

    def test(self) -> None:
        """Return once RDS has set it; until then it is among the pending values."""
        for _ in range(int(PATIENCE_S / POLL_S)):
            found = self.client("rds").describe_db_instances(DBInstanceIdentifier=self.database)
            instance = found["DBInstances"][0]
            pending = instance.get("PendingModifiedValues") or {}
            if "MasterUserPassword" not in pending and instance["DBInstanceStatus"] not in BUSY:
                return
            self.pause(POLL_S)
        raise TimeoutError(f"RDS has not set the password within {PATIENCE_S:.0f} s")

    def finish(self) -> None:
        """Make the new version the current one, and replace the tasks, which have read the old one."""
        current = self.current()
        if current != self.token:
            self.client("secretsmanager").update_secret_version_stage(
                SecretId=self.secret,
                VersionStage=CURRENT,
                MoveToVersionId=self.token,
                RemoveFromVersionId=current,
            )
        self.client("ecs").update_service(
            cluster=self.cluster, service=self.service, forceNewDeployment=True
        )

    def current(self) -> str:
        """Return the current version."""
        secrets = self.client("secretsmanager")
        stages = secrets.describe_secret(SecretId=self.secret)["VersionIdsToStages"]
        return next(str(version) for version, found in stages.items() if CURRENT in found)

    def _value(self, **which: str) -> dict[str, Any]:
        found = self.client("secretsmanager").get_secret_value(SecretId=self.secret, **which)
        return dict(json.loads(found["SecretString"]))


def run(event: Mapping[str, str], rotation: Rotation) -> None:
    """Do one step; raises when it is unknown, or about another secret."""
    if event["SecretId"] != rotation.secret:
        raise PermissionError(f"this function does not rotate {event['SecretId']}")
    step = event["Step"].removesuffix("Secret")
    if step not in ("create", "set", "test", "finish"):
        raise ValueError(f"there is no step {event['Step']}")
    if step == "finish" or rotation.current() != rotation.token:
        getattr(rotation, step)()


def handler(event: Mapping[str, str], _context: object) -> None:
    """Do the step Secrets Manager asks for; an error ends the rotation, which is tried again."""
    import boto3

    secret, database, cluster, service = (os.environ[name] for name in TOLD)
    token = event["ClientRequestToken"]
    run(event, Rotation(secret, database, cluster, service, token, boto3.client))
    print(json.dumps({"step": event["Step"], "version": token}))  # noqa: T201  the log
