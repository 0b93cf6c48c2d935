"""What ``secrets`` of a container names: a secret of Secrets Manager, or a parameter of the Parameter Store.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-ssm-paramstore.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from underpass.config.model.service import Service
    from underpass.config.problems import KeyPath

SHORT = "ssm:"  # a parameter of the application's own account and region, by its name

_REGION = r"(?P<region>[a-z]{{2}}(?:-[a-z]+)+-[0-9])"
_PLACE = rf"arn:(?P<partition>aws[a-z-]*):{{}}:{_REGION}:(?P<account>[0-9]{{{{12}}}}):"
_SECRET = re.compile(
    _PLACE.format("secretsmanager")
    + r"secret:(?P<name>[A-Za-z0-9/_+=.@!-]{1,519})"  # "!": of one that AWS manages, as RDS's
    # ECS's own: what of the secret, or of an older version of it
    r"(?::(?P<key>[^:]*)(?::(?P<stage>[^:]*)(?::(?P<version>[^:]*))?)?)?"
)
_PARAMETER = re.compile(_PLACE.format("ssm") + r"parameter/(?P<name>[A-Za-z0-9_./-]{1,1011})")
_NAME = re.compile(r"[A-Za-z0-9_./-]{1,1011}")
_SUFFIX = re.compile(r"-[A-Za-z0-9]{6}$")  # what Secrets Manager adds to a secret's name in its ARN


@dataclass(frozen=True)
class Source:
    """Where a variable's value is kept.

    Attributes
    ----------
    kind
        A ``secret`` of Secrets Manager, or a ``parameter`` of the Parameter Store.
    name
        As the ARN has it: a secret's with the six characters at its end, a parameter's without the slash
        at its start.
    partition, region, account
        Empty for a parameter of the application's own.
    key, stage, version
        Of a secret: the key of its JSON, and the version meant, by its label or its id. Empty for the
        whole value, and for the current version.
    """

    kind: Literal["secret", "parameter"]
    name: str
    partition: str = ""
    region: str = ""
    account: str = ""
    key: str = ""
    stage: str = ""
    version: str = ""

    @property
    def arn(self) -> str:
        """The ARN without what ECS adds to it; empty for a parameter of the application's own."""
        if not self.partition:
            return ""
        service, rest = (
            ("secretsmanager", f"secret:{self.name}")
            if self.kind == "secret"
            else ("ssm", f"parameter/{self.name}")
        )
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{rest}"

    @property
    def whole(self) -> bool:
        """Whether the ARN is a whole one, with the six characters at the end of a secret's."""
        return self.kind == "parameter" or bool(_SUFFIX.search(self.name))

    @property
    def bare_name(self) -> str:
        """The name it was given when it was made, of a parameter with a slash before a path."""
        if self.kind == "secret":
            return _SUFFIX.sub("", self.name)
        return f"/{self.name}" if "/" in self.name else self.name

    @property
    def value_from(self) -> str:
        """What ECS is told: the ARN, and what of it; empty for a parameter of the application's own."""
        picked = (self.key, self.stage, self.version)
        return ":".join((self.arn, *picked)) if any(picked) else self.arn


def source(text: str) -> Source | None:
    """Return what ``text`` names; None when it is none of the forms there are.

    Example
    -------
    >>> source("ssm:/notes/level").name
    'notes/level'
    """
    if text.startswith(SHORT):
        name = text.removeprefix(SHORT)
        return Source("parameter", name.removeprefix("/")) if _NAME.fullmatch(name) else None
    if found := _SECRET.fullmatch(text):
        return Source("secret", **{key: value or "" for key, value in found.groupdict().items()})
    if found := _PARAMETER.fullmatch(text):
        return Source("parameter", **found.groupdict())
    return None


def given(service: Service) -> dict[KeyPath, str]:
    """Return what names a secret, the application's and its sidecars', by its key in ``underpass.toml``."""
    own: dict[KeyPath, str] = {
        ("service", "secrets", name): text for name, text in service.secrets.items()
    }
    return own | {
        ("service", "sidecars", at, "secrets", name): text
        for at, one in enumerate(service.sidecars)
        for name, text in one.secrets.items()
    }


def replaced(service: Service, texts: Mapping[KeyPath, str]) -> Service:
    """Return ``[service]`` with other ``texts``, by the keys that ``given`` tells."""

    def of(place: KeyPath) -> dict[str, str]:
        return {str(key[-1]): text for key, text in texts.items() if key[:-1] == place}

    beside = tuple(
        one.model_copy(update={"secrets": of(("service", "sidecars", at, "secrets"))})
        for at, one in enumerate(service.sidecars)
    )
    return service.model_copy(update={"secrets": of(("service", "secrets")), "sidecars": beside})


def moved(one: Source, arn: str) -> str:
    """Return the text that names the same of another secret or parameter, whose ARN is ``arn``."""
    other = source(arn)
    if other is None:
        raise ValueError(arn)
    return replace(other, key=one.key, stage=one.stage, version=one.version).value_from
