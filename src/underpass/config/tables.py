"""Which keys of the file hold tables, and which of them many: ``[service]``, but ``[[consumers]]``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from underpass.config.model import Config
from underpass.config.problems import KeyPath


def names(path: KeyPath) -> tuple[str, ...]:
    """Return a path without the positions in it."""
    return tuple(part for part in path if isinstance(part, str))


def section(annotation: Any) -> type[BaseModel] | None:
    """Return the section inside ``Section``, ``Section | None`` or ``tuple[Section, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(section, get_args(annotation))), None)


@cache
def repeated() -> dict[tuple[str, ...], type[BaseModel]]:
    """Return the sections that a file may have many of, by their names: ``("network", "allow_out")``."""
    return dict(_repeated(Config, ()))


def _repeated(
    model: type[BaseModel], at: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], type[BaseModel]]]:
    for name, field in model.model_fields.items():
        inner = None if field.exclude else section(field.annotation)
        if inner:
            if get_origin(field.annotation) is tuple:
                yield (*at, name), inner
            yield from _repeated(inner, (*at, name))
