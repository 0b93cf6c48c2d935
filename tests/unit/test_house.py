"""Small modules named for one thing. Which package may import which, import-linter holds: `make check`."""

from __future__ import annotations

from pathlib import Path
from statistics import median

SOURCE = Path(__file__).parents[2] / "src" / "underpass"
LINES = {
    str(path.relative_to(SOURCE)): len(path.read_text().splitlines())
    for path in SOURCE.rglob("*.py")
}


def test_the_median_module_has_at_most_120_lines() -> None:
    assert median(LINES.values()) <= 120


def test_no_module_has_more_than_400_save_the_one_that_is_shipped_whole() -> None:
    assert {name for name, lines in LINES.items() if lines > 400} == {"registrar/index.py"}
