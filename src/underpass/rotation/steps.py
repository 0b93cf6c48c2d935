"""The passwords of the database's users, changed in the four steps of Secrets Manager."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from underpass.rotation.access import (
    CURRENT,
    PAUSE_S,
    PENDING,
    RESERVE_S,
    Access,
    Session,
    Value,
    access,
    client,
)

USERS = ("application_a", "application_b")  # one in use, and one for the next rotation
STEPS = ("create", "set", "test", "finish")


@dataclass(frozen=True)
class Rotation:
    """One rotation: ``token`` is the version of ``secret`` that is to become the current one.

    The administrator's password changes in place: nobody else uses it. The application's secret goes to
    the other of two users, so what its tasks have read opens the database until the rotation after this.
    """

    access: Access
    secret: str
    token: str
    ecs: Any
    cluster: str
    services: tuple[str, ...]

    @property
    def alternates(self) -> bool:
        """Whether it is the application's secret."""
        return self.secret != self.access.administrator

    def create(self) -> None:
        """Make the new version."""
        secrets = self.access.secrets
        try:
            self._pending()
        except secrets.exceptions.ResourceNotFoundException:
            # RDS refuses some punctuation, and so do URLs.
            made = secrets.get_random_password(PasswordLength=32, ExcludePunctuation=True)
            value = {**self._current(), "password": made["RandomPassword"]}
            if self.alternates:
                value["username"] = USERS[value["username"] == USERS[0]]
                self._replace_old_tasks()
            secrets.put_secret_value(
                SecretId=self.secret,
                ClientRequestToken=self.token,
                SecretString=json.dumps(value),
                VersionStages=[PENDING],
            )

    def set(self) -> None:
        """Have the database take the new password."""
        value = self._pending()
        if not self.alternates:
            session = self.access.as_administrator()
            try:
                session.change(value)
            finally:
                session.close()
            return
        if value["username"] == self._current()["username"]:
            raise ValueError("the pending version is of the user in use: its turn is over")
        self._wait_for_tasks()
        self.access.make_user(value)

    def test(self) -> None:
        """Return once the new version opens the database."""
        self.access.session(self._pending()).close()

    def finish(self) -> None:
        """Make the new version the current one, and replace the tasks, which have read the old one."""
        current = self.current()
        if current != self.token:
            self.access.secrets.update_secret_version_stage(
                SecretId=self.secret,
                VersionStage=CURRENT,
                MoveToVersionId=self.token,
                RemoveFromVersionId=current,
            )
        if self.alternates:
            self._deploy()

    def current(self) -> str:
        """Return the current version."""
        found = self.access.secrets.describe_secret(SecretId=self.secret)["VersionIdsToStages"]
        return next(str(version) for version, stages in found.items() if CURRENT in stages)

    def _replace_old_tasks(self) -> None:
        """Do what the rotation before did not if its end was cut off: its turn comes again."""
        current = self.access.secrets.get_secret_value(SecretId=self.secret, VersionStage=CURRENT)
        if any(one["createdAt"] < current["CreatedDate"] for one in self._primary()):
            self._deploy()

    def _wait_for_tasks(self) -> None:
        """Wait until no task of the deployment before is left: it may use the user that is to change."""
        while any(len(one) > 1 for one in self._deployments()):
            if self.access.left_s() < RESERVE_S:
                raise TimeoutError("tasks are being replaced: the older ones may use this user")
            self.access.pause(PAUSE_S)

    def _deployments(self) -> list[list[Any]]:
        """Return the deployments of each service, of which a call describes ten."""
        found = []
        for start in range(0, len(self.services), 10):
            named = list(self.services[start : start + 10])
            answer = self.ecs.describe_services(cluster=self.cluster, services=named)
            found += [service["deployments"] for service in answer["services"]]
        return found

    def _primary(self) -> list[Any]:
        return [one for each in self._deployments() for one in each if one["status"] == "PRIMARY"]

    def _deploy(self) -> None:
        for service in self.services:
            self.ecs.update_service(cluster=self.cluster, service=service, forceNewDeployment=True)

    def _current(self) -> dict[str, Any]:
        return self.access.value(self.secret, VersionStage=CURRENT)

    def _pending(self) -> dict[str, Any]:
        return self.access.value(self.secret, VersionId=self.token, VersionStage=PENDING)


def rotate(event: Mapping[str, str], rotation: Rotation) -> None:
    """Do one step; raises when it is unknown. Both spellings are AWS's: createSecret, create_secret."""
    step = event["Step"].removesuffix("Secret").removesuffix("_secret")
    if step not in STEPS:
        raise ValueError(f"there is no step {event['Step']}")
    if step == "finish" or rotation.current() != rotation.token:
        getattr(rotation, step)()


def function(log_in: Callable[[Value], Session]) -> Callable[[Mapping[str, Any], Any], None]:
    """Return the handler, for the databases that ``log_in`` knows; an error ends the rotation."""

    def handler(event: Mapping[str, Any], context: Any) -> None:
        way = access(log_in, context)
        secret, token = event["SecretId"], event["ClientRequestToken"]
        if secret not in (way.administrator, os.environ["APPLICATION"]):
            raise PermissionError(f"this function does not rotate {secret}")
        cluster, services = os.environ["CLUSTER"], tuple(os.environ["SERVICES"].split(","))
        rotate(event, Rotation(way, secret, token, client("ecs"), cluster, services))
        print(json.dumps({"step": event["Step"], "version": token}))  # noqa: T201  the log

    return handler
