"""Dynamic references, ``{{resolve:service:...}}``: found, taken apart, and replaced by what they name.

They stay as written in everything that is kept or shown; only the call that makes a resource sees the value.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from underpass.cloudformation.errors import TemplateError

_REFERENCE = re.compile(r"\{\{resolve:(?P<service>[a-z-]+):(?P<rest>[^{}]*)\}\}")
_ARN_PARTS = 7  # arn:aws:secretsmanager:region:account:secret:name


@dataclass(frozen=True)
class Stored:
    """A parameter of the SSM parameter store."""

    name: str
    version: int | None = None
    secure: bool = False


@dataclass(frozen=True)
class Secret:
    """A secret, or one key of the JSON object it holds."""

    id: str
    json_key: str = ""
    stage: str = ""
    version: str = ""


def substitute(value: Any, look_up: Callable[[Stored | Secret], str]) -> Any:
    """Return ``value`` with every dynamic reference in its texts replaced.

    Raises
    ------
    TemplateError
        For a reference that is malformed, and whatever ``look_up`` raises.
    """
    if isinstance(value, str):
        return _REFERENCE.sub(lambda match: look_up(_read(match)), value)
    if isinstance(value, Mapping):
        return {key: substitute(item, look_up) for key, item in value.items()}
    if isinstance(value, list):
        return [substitute(item, look_up) for item in value]
    return value


def check(value: Any) -> None:
    """Refuse malformed dynamic references in a value, without looking anything up."""
    substitute(value, lambda _: "")


def _read(match: re.Match[str]) -> Stored | Secret:
    service, rest = match["service"], match["rest"]
    if service in {"ssm", "ssm-secure"} and rest:
        name, _, version = rest.rpartition(":") if re.search(r":\d+$", rest) else (rest, "", "")
        return Stored(name, int(version) if version else None, service == "ssm-secure")
    if service == "secretsmanager":
        return _read_secret(match[0], rest)
    raise TemplateError(
        f"Could not resolve {match[0]}: its service is none of ssm, ssm-secure, secretsmanager"
    )


def _read_secret(reference: str, rest: str) -> Secret:
    parts = rest.split(":")
    width = _ARN_PARTS if parts[0] == "arn" else 1
    secret_id, parts = ":".join(parts[:width]), parts[width:]
    what, key, stage, version = (*parts, *[""] * 4)[:4]
    if not secret_id or len(parts) > 4 or what not in {"", "SecretString"} or (stage and version):
        raise TemplateError(
            f"Could not resolve {reference}: it is not of the form "
            "{{resolve:secretsmanager:secret-id:SecretString:json-key:version-stage:version-id}}"
        )
    return Secret(secret_id, key, stage, version)
