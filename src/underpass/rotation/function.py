"""What the two functions do: make the application's user, and change passwords in Secrets Manager's steps."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.request import Request, urlopen

from underpass.rotation.line import RefusedError

OWNER = "application"
USERS = ("application_a", "application_b")  # one in use, and one for the next rotation
CURRENT, PENDING = "AWSCURRENT", "AWSPENDING"
STEPS = ("create", "set", "test", "finish")
PAUSE_S = 3.0
# Kept back for what follows a wait: some calls to AWS, some statements, and the answer.
RESERVE_S = 90.0

Value = Mapping[str, Any]


class Session(Protocol):
    """What is asked of a database by somebody who is logged in."""

    def make(self, value: Value) -> None:
        """Have the application's user as ``value`` says, whatever there is of it already."""
        ...

    def change(self, value: Value) -> None:
        """Change one's own password."""
        ...

    def close(self) -> None:
        """Log out."""
        ...


@dataclass(frozen=True)
class Access:
    """The way into the database: ``administrator`` is the secret of its master user."""

    administrator: str
    secrets: Any
    log_in: Callable[[Value], Session]
    left_s: Callable[[], float]
    pause: Callable[[float], None] = time.sleep

    def value(self, secret: str, **which: str) -> dict[str, Any]:
        """Return a version of a secret."""
        found = self.secrets.get_secret_value(SecretId=secret, **which)
        return dict(json.loads(found["SecretString"]))

    def session(self, value: Value) -> Session:
        """Log in, and wait for a database that does not answer as long as there is time."""
        while True:
            try:
                return self.log_in(value)
            except OSError:
                if self.left_s() < RESERVE_S:
                    raise
                self.pause(PAUSE_S)

    def as_administrator(self) -> Session:
        """Log in as the master user, whose password may just have become the pending one."""
        try:
            return self.session(self.value(self.administrator, VersionStage=CURRENT))
        except RefusedError:
            try:
                pending = self.value(self.administrator, VersionStage=PENDING)
            except self.secrets.exceptions.ResourceNotFoundException:
                pending = {}
            if not pending:
                raise
            return self.session(pending)

    def make_user(self, value: Value) -> None:
        """Have the application's user as ``value`` says."""
        session = self.as_administrator()
        try:
            session.make(value)
        finally:
            session.close()


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
    service: str

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
        if any(one["createdAt"] < current["CreatedDate"] for one in self._deployments()[:1]):
            self._deploy()

    def _wait_for_tasks(self) -> None:
        """Wait until no task is left of the deployment before: it may still use the user that is to change."""
        while len(self._deployments()) > 1:
            if self.access.left_s() < RESERVE_S:
                raise TimeoutError("tasks are being replaced: the older ones may use this user")
            self.access.pause(PAUSE_S)

    def _deployments(self) -> list[Any]:
        found = self.ecs.describe_services(cluster=self.cluster, services=[self.service])
        return [one for service in found["services"] for one in service["deployments"]]

    def _deploy(self) -> None:
        self.ecs.update_service(cluster=self.cluster, service=self.service, forceNewDeployment=True)

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


def answered(event: Mapping[str, Any], log: str, work: Callable[[], None]) -> dict[str, Any]:
    """Do what CloudFormation asks for and return the answer, whatever happens.

    A user that is no longer wanted stays, as what it made does.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
    """
    status, reason = "SUCCESS", f"see {log}"
    try:
        if event["RequestType"] != "Delete":
            work()
    except Exception as error:  # noqa: BLE001  CloudFormation would wait for an hour
        status, reason = "FAILED", f"{type(error).__name__}: {error}"[:1000] + f" ({log})"
    same = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    who = event.get("PhysicalResourceId") or event["LogicalResourceId"]
    return {**same, "Status": status, "Reason": reason, "PhysicalResourceId": who}


def put(url: str, answer: Mapping[str, Any]) -> None:
    """Hand an answer to CloudFormation; its URL is signed for no content type."""
    data = json.dumps(answer).encode()
    for left in (2, 1, 0):
        try:
            urlopen(Request(url, data, {"Content-Type": ""}, method="PUT"), timeout=10).close()  # noqa: S310
            return
        except OSError:
            if not left:
                raise
            time.sleep(PAUSE_S)


def function(log_in: Callable[[Value], Session]) -> Callable[[Mapping[str, Any], Any], None]:
    """Return the handler of both functions, for the databases that ``log_in`` knows."""

    def handler(event: Mapping[str, Any], context: Any) -> None:
        import boto3
        from botocore.config import Config

        # No call takes longer than is left of the time.
        brief = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})

        def client(name: str) -> Any:
            return boto3.client(name, config=brief)

        def left_s() -> float:
            return float(context.get_remaining_time_in_millis()) / 1000

        administrator, application = os.environ["ADMINISTRATOR"], os.environ["APPLICATION"]
        access = Access(administrator, client("secretsmanager"), log_in, left_s)
        if "ResponseURL" in event:

            def work() -> None:
                access.make_user(access.value(application, VersionStage=CURRENT))

            log = f"log stream {context.log_stream_name}"
            answer = answered(event, log, work)
            print(json.dumps(answer))  # noqa: T201  the log
            put(event["ResponseURL"], answer)
            return
        secret, token = event["SecretId"], event["ClientRequestToken"]
        if secret not in (administrator, application):
            raise PermissionError(f"this function does not rotate {secret}")
        cluster, service = os.environ["CLUSTER"], os.environ["SERVICE"]
        rotate(event, Rotation(access, secret, token, client("ecs"), cluster, service))
        print(json.dumps({"step": event["Step"], "version": token}))  # noqa: T201  the log

    return handler
