"""What a service asks of KMS in the caller's name, for what is encrypted with a key of the account's own.

AWS's own keys (``alias/aws/…``) let everybody in who may use the service.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from underpass.twin.api.asked import Asked
from underpass.twin.region.backends import NOT_THERE, backend_of
from underpass.twin.region.records import records
from underpass.twin.services.iam.resources import key_arn

_ENCRYPT, _DECRYPT = "kms:GenerateDataKey", "kms:Decrypt"


@records()
def behind(asked: Asked, region: str, account: str) -> tuple[Asked, ...]:
    """Return what more has to be allowed for ``asked``."""
    look = _LOOK.get(asked.action)
    if look is None or not asked.resource or not account:
        return ()
    find, actions = look
    key = None
    with suppress(*NOT_THERE, AttributeError):
        key = find(asked, account, region)
    if not key or "alias/aws/" in key:
        return ()
    whole = key.startswith("arn:") and ":key/" in key
    arn = key if whole else key_arn(account, region, key)
    via = f"{asked.action.partition(':')[0]}.{region}.amazonaws.com"
    context = {"kms:ViaService": (via,), "aws:ViaAWSService": ("true",), "aws:CalledVia": (via,)}
    return tuple(Asked(action, arn, context) for action in actions)


def _bucket(account: str, name: str) -> Any:
    from moto.s3.models import s3_backends

    return backend_of(s3_backends, account).buckets[name]


def _of_bucket(asked: Asked, account: str, _region: str) -> str | None:
    """Return the key an object is written with: as the request says, or as its bucket's objects are."""
    told = asked.context.get("s3:x-amz-server-side-encryption-aws-kms-key-id")
    if told:
        return told[0]
    if asked.context.get("s3:x-amz-server-side-encryption", ("aws:kms",)) != ("aws:kms",):
        return None
    rules = (_bucket(account, _split(asked)[0]).encryption or {}).get("Rule", {})
    rule = rules[0] if isinstance(rules, list) else rules
    found = rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID")
    return str(found) if found else None


def _of_object(asked: Asked, account: str, _region: str) -> str | None:
    name, key = _split(asked)
    held = _bucket(account, name).keys.get(key)
    found = getattr(held, "kms_key_id", None)
    return str(found) if found else None


def _split(asked: Asked) -> tuple[str, str]:
    name, _, key = (asked.resource or "").split(":", 5)[5].partition("/")
    return name, key


def _of_secret(asked: Asked, account: str, region: str) -> str | None:
    from moto.secretsmanager.models import secretsmanager_backends

    found = backend_of(secretsmanager_backends, account, region).secrets[asked.resource].kms_key_id
    return str(found) if found else None


def _of_queue(asked: Asked, account: str, region: str) -> str | None:
    from moto.sqs.models import sqs_backends

    queue = backend_of(sqs_backends, account, region).queues[
        (asked.resource or "").rpartition(":")[2]
    ]
    found = getattr(queue, "kms_master_key_id", None)
    return str(found) if found else None


def _of_topic(asked: Asked, account: str, region: str) -> str | None:
    from moto.sns.models import sns_backends

    return str(
        backend_of(sns_backends, account, region).topics[asked.resource].kms_master_key_id or ""
    )


_LOOK: Mapping[str, tuple[Callable[[Asked, str, str], str | None], tuple[str, ...]]] = {
    "s3:PutObject": (_of_bucket, (_ENCRYPT,)),
    "s3:GetObject": (_of_object, (_DECRYPT,)),
    "secretsmanager:GetSecretValue": (_of_secret, (_DECRYPT,)),
    "secretsmanager:PutSecretValue": (_of_secret, (_ENCRYPT, _DECRYPT)),
    "sns:Publish": (_of_topic, (_ENCRYPT, _DECRYPT)),
    "sqs:ReceiveMessage": (_of_queue, (_DECRYPT,)),
    "sqs:SendMessage": (_of_queue, (_ENCRYPT, _DECRYPT)),
}
