"""docs/first-account.md: each ``aws`` command is one the services' own models know, with these options."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import jmespath  # type: ignore[import-untyped]
import pytest
from botocore import xform_name

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "first-account.md").read_text()
SECTIONS = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]

# https://docs.aws.amazon.com/cli/latest/reference/#options
EVERYWHERE = {"region", "profile", "output", "query"}
# What the CLI adds to a service's own operations, and what it calls otherwise.
# https://docs.aws.amazon.com/cli/latest/reference/cloudformation/deploy/
ADDED = {
    ("cloudformation", "deploy"): {
        *(
            "stack-name",
            "template-file",
            "capabilities",
            "parameter-overrides",
            "no-execute-changeset",
        )
    }
}
# https://docs.aws.amazon.com/cli/latest/reference/sns/subscribe.html
RENAMED = {("sns", "subscribe", "notification-endpoint"): "endpoint"}


def commands() -> list[str]:
    """Return every ``aws`` command of the page's shell blocks, those inside others among them."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [command for line in lines for command in _in(line)]


def _in(line: str) -> Iterator[str]:
    within = re.findall(r"\$\(([^()]*(?:\(value \w+\)[^()]*)*)\)", line)
    for inner in within:
        if inner.startswith("aws "):
            line = line.replace(f"$({inner})", "VALUE")
            yield from _in(inner)
    line = re.sub(r"\$\([^()]*\)", "VALUE", line)
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = [*lexer]
    starts = [at for at, word in enumerate(words) if word == "aws"]
    for start in starts:
        ends = (at for at, word in enumerate(words[start:], start) if set(word) <= set("();<>|&"))
        yield shlex.join(words[start : next(ends, len(words))])


@pytest.mark.parametrize("command", commands())
def test_a_command_is_one_that_aws_has(command: str) -> None:
    _, service, operation, *rest = shlex.split(command)
    options = _options(rest)
    queries = options.get("query", [])
    for query in queries:
        jmespath.compile(query)
    for name in EVERYWHERE & {*options}:
        del options[name]
    if added := ADDED.get((service, operation)):
        assert {*options} <= added
        return
    model = _operation(service, operation)
    for query in queries:
        assert re.findall(r"\w+", query)[0] in model.output_shape.members, query
    shape = model.input_shape
    members = {xform_name(name, "-"): (name, of) for name, of in shape.members.items()}
    given = set()
    for option, values in options.items():
        called = RENAMED.get((service, operation, option), option)
        known = called if called in members else called.removeprefix("no-")
        assert known in members, f"{service} {operation} has no --{option}"
        name, member = members[known]
        given.add(name)
        assert bool(values) != (member.type_name == "boolean"), f"--{option} {values}"
        for value in values:
            _fits(member, value)
    assert {*shape.required_members} <= given


def test_the_page_has_commands_of_every_kind_of_line() -> None:
    found = commands()
    assert len(found) > 40
    assert any(one.startswith("aws ecs list-tasks") for one in found)  # inside $( )
    assert sum(" describe-stacks " in one for one in found) == 1  # inside a function


def test_each_says_what_to_look_for_what_it_settles_and_what_to_change() -> None:
    assert [one.split(".")[0] for one in SECTIONS] == [str(number) for number in range(1, 14)]
    for section in SECTIONS:
        for told in ("**Look for:**", "**Settles:**", "**If it goes the other way:**", "```sh"):
            assert section.count(told) == 1, (section.splitlines()[0], told)


def test_each_file_that_is_named_is_there() -> None:
    root = Path(__file__).resolve().parents[3] / "src" / "underpass"
    named = set(re.findall(r"`((?:blueprint|config|deploy|rotation)/[\w/]*(?:\.py)?)`", PAGE))
    assert len(named) > 8
    assert [name for name in sorted(named) if not (root / name).exists()] == []


def _options(words: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for word in words:
        if word.startswith("--"):
            found[word[2:]] = values = []
        else:
            values.append(word)
    return found


def _operation(service: str, operation: str) -> Any:
    model = _session().get_service_model(service)
    names = {xform_name(name, "-"): name for name in model.operation_names}
    assert operation in names, f"{service} has no {operation}"
    return model.operation_model(names[operation])


@cache
def _session() -> Any:
    return botocore.session.get_session()


def _fits(shape: Any, value: str) -> None:
    """Hold a value to its shape: the keys of the shorthand syntax, and what an enumeration allows."""
    shape = shape.member if shape.type_name == "list" else shape
    if shape.type_name == "structure":
        assert {*re.findall(r"(?:^|,)(\w+)=", value)} <= {*shape.members}, value
        for name, one in re.findall(r"(?:^|,)(\w+)=([^,]*)", value):
            _fits(shape.members[name], one)
    elif enum := getattr(shape, "enum", None):
        assert value in enum, f"{value} is none of {enum}"
    elif shape.type_name == "integer":
        int(value)
