"""A pydantic error in the words of ``underpass.toml``, with the nearest thing that is right."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from underpass.config import tables
from underpass.config import types as t
from underpass.config.hints import quoted
from underpass.config.model import Config
from underpass.config.problems import Fault, KeyPath
from underpass.config.reference import slug

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_KINDS = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "text in quotes",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "model_type": "a section",
    "dict_type": "a section",
    "value_error": "text in quotes",
}


def explain(error: ErrorDetails) -> Fault:
    """Return what is wrong, where, and what to write instead."""
    path: KeyPath = error["loc"]
    if path[-1:] == ("[key]",):  # pydantic's way to point at a mapping's key
        path = path[:-1]
        return Fault((path,), f"{_shown(path[-1])} is not {t.PATTERNS[error['ctx']['pattern']]}")
    if error["type"] == "extra_forbidden":
        return unknown(path)
    return Fault((path,), *_WORDS.get(error["type"], _other)(error))


def unknown(path: KeyPath) -> Fault:
    """Return the fault of a key that does not exist, with the nearest one that does."""
    section, key = path[:-1], str(path[-1])
    names = [field for where, field in every_key() if where == tables.names(section)]
    where = _header(tables.names(section)) if section else "the file"
    message = f"is not a key of {where}"
    if near := get_close_matches(key, names, n=1):
        return Fault((path,), message, f"did you mean {near[0]}?", (*section, near[0]))
    if homes := [_header(home) for home, field in every_key() if field == key and home]:
        return Fault((path,), message, f"it belongs in {' or '.join(homes)}")
    return Fault((path,), message, f"its keys are {', '.join(names)}")


def _header(section: tuple[str, ...]) -> str:
    name = ".".join(section)
    return f"[[{name}]]" if section in tables.repeated() else f"[{name}]"


def every_key(
    model: type[BaseModel] = Config, at: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield every key a file may hold, as (section, key); sections are keys of what holds them."""
    for name, field in model.model_fields.items():
        if field.exclude:
            continue
        yield at, name
        inner = tables.section(field.annotation)
        if inner:
            yield from every_key(inner, (*at, name))


def _shown(value: Any) -> str:
    """Return a value the way TOML writes it, cut to a readable length."""
    text = quoted(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _missing(error: ErrorDetails) -> tuple[str, str]:
    model: type[BaseModel] = Config
    for part in tables.names(error["loc"])[:-1]:
        model = tables.section(model.model_fields[part].annotation) or model
    name = str(error["loc"][-1])
    field = model.model_fields[name]
    if tables.section(field.annotation):
        return "is missing", f"add a [{name}] section"
    example = f"add {name} = {_shown(field.examples[0])}" if field.examples else ""
    return f"is missing: {str(field.description).rstrip('.')}", example


def _choice(error: ErrorDetails) -> tuple[str, str]:
    value, expected = error["input"], error["ctx"]["expected"].replace("'", '"')
    choices = re.findall(r'"[^"]*"|[0-9]+', expected)
    if isinstance(value, float) and choices[0].isdigit():
        return f"needs a whole number, and this is {_shown(value)}", f"write {expected}"
    near = get_close_matches(_shown(value).lower(), choices, n=1, cutoff=0.5)
    return f"{_shown(value)} is not {expected}", f"did you mean {near[0]}?" if near else ""


def _pattern(error: ErrorDetails) -> tuple[str, str]:
    pattern, value = error["ctx"]["pattern"], str(error["input"])
    near = _NEAREST.get(pattern, str.lower)(value.strip())
    suggestion = f"did you mean {quoted(near)}?" if re.match(pattern, near) else ""
    return f"{_shown(value)} is not {t.PATTERNS[pattern]}", suggestion


def _region(text: str) -> str:
    """Return the region in ``us_east_1``, ``us-east1`` or the zone ``us-east-1a``."""
    return re.sub(r"-?([0-9])[a-z]?$", r"-\1", re.sub(r"[ _]", "-", text.lower()))


def _principal(text: str) -> str:
    """Return the account in ``222222222222``, or in a principal with a wildcard inside."""
    account = re.fullmatch(r"(arn:aws[a-z-]*:iam::)?([0-9]{12})(:.*\*.*)?", text)
    return f"{account[1] or 'arn:aws:iam::'}{account[2]}:root" if account else text


def _path(text: str) -> str:
    """Return the path in ``http://notes/healthz``, or with the slash that ``healthz`` lacks."""
    return "/" + re.sub(r"^[A-Za-z]+://[^/?]*", "", text).lstrip("/")


def _class(text: str) -> str:
    """Return the class in ``t4g.micro``."""
    return text.lower() if text.lower().startswith("db.") else f"db.{text.lower()}"


def _image(text: str) -> str:
    """Return the image in ``https://Registry/Notes:RC``: a tag keeps its capitals."""
    found = re.fullmatch(r"(?:[A-Za-z]+://)?(.*?)([:@][^/]*)?", text, re.DOTALL)
    return f"{found[1].lower()}{found[2] or ''}" if found else text


def _kind(error: ErrorDetails) -> tuple[str, str]:
    value, wanted, path = error["input"], _KINDS[error["type"]], error["loc"]
    suggestion = ""
    if error["type"] == "value_error":
        suggestion = 'write it like "10.20.0.0/16"'
    elif wanted == "text in quotes" and not isinstance(value, Mapping | list):
        text = quoted(value).strip('"')
        suggestion = f"write {_refused(path, text) or quoted(text)}"
    elif isinstance(value, str) and re.fullmatch(r"[0-9]+|true|false", value):
        suggestion = f"write {value} without quotes"
    elif wanted == "a list":
        many = tables.names(path) in tables.repeated()
        suggestion = (
            f"write [[{'.'.join(map(str, path))}]]" if many else f"write {_list(path, value)}"
        )
    return f"needs {wanted}, and this is {_shown(value)}", suggestion


_COMMANDS = {"command", "health_command", "process", "release"}


def _list(path: KeyPath, value: Any) -> str:
    """Return what stands for ``value`` where a list has to be: of a command its words."""
    if path[-1] not in _COMMANDS:
        return f"[{quoted(value)}]"
    try:
        words = shlex.split(value) if isinstance(value, str) else []
    except ValueError:  # a quote that does not end
        words = []
    return f"[{', '.join(map(quoted, words or ['python', '-m', 'app']))}]"


def _refused(path: KeyPath, value: Any) -> str:
    """Return in words what a value at ``path`` has to be, when ``value`` would not be right there either."""
    wanted = tuple(0 if isinstance(part, int) else part for part in path)
    for part in reversed(wanted):
        value = [value] if part == 0 else {part: value}
    try:
        Config.model_validate(value)
    except ValidationError as error:
        for one in error.errors():
            if one["loc"] == wanted and one["type"] == "string_pattern_mismatch":
                return t.PATTERNS[one["ctx"]["pattern"]]
    return ""


def _least(error: ErrorDetails) -> tuple[str, str]:
    return f"{_shown(error['input'])} is too small", f"the least is {error['ctx']['ge']}"


def _most(error: ErrorDetails) -> tuple[str, str]:
    return f"{_shown(error['input'])} is too large", f"the most is {error['ctx']['le']}"


def _network(error: ErrorDetails) -> tuple[str, str]:
    value = str(error["input"])
    try:
        whole = IPv4Network(value, strict=False)
    except ValueError:
        return f"{_shown(value)} is not a block of IPv4 addresses", 'write it like "10.20.0.0/16"'
    return f"{_shown(value)} is an address within a block", f'the block is "{whole}"'


_ONE_HOST = {"allow_cidrs", "allow_out"}


def _no_size(error: ErrorDetails) -> tuple[str, str]:
    value = str(error["input"])
    # Who is let in, or out, by an address is one host; a network's address is the start of more.
    length = 32 if _ONE_HOST & {*error["loc"]} else 16
    block = IPv4Network(f"{value}/{length}", strict=False)
    return f"{_shown(value)} is an address: the size of its block is missing", f'write "{block}"'


def _other(error: ErrorDetails) -> tuple[str, str]:
    return error["msg"][:1].lower() + error["msg"][1:], ""


_NEAREST: dict[str, Callable[[str], str]] = {  # the commonest slip of each kind undone
    t.NAME: slug,
    t.REGION: _region,
    t.HTTP_PATH: _path,
    t.MOUNT: _path,
    t.ROLE_PATH: lambda text: f"/{text.strip('/')}/",
    t.INSTANCE_CLASS: _class,
    t.IMAGE: _image,
    t.PRINCIPAL: _principal,
}
_WORDS: dict[str, Callable[[ErrorDetails], tuple[str, str]]] = {
    "missing": _missing,
    "literal_error": _choice,
    "string_pattern_mismatch": _pattern,
    "string_too_short": lambda _: ("is empty", ""),
    "too_short": lambda _: ("is empty", ""),
    "greater_than_equal": _least,
    "less_than_equal": _most,
    "ip_v4_network": _network,
    t.NO_SIZE: _no_size,
    **dict.fromkeys(_KINDS, _kind),
}
