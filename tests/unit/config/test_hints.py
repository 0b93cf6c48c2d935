"""What is suggested can be pasted: into the file, and into a shell."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underpass.config.hints import command, folder_of, quoted


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("check", Path()), "`underpass check`"),
        (("check", Path("my shop")), "`underpass check 'my shop'`"),
        (("init", Path("a$b"), "--yes"), "`underpass init 'a$b' --yes`"),
    ],
)
def test_a_command_line_is_one_for_a_shell(words: tuple[str, Path], line: str) -> None:
    assert command(*words) == line


def test_the_folder_is_named_where_that_is_enough() -> None:
    assert folder_of(Path("a/underpass.toml")) == Path("a")
    assert folder_of(Path("underpass.toml")) == Path()
    assert folder_of(Path("a/other.toml")) == Path("a/other.toml")


@given(st.text())
def test_quoted_text_is_the_same_in_toml_and_takes_one_line(text: str) -> None:
    assert tomllib.loads(f"key = {quoted(text)}") == {"key": text}
    assert len(quoted(text).splitlines()) == 1
