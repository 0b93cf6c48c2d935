"""One word for one thing: what the twin's things were once called, no module, class or function is called."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "underpass"
MODULES = {
    "twin": {
        *("hub", "way", "doors", "lasting", "running", "permits", "places", "missing", "compute"),
        *("balancers", "databases", "functions", "schedule", "stacks"),
        *("endings", "trail", "keeper", "plan", "wire", "strangers", "provider", "entering"),
    },
    "blueprint": {"handed", "checks", "kinds"},
    "config": {"kinds"},
    "deploy/stacks": {"existing", "transition", "safety"},
    "cli": {"starting", "places"},
}
DEFINITIONS = {
    *("Hub", "Loop", "Doors", "Way", "Place", "Provider", "Strangers", "Trail", "Seen", "Told"),
    *("well", "told", "seen", "there", "lasting_name", "permits", "hub"),
}
KEPT = {
    "execution/schedule.py",
    "actions/stacks.py",
    "registrar/index.py",
    "deploy/plan.py",
    "cli/plan.py",
}


def kept(path: Path) -> bool:
    return any(str(path).endswith(one) for one in KEPT)


def definitions(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name


def test_no_module_has_a_name_that_was_given_up() -> None:
    found = {
        str(path.relative_to(SOURCE))
        for folder, names in MODULES.items()
        for path in (SOURCE / folder).rglob("*.py")
        if names & {path.stem, *path.relative_to(SOURCE / folder).parent.parts} and not kept(path)
    }
    assert found == set()


def test_no_class_or_function_has_one_either() -> None:
    found = {
        f"{path.relative_to(SOURCE)}: {name}"
        for path in SOURCE.rglob("*.py")
        if not kept(path)
        for name in definitions(path)
        if name in DEFINITIONS
    }
    assert found == set()
