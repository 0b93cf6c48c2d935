"""What KMS's operations ask for: an action of the key, and the encryption context they send.

An alias names no key here, nor does what was encrypted.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from underpass.twin.api.asked import Asked, partition
from underpass.twin.api.operation import Operation

_KEY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32}")
_DATA = frozenset({"Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext"})
_DATA_OF_PAIRS = frozenset({"GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"})
_DIRECT = frozenset({"kms:ViaService"})  # no service asks in the caller's name


def asked(operation: Operation, account: str) -> tuple[Asked, ...] | None:
    """Return what an operation asks for; ``None`` where no key is named."""
    given = operation.parameters
    if operation.name == "ReEncrypt":
        return tuple(
            Asked(
                f"kms:ReEncrypt{way}",
                _arn(given.get(f"{side}KeyId"), operation, account),
                absent=_DIRECT,
            )
            for way, side in (("From", "Source"), ("To", "Destination"))
        )
    if "KeyId" not in given and operation.name != "Decrypt":
        return None
    context, absent = _context(given) if operation.name in _DATA | _DATA_OF_PAIRS else ({}, _DIRECT)
    arn = _arn(given.get("KeyId"), operation, account)
    return (Asked(f"kms:{operation.name}", arn, context, absent),)


def _context(given: Mapping[str, object]) -> tuple[dict[str, tuple[str, ...]], frozenset[str]]:
    sent = given.get("EncryptionContext")
    if not isinstance(sent, Mapping) or not sent:
        return {}, _DIRECT | {"kms:EncryptionContextKeys"}
    keys = {f"kms:EncryptionContext:{name}": (str(value),) for name, value in sent.items()}
    return {**keys, "kms:EncryptionContextKeys": tuple(map(str, sent))}, _DIRECT


def _arn(named: object, operation: Operation, account: str) -> str | None:
    text = str(named or "")
    if text.startswith("arn:") and ":key/" in text:
        return text
    where = f"{operation.region}:{account}"
    return (
        f"arn:{partition(operation.region)}:kms:{where}:key/{text}"
        if _KEY.fullmatch(text)
        else None
    )
