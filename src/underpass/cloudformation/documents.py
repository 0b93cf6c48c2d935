"""Template text, JSON or YAML with short tags, to plain dictionaries and lists."""

from __future__ import annotations

import functools
import json
from typing import Any

from underpass.cloudformation.errors import TemplateError

PLAIN_TAGS = frozenset({"Ref", "Condition"})  # the short tags without "Fn::" in their long form


def read(body: str) -> Any:
    """Return what ``body`` says, with ``!Ref`` and its kin in their long form.

    Raises
    ------
    TemplateError
        With line and column, when it is neither JSON nor YAML.
    """
    try:
        return _read_json(body) if body.lstrip().startswith("{") else _read_yaml(body)
    except RecursionError:
        raise TemplateError("Template format error: it is nested too deeply.") from None


def _read_json(body: str) -> Any:
    try:
        return json.loads(body)
    except json.JSONDecodeError as error:
        raise TemplateError(
            f"Template format error: JSON not well-formed. (line {error.lineno}, column {error.colno})"
        ) from error


def _read_yaml(body: str) -> Any:
    import yaml

    try:
        return yaml.load(body, Loader=_loader())  # noqa: S506  a SafeLoader that knows more tags
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        what = f": {error.problem}" if getattr(error, "problem", None) else ""
        raise TemplateError(f"Template format error: YAML not well-formed.{where}{what}") from error


@functools.cache
def _loader() -> Any:
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        """YAML as CloudFormation reads it: dates stay text, short tags become functions."""

    # "2010-09-09" is a version, not a day.
    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def mapping(loader: Any, node: Any) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = loader.construct_object(key_node, deep=True)
            if key in seen and key_node.tag != "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(
                    None, None, f"duplicate key {key!r}", key_node.start_mark
                )
            seen.add(key)
        loader.flatten_mapping(node)
        return {
            loader.construct_object(key, deep=True): loader.construct_object(value, deep=True)
            for key, value in node.value
        }

    def function(loader: Any, tag: str, node: Any) -> dict[str, Any]:
        if isinstance(node, yaml.ScalarNode):
            argument: Any = loader.construct_scalar(node)
        elif isinstance(node, yaml.SequenceNode):
            argument = [loader.construct_object(item, deep=True) for item in node.value]
        else:
            argument = mapping(loader, node)
        if tag == "GetAtt" and isinstance(argument, str):
            argument = argument.split(".", 1)
        return {tag if tag in PLAIN_TAGS else f"Fn::{tag}": argument}

    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    Loader.add_multi_constructor("!", function)
    return Loader
