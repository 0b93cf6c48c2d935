"""docs/twin.md: its table of clocks has what the code shortens, each once, and says by how much."""

from __future__ import annotations

import re
from pathlib import Path

from underpass.twin.region.clock import SPEED, Wait

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "twin.md").read_text()
SECTION = PAGE.split("\n## Clocks\n")[1].split("\n## ")[0]
SOURCES = Path(__file__).resolve().parents[3] / "src" / "underpass" / "twin"


def test_the_table_is_what_the_code_shortens() -> None:
    assert f"One factor, {SPEED:g}," in SECTION
    table = SECTION.split(f"| {SPEED:g} times faster |")[1].split("\n\n")[0]
    rows = re.findall(r"^\| ([^|]*[^|-]) \|", table, re.MULTILINE)
    assert rows == list(Wait)


def test_everything_in_the_table_is_shortened_somewhere() -> None:
    text = "".join(path.read_text() for path in SOURCES.rglob("*.py"))
    assert {name for name in Wait.__members__ if f"Wait.{name}" in text} == {*Wait.__members__}
    assert len(re.findall(r"/ (clock\.)?SPEED\b", text)) == 2, "in one place, and for schedules"
