"""checkov over many templates at once, from the environment of its own that ``make`` keeps for it."""

from __future__ import annotations

import copy
import json
import os
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.templates.emitted import Emitted

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-checkov" / "bin" / "python"


@dataclass(frozen=True, order=True)
class Check:
    """One check of one resource: in which template, and what checkov says of it."""

    template: str
    logical_id: str
    check: str
    says: str = ""


@dataclass(frozen=True)
class Verdict:
    """What failed, what was skipped, and how many checks passed."""

    failed: frozenset[Check]
    skipped: frozenset[Check]
    passed: int


def skips(one: Emitted) -> Iterator[Check]:
    """Yield the checks a template asks to skip; ``says`` is the reason it gives."""
    for logical_id, resource in one.resources.items():
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", []):
            yield Check(one.id, logical_id, skip["id"], skip.get("comment", ""))


def without_skips(one: Emitted) -> str:
    """Return the template's body with every skip taken out."""
    template = copy.deepcopy(dict(one.template))
    for resource in template["Resources"].values():
        resource.get("Metadata", {}).pop("checkov", None)
    return replace(one.stack, template=template).body()


def scan(folder: Path, bodies: Iterable[tuple[str, str]]) -> Verdict:
    """Return what checkov says of ``bodies``, by name: one process for all, for it is slow to start."""
    for name, body in bodies:
        (folder / f"{name}.json").write_text(body, encoding="utf-8")
    done = subprocess.run(
        [
            *(PYTHON.with_name("checkov"), "--directory", folder, "--framework", "cloudformation"),
            *("--output", "json", "--compact", "--skip-download"),
        ],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"BC_SKIP_MAPPING": "TRUE", "LOG_LEVEL": "ERROR"},  # asks nobody
    )
    if not done.stdout.strip().startswith("{"):
        raise AssertionError(f"checkov did not run: {done.stdout[:500]}{done.stderr[-2000:]}")
    report = json.loads(done.stdout)
    summary = report["summary"]
    assert not summary["parsing_errors"], report["results"]["parsing_errors"]
    return Verdict(
        frozenset(map(_check, report["results"]["failed_checks"])),
        frozenset(map(_check, report["results"]["skipped_checks"])),
        summary["passed"],
    )


def _check(record: dict[str, Any]) -> Check:
    logical_id = record["resource"].rpartition(".")[2]
    return Check(
        Path(record["file_path"]).stem, logical_id, record["check_id"], record["check_name"]
    )
