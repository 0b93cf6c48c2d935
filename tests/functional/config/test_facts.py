"""The stored facts are those of the packages that are installed; `tools/facts.py` writes them anew."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

_TOOL = Path(__file__).resolve().parents[3] / "tools" / "facts.py"


@pytest.fixture(scope="module")
def tool() -> Any:
    spec = importlib.util.spec_from_file_location("facts_tool", _TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "name", ["actions.json", "instance_types.json", "databases.json", "regions.json"]
)
def test_the_stored_facts_are_up_to_date(tool: Any, name: str) -> None:
    assert (tool.FOLDER / name).read_text() == tool.everything()[name]
