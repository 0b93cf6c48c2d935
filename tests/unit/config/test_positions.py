"""Lines of keys, against files as people write them and against every layout TOML allows."""

import json
import tomllib
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from underpass.config import positions
from underpass.config.problems import KeyPath


def test_keys_of_every_form_have_their_line() -> None:
    text = (
        'name = "a # not a comment"  # a comment = here\n'
        "\n"
        "[service]\n"
        'tasks = { min = 1, "max" = 2 }\n'
        "process = [\n"
        '  "one",\n'
        '  "two, ]", # [\n'
        "]\n"
        "'quoted key' = 1979-05-27 07:32:00\n"
        'note = """\n'
        '[not.a.header]"""\n'
        "after.dotted = 1.5\n"
        "[[consumers]]\n"
        'name = "x"\n'
        "[[consumers]]\n"
        "[consumers.deep.er]\n"
        "key = '''it''s\n'''\n"
        "last = true"
    )
    tomllib.loads(text)
    assert positions.lines(text) == {
        ("name",): 1,
        ("service",): 3,
        ("service", "tasks"): 4,
        ("service", "tasks", "min"): 4,
        ("service", "tasks", "max"): 4,
        ("service", "process"): 5,
        ("service", "process", 0): 6,
        ("service", "process", 1): 7,
        ("service", "quoted key"): 9,
        ("service", "note"): 10,
        ("service", "after"): 12,
        ("service", "after", "dotted"): 12,
        ("consumers",): 13,
        ("consumers", 0): 13,
        ("consumers", 0, "name"): 14,
        ("consumers", 1): 15,
        ("consumers", 1, "deep"): 16,
        ("consumers", 1, "deep", "er"): 16,
        ("consumers", 1, "deep", "er", "key"): 17,
        ("consumers", 1, "deep", "er", "last"): 19,
    }


def test_what_has_no_line_has_that_of_the_table_around_it() -> None:
    found = positions.lines('[service]\nport = 1\n[[consumers]]\nname = "x"\n')
    assert positions.nearest(found, ("service", "cpu")) == 1
    assert positions.nearest(found, ("consumers", 0, "cidr")) == 3
    assert positions.nearest(found, ("network", "cidr")) == 1


_KEYS = st.text(alphabet="ab-_.\"'#[]= \n\\é", max_size=4)
_VALUES = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.text(alphabet="ab\"'#[]{},=\n\\é", max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=8,
)
_TABLES = st.dictionaries(_KEYS, _VALUES, max_size=4)


def _written(value: Any) -> str:
    if isinstance(value, dict):
        pairs = (f"{json.dumps(key)} = {_written(inner)}" for key, inner in value.items())
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(value, list):
        return "[\n" + ",\n".join(map(_written, value)) + " # ]\n]"
    return json.dumps(value)


def _paths(value: Any, at: KeyPath = ()) -> Iterator[KeyPath]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield (*at, key)
        if isinstance(inner, dict | list):
            yield from _paths(inner, (*at, key))


@given(st.dictionaries(_KEYS, _TABLES, max_size=3), st.lists(_TABLES, max_size=3))
def test_every_key_that_tomllib_finds_has_a_line(
    tables: dict[str, dict[str, Any]], rows: list[dict[str, Any]]
) -> None:
    lines: list[str] = []
    expected: dict[KeyPath, int] = {}
    sections: list[tuple[str, KeyPath, dict[str, Any]]] = [
        (f"[{json.dumps(name)}]", (name,), table) for name, table in tables.items()
    ]
    sections += [("[[rows]]", ("rows", index), row) for index, row in enumerate(rows)]
    for header, path, table in sections:
        lines.append(header)
        expected[path] = len(lines)
        for key, value in table.items():
            expected[*path, key] = len(lines) + 1
            lines += f"{json.dumps(key)} = {_written(value)}".split("\n")
    text = "\n".join(lines)
    data = tomllib.loads(text)
    found = positions.lines(text)
    assert set(found) == set(_paths(data))
    assert expected.items() <= found.items()
