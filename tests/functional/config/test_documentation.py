"""The documentation shows the reference file as it is."""

from __future__ import annotations

from pathlib import Path

from underpass.config.reference import reference

ROOT = Path(__file__).resolve().parents[3]


def test_the_reference_page_holds_the_reference_file() -> None:
    page = (ROOT / "docs/reference/configuration.md").read_text()
    assert page.split("```toml\n")[1].split("```")[0].rstrip() == reference("notes").rstrip()
