"""The documentation shows the reference file as it is."""

from __future__ import annotations

import re
from pathlib import Path

from underpass.config.reference import reference

ROOT = Path(__file__).resolve().parents[3]


def test_the_reference_page_holds_the_reference_file() -> None:
    page = (ROOT / "docs/reference/configuration.md").read_text()
    assert page.split("```toml\n")[1].split("```")[0].rstrip() == reference("notes").rstrip()


def test_the_page_of_refusals_names_every_source() -> None:
    page = (ROOT / "docs/reference/refusals.md").read_text()
    rules = [file.read_text() for file in (ROOT / "src/underpass/config/rules").glob("*.py")]
    named = {path for text in rules for path in re.findall(r'docs\("([^"]+)"\)', text)}
    assert len(named) > 20
    assert [path for path in sorted(named) if f"/{path}.html" not in page] == []
