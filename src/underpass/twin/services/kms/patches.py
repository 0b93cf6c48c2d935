"""KMS in moto, which makes an RSA key for symmetric ones too, and answers nobody for a tenth of a second.

And a key's policy has one name, which a caller may leave out.
https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.kms import models, responses

from underpass.twin.api import patch


@patch.wrap(models, "generate_private_key")
def _private_key(original: Callable[[str], Any], key_spec: str) -> Any:
    return None if key_spec.startswith(("SYMMETRIC", "HMAC")) else original(key_spec)


@patch.wrap(models.KmsBackend, "get_public_key")
def _public_key(original: Callable[[Any, str], Any], backend: Any, key_id: str) -> Any:
    if backend.describe_key(key_id).private_key is None:
        raise JsonRESTError("UnsupportedOperationException", f"{key_id} has no public key")
    return original(backend, key_id)


@patch.wrap(responses, "_assert_default_policy")
def _policy(original: Callable[[str], None], name: str | None) -> None:
    if name is not None:
        original(name)
