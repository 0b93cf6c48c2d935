"""Secrets Manager in moto, with rotations that really call the function, one step after another.

``RotateSecret`` answers at once, as AWS's does, and the steps follow in a thread of their own, because the
function calls the API back. A rotation that fails leaves its pending version, and the next one goes on with
that. Schedules are in days, at the twin's pace: a day is 72 minutes; or a cron expression, by the clock.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_how.html
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from moto.secretsmanager.exceptions import (
    InvalidRequestException,
    ResourceNotFoundException,
    SecretNotFoundException,
    SecretsManagerClientError,
)
from moto.secretsmanager.models import FakeSecret, SecretsManagerBackend

from underpass.policies.resource_policies import Act, policy_allows
from underpass.schedule_expressions import parse
from underpass.twin.api import patch
from underpass.twin.region.aws import ACCOUNT_ID
from underpass.twin.region.clock import Wait, scaled_s
from underpass.twin.region.records import records
from underpass.twin.region.timers import Timer, later
from underpass.twin.region.worker import once
from underpass.twin.services.lambda_ import patches as lambda_

log = logging.getLogger(__name__)

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
_DAY_S = 86_400.0
_CURRENT, _PENDING = "AWSCURRENT", "AWSPENDING"

_due: dict[str, Timer] = {}
_busy: set[str] = set()


@patch.replace(SecretsManagerBackend, "rotate_secret")
def _rotate(
    backend: Any,
    secret_id: str,
    client_request_token: str | None = None,
    rotation_lambda_arn: str | None = None,
    rotation_rules: Mapping[str, Any] | None = None,
    rotate_immediately: bool = True,  # noqa: FBT001, FBT002  moto's signature
) -> str:
    if secret_id not in backend.secrets:
        raise SecretNotFoundException
    secret = backend.secrets[secret_id]
    if secret.is_deleted():
        raise InvalidRequestException("You can't rotate a secret that is marked for deletion.")
    function = rotation_lambda_arn or secret.rotation_lambda_arn
    if not function:
        raise InvalidRequestException(
            "No Lambda rotation function ARN is associated with this secret."
        )
    _check_function(backend.region_name, function)
    rules = dict(rotation_rules or {})
    if expression := rules.get("ScheduleExpression"):
        try:
            parse(expression)
        except ValueError as error:
            raise InvalidRequestException(f"RotationRules.ScheduleExpression: {error}") from error
    secret.rotation_lambda_arn = function
    secret.rotation_requested = secret.rotation_enabled = True
    if rules:
        secret.auto_rotate_after_days = int(rules.get("AutomaticallyAfterDays", 0))
        secret.twin_schedule = rules if expression else {}
    _schedule(backend, secret)
    if secret.arn in _busy and rotate_immediately:
        raise InvalidRequestException(
            "A previous rotation isn't complete. That rotation will be reattempted."
        )
    steps = STEPS if rotate_immediately else ("testSecret",)
    token = _pending(secret, client_request_token, copied=not rotate_immediately)
    if secret.arn not in _busy:
        _busy.add(secret.arn)
        once("rotation", _run, backend, secret, token, steps)
    return json.dumps({"ARN": secret.arn, "Name": secret.name, "VersionId": token})


def _check_function(region: str, arn: str) -> None:
    statements = lambda_.policy(region, arn)
    if statements is None:
        raise ResourceNotFoundException(f"Lambda function {arn} does not exist.")
    context = {"aws:SourceAccount": ACCOUNT_ID}
    act = Act("secretsmanager.amazonaws.com", "lambda:InvokeFunction", arn, context)
    if not policy_allows({"Statement": statements}, act):
        raise SecretsManagerClientError(
            "AccessDeniedException",
            "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function "
            "policy grants access to the principal secretsmanager.amazonaws.com.",
        )


def _pending(secret: Any, token: str | None, *, copied: bool) -> str:
    """Return the version the rotation is about: the one left over, or a new one without a value."""
    for version_id, version in secret.versions.items():
        if _PENDING in version["version_stages"] and _CURRENT not in version["version_stages"]:
            return str(version_id)
    secret.remove_version_stages_from_old_versions([_PENDING])
    version_id = token or str(uuid.uuid4())
    version = {
        "createdate": int(time.time()),
        "version_id": version_id,
        "version_stages": [_PENDING],
    }
    if copied:
        version["secret_string"] = secret.versions[secret.default_version_id]["secret_string"]
    secret.versions[version_id] = version
    return version_id


def _run(backend: Any, secret: Any, token: str, steps: tuple[str, ...]) -> None:
    event = {"SecretId": secret.arn, "ClientRequestToken": token}
    try:
        for step in steps:
            asked = json.dumps({**event, "Step": step}).encode()
            outcome = lambda_.call(backend.region_name, secret.rotation_lambda_arn, asked)
            if outcome.failed:
                log.error("rotation of %s failed in %s: see its log", secret.name, step)
                return
        if steps == STEPS:
            with records():
                secret.last_rotation_date = int(time.time())
    except Exception:
        log.exception("rotation of %s could not be run", secret.name)
    finally:
        with records():
            if steps != STEPS:
                secret.versions.pop(token, None)  # it was only there to be tested
            _busy.discard(secret.arn)


def _schedule(backend: Any, secret: Any) -> None:
    """Rotate after the days there are between rotations, or when its window opens, and again after each."""
    _unschedule(secret)
    days, schedule = secret.auto_rotate_after_days, getattr(secret, "twin_schedule", {})
    after_s = None
    if schedule:
        now = datetime.now(UTC)
        due = parse(schedule["ScheduleExpression"]).after(now)
        if due:
            after_s = (due - now).total_seconds()
            secret.next_rotation_date = int(due.timestamp())
    elif days:
        secret.next_rotation_date = int(time.time() + days * _DAY_S)
        after_s = scaled_s(Wait.ROTATION, days * _DAY_S)
    if after_s is not None:
        _due[secret.arn] = later(after_s, partial(_again, backend, secret))


@records()
def _again(backend: Any, secret: Any) -> None:
    if backend.secrets.get(secret.arn) is secret and secret.rotation_enabled:
        try:
            _rotate(backend, secret.arn)
        except Exception:
            log.exception("rotation of %s did not start", secret.name)


def _unschedule(secret: Any) -> None:
    timer = _due.pop(secret.arn, None)
    if timer:
        timer.cancel()


@patch.wrap(FakeSecret, "to_dict")
def _describe(original: Callable[..., dict[str, Any]], secret: Any) -> dict[str, Any]:
    """Tell of a schedule, too, where the rotation has one."""
    described = original(secret)
    if "RotationRules" in described and getattr(secret, "twin_schedule", {}):
        described["RotationRules"] = secret.twin_schedule
    return described


@patch.wrap(SecretsManagerBackend, "cancel_rotate_secret")
def _cancel(original: Callable[..., str], backend: Any, secret_id: str) -> str:
    answer = original(backend, secret_id)
    _unschedule(backend.secrets[secret_id])
    return answer


@patch.wrap(SecretsManagerBackend, "update_secret_version_stage")
def _move(
    original: Callable[..., Any],
    backend: Any,
    secret_id: str,
    version_stage: str,
    *versions: str,
    **named: str,
) -> Any:
    """Have the version that becomes the current one be what is read when no version is named."""
    answer = original(backend, secret_id, version_stage, *versions, **named)
    secret = backend.secrets[secret_id]
    for version_id, version in secret.versions.items():
        if _CURRENT in version["version_stages"]:
            secret.set_default_version_id(version_id)
    return answer
