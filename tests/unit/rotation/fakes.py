"""Secrets Manager, ECS and a database as far as a rotation sees them, in memory; they record what was called.

Time passes with every call. A call that ``killed`` names ends the run, before or after it has its effect.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from underpass.rotation.access import Access
from underpass.rotation.line import RefusedError

ADMINISTRATOR = "arn:aws:secretsmanager:us-east-1:111111111111:secret:DatabaseSecret-a1b2c3"
APPLICATION = "arn:aws:secretsmanager:us-east-1:111111111111:secret:DatabaseUserSecret-a1b2c3"
PLACE = {"host": "h", "port": 5432, "dbname": "app"}


class NotFoundError(Exception):
    """Stands for ResourceNotFoundException."""


class KilledError(BaseException):
    """The function's process is gone."""


class Exceptions:
    ResourceNotFoundException = NotFoundError


@dataclass
class Version:
    """A version of a secret; one that a rotation was begun with has no value yet."""

    value: dict[str, Any] | None
    stages: set[str]
    created: int = 0


@dataclass
class Session:
    """Somebody who is logged in."""

    account: Account
    user: str

    def make(self, value: Mapping[str, Any]) -> None:
        with self.account.call("database:make"):
            self.account.passwords[value["username"]] = value["password"]

    def change(self, value: Mapping[str, Any]) -> None:
        with self.account.call("database:change"):
            assert value["username"] == self.user
            self.account.passwords[self.user] = value["password"]

    def close(self) -> None:
        pass


@dataclass
class Account:
    """An account with two secrets, their database, and a service whose tasks have read the application's."""

    failing: set[str] = field(default_factory=set)
    busy: int = 0  # how many times the database does not answer
    kill_at: int | None = None  # the call, from now, that is the last
    kill_after: bool = True  # whether it has its effect
    called: list[str] = field(default_factory=list)
    now: int = 0
    left: float = 800.0
    waited: int = 0
    exceptions = Exceptions

    def __post_init__(self) -> None:
        first = {"username": "application_a", "password": "first"} | PLACE
        master = {"username": "underpass", "password": "master"} | PLACE
        self.versions = {
            APPLICATION: {"app-0": Version(first, {"AWSCURRENT"})},
            ADMINISTRATOR: {"adm-0": Version(master, {"AWSCURRENT"})},
        }
        self.passwords = {"application_a": "first", "underpass": "master"}
        self.deployments: list[dict[str, Any]] = [
            {"status": "PRIMARY", "createdAt": 0, "read": ("application_a", "first")}
        ]
        self.finishing = 0  # how often ECS still tells of tasks of the deployment before
        self.services: tuple[str, ...] = ("s",)
        self.replaced: list[str] = []
        self.made = 0

    # What a test asks.

    def access(self) -> Access:
        return Access(ADMINISTRATOR, self, self.log_in, lambda: self.left, self.pause)

    def pause(self, seconds: float) -> None:
        self.waited += 1
        self.left -= seconds

    def current(self, secret: str = APPLICATION) -> dict[str, Any]:
        (value,) = (
            one.value for one in self.versions[secret].values() if "AWSCURRENT" in one.stages
        )
        assert value is not None
        return value

    def begin(self, secret: str, token: str) -> None:
        """Have a version with nothing in it pending, as RotateSecret does."""
        if token not in self.versions[secret]:
            self._stage(secret, token, "AWSPENDING")

    def opens(self, user: str, password: str) -> bool:
        return self.passwords.get(user) == password

    # The database.

    def log_in(self, value: Mapping[str, Any]) -> Session:
        with self.call("database:log_in"):
            if self.busy:
                self.busy -= 1
                raise ConnectionRefusedError
            if not self.opens(value["username"], value["password"]):
                raise RefusedError("28P01")
            return Session(self, value["username"])

    # Secrets Manager.

    def describe_secret(self, *, SecretId: str) -> dict[str, Any]:
        with self.call("secretsmanager:describe_secret"):
            found = self.versions[SecretId].items()
            return {"VersionIdsToStages": {name: sorted(one.stages) for name, one in found}}

    def get_secret_value(
        self, *, SecretId: str, VersionStage: str, VersionId: str = ""
    ) -> dict[str, Any]:
        with self.call("secretsmanager:get_secret_value"):
            for name, one in self.versions[SecretId].items():
                if VersionStage in one.stages and VersionId in ("", name) and one.value:
                    return {"SecretString": json.dumps(one.value), "CreatedDate": one.created}
            raise NotFoundError

    def get_random_password(
        self, *, PasswordLength: int, ExcludePunctuation: bool
    ) -> dict[str, str]:
        with self.call("secretsmanager:get_random_password"):
            assert (PasswordLength, ExcludePunctuation) == (32, True)
            self.made += 1
            return {"RandomPassword": f"new-{self.made}"}

    def put_secret_value(
        self, *, SecretId: str, ClientRequestToken: str, SecretString: str, VersionStages: list[str]
    ) -> None:
        with self.call("secretsmanager:put_secret_value"):
            assert VersionStages == ["AWSPENDING"]
            there = self.versions[SecretId].get(ClientRequestToken)
            assert there is None or there.value is None, "a version has one value"
            self._stage(SecretId, ClientRequestToken, "AWSPENDING")
            version = self.versions[SecretId][ClientRequestToken]
            version.value, version.created = json.loads(SecretString), self.now

    def update_secret_version_stage(
        self, *, SecretId: str, VersionStage: str, MoveToVersionId: str, RemoveFromVersionId: str
    ) -> None:
        with self.call("secretsmanager:update_secret_version_stage"):
            assert VersionStage in self.versions[SecretId][RemoveFromVersionId].stages
            self._stage(SecretId, MoveToVersionId, VersionStage)

    def _stage(self, secret: str, token: str, stage: str) -> None:
        for one in self.versions[secret].values():
            one.stages.discard(stage)
        self.versions[secret].setdefault(token, Version(None, set())).stages.add(stage)

    # ECS: new tasks read the current version; the old ones are gone once nobody finds them any more.

    def describe_services(self, *, cluster: str, services: list[str]) -> dict[str, Any]:
        with self.call("ecs:describe_services"):
            assert (cluster, services) == ("c", [*self.services])
            if self.finishing:
                self.finishing -= 1
            else:
                del self.deployments[1:]
            return {"services": [{"deployments": list(self.deployments)} for _ in services]}

    def update_service(self, *, cluster: str, service: str, forceNewDeployment: bool) -> None:
        with self.call("ecs:update_service"):
            assert (cluster, forceNewDeployment) == ("c", True)
            self.replaced.append(service)
            if service != self.services[0]:
                return  # a worker's: it goes with the service's
            now = self.current()
            read = (now["username"], now["password"])
            for before in self.deployments:
                before["status"] = "ACTIVE"
            self.deployments.insert(0, {"status": "PRIMARY", "createdAt": self.now, "read": read})
            self.finishing = 2

    @contextmanager
    def call(self, what: str) -> Iterator[None]:
        """Record a call, which may be the last."""
        self.now += 1
        self.called.append(what)
        last = self.kill_at == 0
        if self.kill_at is not None:
            self.kill_at -= 1
        if last and not self.kill_after:
            raise KilledError
        if what.partition(":")[2] in self.failing:
            raise RuntimeError(what)
        yield
        if last:
            raise KilledError
