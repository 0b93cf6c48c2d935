"""What the foundation hands to the service stack: outputs exported under predictable names."""

from __future__ import annotations

from troposphere import Export, ImportValue, Output, Split, Template

from underpass.config import Config


def export(template: Template, config: Config, name: str, value: object) -> None:
    """Add an output called ``name`` and export it as ``NAME-foundation-<name>``."""
    template.add_output(Output(name, Value=value, Export=Export(_exported(config, name))))


def imported(config: Config, name: str) -> ImportValue:
    """Return the foundation's output called ``name``."""
    return ImportValue(_exported(config, name))


def imported_list(config: Config, name: str) -> Split:
    """Return the foundation's output called ``name``, which is a comma-joined list."""
    return Split(",", imported(config, name))


def _exported(config: Config, name: str) -> str:
    return f"{config.name}-foundation-{name}"
