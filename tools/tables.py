"""Writes the generated pages of docs/reference: ``make tables``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tools import changes, resources

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"
PAGES: dict[str, Callable[[], str]] = {
    "changes.md": changes.page,
    "resources.md": resources.page,
}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
