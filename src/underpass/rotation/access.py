"""The way into the database: two secrets, and patience."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from underpass.rotation.line import RefusedError

CURRENT, PENDING = "AWSCURRENT", "AWSPENDING"
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


def client(service: str) -> Any:
    """Return a client none of whose calls takes longer than what is kept back."""
    import boto3
    from botocore.config import Config

    brief = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})
    return boto3.client(service, config=brief)


def access(log_in: Callable[[Value], Session], context: Any) -> Access:
    """Return the way in of a run that ``context`` tells the end of."""

    def left_s() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000

    return Access(os.environ["ADMINISTRATOR"], client("secretsmanager"), log_in, left_s)
