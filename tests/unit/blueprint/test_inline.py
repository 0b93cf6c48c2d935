"""What a template carries of a function is the function."""

from __future__ import annotations

import ast
from importlib.resources import files

import pytest

from underpass.blueprint.inline import shipped


def told(text: str) -> str:
    """Return what code does, without what only explains it."""
    return ast.dump(stripped(text))


def stripped(text: str) -> ast.Module:
    """Return code without what only explains it."""
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
    return tree


def without_imports(tree: ast.Module) -> list[str]:
    """Return the statements, save for what is imported of a module that stands before or of the future."""
    return [
        ast.dump(node)
        for node in tree.body
        if not (
            isinstance(node, ast.ImportFrom)
            and (node.module or "").startswith(("underpass.", "__future__"))
        )
    ]


def test_the_registrars_shipped_code_does_what_the_module_does() -> None:
    text = files("underpass.registrar").joinpath("index.py").read_text()
    assert told(shipped("underpass.registrar")) == told(text), "run make tables"
    short(shipped("underpass.registrar"), text)


@pytest.mark.parametrize("does", ["user", "steps"])
@pytest.mark.parametrize(("protocol", "name"), [("postgres", "Postgres"), ("mysql", "Mysql")])
def test_the_databases_shipped_code_is_its_modules_in_one(
    does: str, protocol: str, name: str
) -> None:
    modules = [
        files("underpass.rotation").joinpath(f"{one}.py").read_text()
        for one in ("line", "access", protocol, does)
    ]
    code = shipped("underpass.rotation", f"{does}-{protocol}")
    expected = [one for module in modules for one in without_imports(stripped(module))]
    assert without_imports(stripped(code)) == [
        *expected,
        *without_imports(ast.parse(f"handler = function({name})")),
    ], "run make tables"
    named = [node.name for node in ast.parse(code).body if hasattr(node, "name")]
    assert len(named) == len(set(named)), "one hides another"
    short(code, "".join(modules))


@pytest.mark.parametrize(
    ("package", "name", "first"),
    [
        ("registrar", "shipped", "index.py"),
        ("rotation", "user-postgres", "line.py"),
        ("rotation", "steps-mysql", "line.py"),
    ],
)
def test_the_first_line_says_that_it_is_minified_and_where_the_source_is(
    package: str, name: str, first: str
) -> None:
    line = shipped(f"underpass.{package}", name).splitlines()[0]
    assert "Minified" in line
    assert f"src/underpass/{package}/{first}" in line


def short(code: str, text: str) -> None:
    assert len(code) < 0.8 * len(text)
    assert "#" not in code.replace("#28000", "")
    assert "->" not in code
