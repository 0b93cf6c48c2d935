"""What can stand in braces in ``[service] permissions``, such as ``{assets}``."""

from __future__ import annotations

import re

from underpass.config import addons
from underpass.config.model import Config

PLACEHOLDER = re.compile(r"(?<!\$)\{([^{}]*)\}")  # ${aws:username} is IAM's own
ARNS = ("assets", "files", "key")
"""What stands for ARNs of underpass's own; an add-on's output may be anything."""


def names(config: Config) -> tuple[str, ...]:
    """Return what can stand in braces; an add-on's output also after the add-on's name and a dot."""
    own = {"assets": config.assets, "files": config.files, "key": True}
    there = [one for one in ARNS if own[one]]
    outputs = addons.outputs(config)
    return (
        *there,
        *(one.name for one in outputs if one.name not in ARNS),
        *(f"{one.addon}.{one.name}" for one in outputs),
    )


def used(text: str) -> tuple[str, ...]:
    """Return what stands in braces in ``text``."""
    return tuple(PLACEHOLDER.findall(text))
