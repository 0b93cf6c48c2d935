"""The user's secrets and parameters on the twin, which has none of them: stand-ins of the same names.

A value is that of the twin's own secret of the name, where the user made one; else what ``.env`` says of
the variable; else random, and told once. What was made here is tagged, so that another run changes it when
``.env`` has changed, and leaves alone what the user made. The configuration then names what there is, as it
does with the ids of a stand-in for an existing VPC.
"""

from __future__ import annotations

import json
import secrets as randomness
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from underpass.config import Config
from underpass.config.model.secrets import SHORT, Source, given, moved, source
from underpass.config.problems import KeyPath
from underpass.errors import UsageError
from underpass.twin.host import dot_env
from underpass.twin.region.aws import Clients

TAG = "underpass:stand-in"
_CURRENT = "AWSCURRENT"
_RANDOM_BYTES = 24

Version = tuple[str, str]
"""The label and the id of a secret's version; one of them is empty, both for the current one."""


def ensure(
    clients: Clients, config: Config, *, make: bool
) -> tuple[dict[KeyPath, str], tuple[str, ...]]:
    """Return what the containers' ``secrets`` name on the twin, by their keys, and what to tell.

    With ``make`` they are made first or brought up to date; else what is there is named, and nothing changed.

    Raises
    ------
    UsageError
        When ``.env`` contradicts itself, or a secret the user made has not what is asked of it.
    """
    values = dot_env.read(config.folder) if make and given(config.service) else {}
    return _Run(clients, config.name, values).named(config, make=make)


@dataclass
class _Run:
    """One look at all of them."""

    clients: Clients
    application: str
    values: Mapping[str, str]
    random: list[str] = field(default_factory=list)  # the variables whose values were made up

    def named(self, config: Config, *, make: bool) -> tuple[dict[KeyPath, str], tuple[str, ...]]:
        found = given(config.service)
        sources = {key: one for key, text in found.items() if (one := source(text))}
        names = _names(sources.values())
        for arn, local in names.items():
            asked = {key: one for key, one in sources.items() if _identity(one) == arn}
            first = next(iter(asked.values()))
            if first.kind == "secret":
                made = self._secret(local, asked, make=make)
                found |= {key: moved(one, made) for key, one in asked.items() if made}
            else:
                self._parameter(local, _variables(asked), make=make)
                found |= dict.fromkeys(asked, f"{SHORT}{local}")
        return found, self._told(config.folder)

    def _told(self, folder: Path) -> tuple[str, ...]:
        if not self.random:
            return ()
        names = ", ".join(sorted({*self.random}))
        what = "a random value stands in" if len(self.random) == 1 else "random values stand in"
        write = f"write a line {self.random[0]}=... into {folder / dot_env.NAME}"
        return (
            f"the twin has no value of {names}, so {what}: to choose, {write} and run up again",
        )

    def _secret(self, name: str, asked: Mapping[KeyPath, Source], *, make: bool) -> str:
        """Return the secret's ARN; empty when it is not there and not to be made."""
        client = self.clients("secretsmanager")
        found = _ask(client.describe_secret, SecretId=name)
        if not make:
            return str(found["ARN"]) if found else ""
        wanted = _versions(asked)
        if found and not _ours(found.get("Tags", ())):
            for version, variables in wanted.items():
                _check(client, name, version, variables)
            return str(found["ARN"])
        if found and found.get("DeletedDate"):
            client.restore_secret(SecretId=name)
        if not found:
            # The first version is the current one, whichever are asked for.
            text = self._text(wanted.pop(("", ""), {}), None)
            tags = [{"Key": TAG, "Value": self.application}]
            found = client.create_secret(Name=name, SecretString=text, Tags=tags)
        for version, variables in wanted.items():
            before = _value(client, name, version)
            text = self._text(variables, before)
            if text != before:
                label, number = version
                stages = [label or (f"stand-in-{number}" if number else _CURRENT)]
                named = {"ClientRequestToken": number} if number else {}
                client.put_secret_value(
                    SecretId=name, SecretString=text, VersionStages=stages, **named
                )
        return str(found["ARN"])

    def _text(self, variables: Mapping[str, list[str]], before: str | None) -> str:
        """Return what a version holds: the whole value, or a key for each variable that names one."""
        whole, keys = variables.get("", []), {key: names for key, names in variables.items() if key}
        given = self._given(whole)
        if given is not None:
            _has(given, keys, dot_env.NAME)
            return given
        if not keys and whole:
            return before or self._made_up(whole[0])
        held = _keys(before or "")
        for key, names in keys.items():
            value = self._given(names)
            if value is not None:
                held[key] = value
            elif key not in held:
                held[key] = self._made_up(names[0])
        return json.dumps(held) if held else before or randomness.token_urlsafe(_RANDOM_BYTES)

    def _given(self, names: list[str]) -> str | None:
        """Return what ``.env`` says of one value, which several variables may have."""
        given = {self.values[name] for name in names if name in self.values}
        if len(given) > 1:
            raise UsageError(
                f"{' and '.join(names)} are the same secret, and {dot_env.NAME} has two values for it",
                "underpass.toml names one value for all of them",
                "give them one value, or leave all but one out",
            )
        if "" in given:
            raise UsageError(
                f"{names[0]} is empty in {dot_env.NAME}",
                "neither Secrets Manager nor the Parameter Store keeps an empty value",
                "give it one, or take the line away",
            )
        return next(iter(given), None)

    def _made_up(self, variable: str) -> str:
        self.random.append(variable)
        return randomness.token_urlsafe(_RANDOM_BYTES)

    def _parameter(self, name: str, variables: list[str], *, make: bool) -> None:
        client = self.clients("ssm")
        found = _ask(client.get_parameter, Name=name, WithDecryption=True)
        if not make or (found and not self._is_our_parameter(name)):
            return
        before = found["Parameter"]["Value"] if found else None
        given = self._given(variables)
        value = given if given is not None else before or self._made_up(variables[0])
        if value == before:
            return
        client.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=bool(found))
        if not found:
            tags = [{"Key": TAG, "Value": self.application}]
            client.add_tags_to_resource(ResourceType="Parameter", ResourceId=name, Tags=tags)

    def _is_our_parameter(self, name: str) -> bool:
        found = self.clients("ssm").list_tags_for_resource(
            ResourceType="Parameter", ResourceId=name
        )
        return _ours(found["TagList"])


def _identity(one: Source) -> str:
    return one.arn or f"{SHORT}{one.name}"


def _names(sources: Iterable[Source]) -> dict[str, str]:
    """Return what each is called on the twin: its own name, which two accounts may both have."""
    found: dict[str, str] = {}
    for one in sources:
        name = one.bare_name
        taken = (one.kind, name) in {(_kind(arn), local) for arn, local in found.items()}
        if taken and _identity(one) not in found:
            name = f"{name}/{one.region}/{one.account}"
        found.setdefault(_identity(one), name)
    return found


def _kind(identity: str) -> str:
    return "secret" if ":secretsmanager:" in identity else "parameter"


def _versions(asked: Mapping[KeyPath, Source]) -> dict[Version, dict[str, list[str]]]:
    """Return what is asked of each version: the variables by the key they name, which may be empty."""
    found: dict[Version, dict[str, list[str]]] = {}
    for key, one in asked.items():
        version = ("" if one.stage == _CURRENT else one.stage, one.version)
        names = found.setdefault(version, {}).setdefault(one.key, [])
        names += [name for name in _variables([key]) if name not in names]
    return found


def _variables(keys: Iterable[KeyPath]) -> list[str]:
    """Return the names of variables, which several containers may give the same value."""
    return [*dict.fromkeys(str(key[-1]) for key in keys)]


def _check(client: Any, name: str, version: Version, variables: Mapping[str, list[str]]) -> None:
    """Refuse a secret of the user's that has not what the configuration names."""
    text = _value(client, name, version)
    if text is None:
        raise UsageError(
            f"the twin's secret {name} has no version {version[0] or version[1]}",
            f"{next(iter(variables.values()))[0]} in secrets names it",
            "add it with `aws secretsmanager put-secret-value`, or delete the secret there",
        )
    _has(text, {key: names for key, names in variables.items() if key}, f"the twin's secret {name}")


def _has(text: str, keys: Mapping[str, list[str]], where: str) -> None:
    held = _keys(text)
    for key, names in keys.items():
        if key not in held:
            raise UsageError(
                f"{where} has no JSON key {key}",
                f"{names[0]} in secrets names it",
                f'make the value like {{"{key}": "..."}}',
            )


def _keys(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _value(client: Any, name: str, version: Version) -> str | None:
    named = {"VersionStage": version[0], "VersionId": version[1]}
    which = {key: value for key, value in named.items() if value}
    found = _ask(client.get_secret_value, SecretId=name, **which)
    return str(found.get("SecretString", "")) if found else None


def _ours(tags: Any) -> bool:
    return any(tag["Key"] == TAG for tag in tags)


def _ask(call: Any, **named: Any) -> Any:
    """Return the answer; None for what is not there."""
    try:
        return call(**named)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"ResourceNotFoundException", "ParameterNotFound"}:
            return None
        raise
