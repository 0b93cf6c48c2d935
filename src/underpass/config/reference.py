"""What a configuration may hold: the commented file that ``underpass init`` writes, and the schema."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

from underpass.config import rules
from underpass.config.model import Config

_SHORTEST = 2  # letters of a name


def reference(name: str = "notes") -> str:
    """Return the reference file for an application of that name; valid as it stands."""
    text = files("underpass.config").joinpath("reference.toml").read_text(encoding="utf-8")
    line = f'name = "{name}"'
    text = re.sub(r'^name = "notes" *(?=#)', f"{line:<34} ", text, count=1, flags=re.MULTILINE)
    return text.replace('"notes.internal"', f'"{name}.internal"')


def application(folder: str) -> str:
    """Return what to call the application in a folder of that name, as the rules accept it.

    Example
    -------
    >>> application("My Shop"), application("aws-tools"), application("42")
    ('my-shop', 'app-aws-tools', 'app')
    """
    name = slug(folder)
    if len(name) < _SHORTEST:
        return "app"
    return next(one for one in (name, slug(f"app-{name}"), "app") if _is_accepted(one))


def _is_accepted(name: str) -> bool:
    service = {"port": 1, "build": "."}
    return not rules.check(Config.model_validate({"name": name, "service": service}))


def slug(text: str) -> str:
    """Return ``text`` as an application's name, as far as that can be done."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).lstrip("-0123456789")[:31].rstrip("-")


def schema() -> dict[str, Any]:
    """Return the file's JSON schema (2020-12), for editors: every key, its default and what it takes."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Config.model_json_schema(),
        "title": "underpass.toml",
    }
