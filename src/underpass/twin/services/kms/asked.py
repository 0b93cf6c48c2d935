"""What KMS's operations ask for: an action of the key, ``key/alias/NAME`` where the request has an alias.

What is decrypted names its key by itself, and is decrypted with that one.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html
"""

from __future__ import annotations

import re
from base64 import b64decode

from underpass.twin.api.asked import Asked, arn
from underpass.twin.api.operation import Operation

_REENCRYPTING = (("kms:ReEncryptFrom", "Source"), ("kms:ReEncryptTo", "Destination"))
_ALGORITHM = "kms:EncryptionAlgorithm"
_KEY_ID = re.compile(rb"[0-9a-z-]{36}")  # what moto's texts begin with
_CONTEXT = "kms:EncryptionContextKeys"
# An algorithm that is not named is the symmetric one, or told by the key
_SENT = frozenset({_CONTEXT, "kms:EncryptionContext:*"})
_ENCRYPTING = frozenset(
    {
        *("Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyPair", "ReEncrypt"),
        *("GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext"),
    }
)


def asked(operation: Operation, account: str) -> tuple[Asked, ...] | None:
    """Return what an operation asks for; ``None`` where no key is named."""
    given = operation.parameters
    if operation.name == "ReEncrypt":
        return tuple(
            Asked(
                action,
                _key(operation, account, given.get(f"{side}KeyId"), encrypted=side == "Source"),
                *_encrypting(operation, f"{side}EncryptionContext", f"{side}EncryptionAlgorithm"),
            )
            for action, side in _REENCRYPTING
        )
    named = given.get("KeyId") or given.get("TargetKeyId")
    if named is None and operation.name != "Decrypt":
        return None
    key = _key(operation, account, named, encrypted=operation.name == "Decrypt")
    carried = _encrypting(operation, "EncryptionContext", "EncryptionAlgorithm")
    found = Asked(f"kms:{operation.name}", key, *carried)
    alias = given.get("AliasName")
    if alias is None:
        return (found,)
    return (Asked(found.action, arn(operation, account, str(alias))), found)


def _key(
    operation: Operation, account: str, named: object, *, encrypted: bool = False
) -> str | None:
    found = _KEY_ID.match(_blob(operation)) if encrypted else None
    key = found[0].decode() if found else str(named or "")
    if key.startswith("arn:"):
        return key.replace(":alias/", ":key/alias/", 1)
    return arn(operation, account, f"key/{key}") if key else None


def _blob(operation: Operation) -> bytes:
    given = operation.parameters.get("CiphertextBlob") or b""
    return given if isinstance(given, bytes) else b64decode(str(given))


def _encrypting(
    operation: Operation, context: str, algorithm: str
) -> tuple[dict[str, tuple[str, ...]], frozenset[str]]:
    """Return the condition keys of what encrypts or decrypts, and those that are not sent."""
    members = operation.parameters
    pairs = members.get(context) or {}
    carried: dict[str, tuple[str, ...]] = {
        f"kms:EncryptionContext:{key}": (str(value),) for key, value in pairs.items()
    }
    if pairs:
        carried[_CONTEXT] = tuple(str(key) for key in pairs)
    if members.get(algorithm):
        carried[_ALGORITHM] = (str(members[algorithm]),)
    sent = _SENT if operation.name in _ENCRYPTING else frozenset()
    return carried, sent - carried.keys()
