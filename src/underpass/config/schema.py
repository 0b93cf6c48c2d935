"""The JSON schema of ``underpass.toml``, for editors."""

from __future__ import annotations

from typing import Any

from underpass.config.model import Config


def schema() -> dict[str, Any]:
    """Return the schema (JSON Schema 2020-12): every key, its default and what it takes."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Config.model_json_schema(),
        "title": "underpass.toml",
    }
