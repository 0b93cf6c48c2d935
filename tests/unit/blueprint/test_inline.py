"""What a template carries of a function is the function."""

from __future__ import annotations

import ast
from importlib.resources import files

import pytest

from underpass.blueprint.inline import shipped


def told(text: str) -> str:
    """Return what code does, without what only explains it."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            del node.body[0]
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
    return ast.dump(tree)


@pytest.mark.parametrize("package", ["underpass.registrar", "underpass.rotation"])
def test_the_shipped_code_does_what_the_module_does(package: str) -> None:
    text = files(package).joinpath("index.py").read_text()
    assert told(shipped(package)) == told(text), "run make tables"
    assert len(shipped(package)) < 0.8 * len(text)
    assert "#" not in shipped(package)
    assert "->" not in shipped(package)


@pytest.mark.parametrize("name", ["registrar", "rotation"])
def test_the_first_line_says_that_it_is_minified_and_where_the_source_is(name: str) -> None:
    first = shipped(f"underpass.{name}").splitlines()[0]
    assert "Minified" in first
    assert f"src/underpass/{name}/index.py" in first
