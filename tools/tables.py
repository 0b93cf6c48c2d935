"""Writes what is generated, pages of docs and the functions' shipped code: ``make tables``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tools import changes, costs, existing, resources
from tools.shipped import joined, shipped

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "src" / "underpass"
ROTATION = SOURCES / "rotation"
DATABASES = {"postgres": "Postgres", "mysql": "Mysql"}


def rotation(does: str, protocol: str) -> str:
    """Return the code of one of the database's functions for the engines of a protocol."""
    modules = (ROTATION / f"{name}.py" for name in ("line", "access", protocol, does))
    return joined(*modules) + f"\nhandler = function({DATABASES[protocol]})\n"


FILES: dict[
    Path, Callable[[], str]
] = {  # the functions first: the pages tell of templates with them inside
    SOURCES / "registrar" / "shipped.txt": lambda: shipped(SOURCES / "registrar" / "index.py"),
    ROTATION / "user-postgres.txt": lambda: rotation("user", "postgres"),
    ROTATION / "user-mysql.txt": lambda: rotation("user", "mysql"),
    ROTATION / "steps-postgres.txt": lambda: rotation("steps", "postgres"),
    ROTATION / "steps-mysql.txt": lambda: rotation("steps", "mysql"),
    ROOT / "docs" / "costs.md": costs.page,
    ROOT / "docs" / "reference" / "changes.md": changes.page,
    ROOT / "docs" / "reference" / "existing.md": existing.page,
    ROOT / "docs" / "reference" / "resources.md": resources.page,
}


def main() -> None:
    """Write every file."""
    for file, text in FILES.items():
        file.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
