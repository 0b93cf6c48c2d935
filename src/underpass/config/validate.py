"""Parsed TOML to a ``Config`` and the faults in it: of single keys, and between keys. Pure."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import ValidationError

from underpass.config import explain, tables
from underpass.config.model import Config
from underpass.config.problems import Fault, KeyPath

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Complete: TypeAlias = Callable[[Config], tuple[Config, Iterable[Fault]]]
"""Adds to a configuration what it only names, and says what of that is wrong."""

_LOADED = frozenset({"folder", "documents"})
_STAND_INS: dict[str, Any] = {  # for what must be there, so that the rules can look at the rest
    "name": "stand-in",
    "service": {"port": 1, "build": "."},
    "port": 1,
    "source": ".",
    "command": ["stand-in"],
    "schedule": "cron(0 3 ? * SUN *)",  # of a job and of a rotation window
    "certificate": "arn:aws:acm:us-east-1:111111111111:certificate/stand-in",
}


def nothing_more(config: Config) -> tuple[Config, Iterable[Fault]]:
    """Return the configuration as it is."""
    return config, ()


def validate(
    data: dict[str, Any],
    folder: Path,
    check: Callable[[Config], Iterable[Fault]],
    complete: Complete = nothing_more,
) -> tuple[Config | None, list[Fault]]:
    """Return the configuration, or None, and everything wrong with it.

    Parameters
    ----------
    data
        The parsed file.
    folder
        The file's folder.
    check
        The rules. They run even when single keys are wrong, on the file without those keys; what
        they say of a wrong key is left out.
    complete
        Adds what the file only names, before the rules run, and says what of that is wrong.
    """
    faults: list[Fault] = []
    for name in _LOADED.intersection(data):  # an attribute of Config, but not a key of the file
        data = {key: value for key, value in data.items() if key != name}
        faults.append(explain.unknown((name,)))
    config, errors = _model(data, folder)
    told = [explain.explain(error) for error in errors]
    meant = {fault.meant for fault in told}
    faults += [
        fault
        for error, fault in zip(errors, told, strict=True)
        if not (error["type"] == "missing" and fault.keys[0] in meant)  # misspelt, as told already
    ]
    rest = config or _model(_mended(data, errors), folder)[0]
    if rest:
        rest, unread = complete(rest)
        config = config and rest
        wrong = [fault.keys[0] for fault in told] + [key for key in meant if key]
        faults += [fault for fault in (*unread, *check(rest)) if not _reads(fault, wrong)]
    return config, faults


def _model(data: dict[str, Any], folder: Path) -> tuple[Config | None, list[ErrorDetails]]:
    try:
        return Config.model_validate({**data, "folder": folder}), []
    except ValidationError as error:
        return None, error.errors()


def _mended(data: dict[str, Any], errors: Iterable[ErrorDetails]) -> dict[str, Any]:
    """Return the data without what is wrong in it, and with stand-ins for what must be there."""
    data = copy.deepcopy(data)
    for error in errors:
        path = tuple(part for part in error["loc"] if part != "[key]")
        _mend(data, path, required=_is_required(path))
    return data


def _is_required(path: KeyPath) -> bool:
    return path[-1] in _STAND_INS and path != ("database", "name")


def _mend(data: dict[str, Any], path: KeyPath, *, required: bool) -> None:
    holder: Any = data
    at: KeyPath = ()
    for part, following in pairwise(path):
        at = (*at, part)
        if isinstance(following, int) and tables.names(at) not in tables.repeated():
            holder.pop(part, None)  # a list of plain values goes as a whole
            return
        holder = holder[int(part)] if isinstance(holder, list) else holder.get(part, {})
    last: Any = path[-1]
    if isinstance(last, int):
        fields = tables.repeated()[tables.names(path)].model_fields
        holder[last] = {
            name: _stand_in(name, last) for name, field in fields.items() if field.is_required()
        }
    elif required:
        holder[last] = _stand_in(str(last), path[-2] if path[1:] else None)
    else:
        holder.pop(last, None)


def _stand_in(name: str, position: str | int | None) -> Any:
    """Return a value for the required key ``name``; those of several tables have different names."""
    many = name == "name" and isinstance(position, int)
    return f"stand-in-{position}" if many else _STAND_INS[name]


def _reads(fault: Fault, wrong: Iterable[KeyPath]) -> bool:
    """Return whether the fault was found by reading a key that is wrong in itself."""
    return any(
        path == key[: len(path)] or key == path[: len(key)] for key in fault.keys for path in wrong
    )
