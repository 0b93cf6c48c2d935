"""``.env``: what its lines say, and which are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from underpass.errors import UsageError
from underpass.twin.host import dot_env


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("export A=b", "b"),
        (" A = b ", "b"),
        ("A=", ""),
        ("A=b=c", "b=c"),
        ("A=b # c", "b"),
        ("A=b#c", "b#c"),
        ("A='b # \"c'", 'b # "c'),
        ("A='b' # c", "b"),
        (r'A="b \"c\"\n\\"', 'b "c"\n\\'),
        ("A=${B}", "${B}"),
        ("A=caf\u00e9", "caf\u00e9"),
    ],
)
def test_a_line_is_a_value(tmp_path: Path, line: str, value: str) -> None:
    (tmp_path / ".env").write_text(f"# first\n\n{line}\n")
    assert dot_env.read(tmp_path) == {"A": value}


@pytest.mark.parametrize("line", ["ZZ", "ZZ b", "=ZZ", "1Z=b", "Z='b", 'Z="b', "Z='b' c", "Z-Z=c"])
def test_another_is_told_by_its_number_and_not_repeated(tmp_path: Path, line: str) -> None:
    (tmp_path / ".env").write_text(f"# first\n{line}\n")
    with pytest.raises(UsageError) as caught:
        dot_env.read(tmp_path)
    assert f"{tmp_path / '.env'}:2 is no line of values" in str(caught.value.what)
    assert line not in f"{caught.value.what} {caught.value.why}"


def test_the_last_of_two_counts(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=b\nA=c\n")
    assert dot_env.read(tmp_path) == {"A": "c"}


def test_there_may_be_none(tmp_path: Path) -> None:
    assert dot_env.read(tmp_path) == {}
    (tmp_path / ".env").mkdir()
    assert dot_env.read(tmp_path) == {}


def test_what_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=\xff\n")
    with pytest.raises(UsageError, match="cannot be read"):
        dot_env.read(tmp_path)
