"""Writes what is generated, pages of docs and the functions' shipped code: ``make tables``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tools import changes, costs, resources
from tools.shipped import shipped

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "src" / "underpass"
FILES: dict[
    Path, Callable[[], str]
] = {  # the functions first: the pages tell of templates with them inside
    SOURCES / "registrar" / "shipped.txt": lambda: shipped(SOURCES / "registrar" / "index.py"),
    SOURCES / "rotation" / "shipped.txt": lambda: shipped(SOURCES / "rotation" / "index.py"),
    ROOT / "docs" / "costs.md": costs.page,
    ROOT / "docs" / "reference" / "changes.md": changes.page,
    ROOT / "docs" / "reference" / "resources.md": resources.page,
}


def main() -> None:
    """Write every file."""
    for file, text in FILES.items():
        file.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
