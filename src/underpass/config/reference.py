"""The commented reference file, made out to one application: what ``underpass init`` writes."""

from __future__ import annotations

import re
from importlib.resources import files


def reference(name: str = "notes") -> str:
    """Return the reference file for an application of that name; valid as it stands."""
    text = files("underpass.config").joinpath("reference.toml").read_text(encoding="utf-8")
    line = f'name = "{name}"'
    text = re.sub(r'^name = "notes" *(?=#)', f"{line:<34} ", text, count=1, flags=re.MULTILINE)
    return text.replace('"notes.internal"', f'"{name}.internal"')


def slug(text: str) -> str:
    """Return ``text`` as an application's name, as far as that can be done."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).lstrip("-0123456789")[:31].rstrip("-")
