"""The code of Lambda functions as a template carries it: ``shipped.txt`` beside each ``index.py``."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path

_HERE = Path(__file__).resolve().parents[1]

_Cut = tuple[int, int, str]  # from, to, and what stands there instead

# Strings are found so that a "#" in one is not taken for a comment; a comment alone goes with its line.
_COMMENT = re.compile(
    r"""
    \"{3}.*?\"{3} | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'
    | (?P<comment> ^[ ]*\#[^\n]*\n | [ ]*\#[^\n]*)
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)


# Of a module that stands behind another: its first words, and what it imports of those before it.
_HEAD = re.compile(
    r'\A""".*?"""\n|^from (?:underpass\.[\w.]+|__future__) import (?:\([^)]*\)|[^\n(]*)\n',
    re.MULTILINE,
)


def joined(*modules: Path) -> str:
    """Return the code of several modules as one: what one imports of another stands before it."""
    first, *others = map(shipped, modules)
    text = first + "".join(f"\n{_HEAD.sub('', code)}" for code in others)
    return re.sub(r"\n{3,}", "\n\n", text)


_STRING = re.compile(r'"{3}.*?"{3}|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def _in_single_quotes(string: re.Match[str]) -> str:
    """Return a string in the quotes that JSON, which templates are, needs no escape for."""
    inner = string[0][1:-1]
    plain = string[0][0] == '"' and not {*"'\"\\"} & {*inner}
    return f"'{inner}'" if plain else string[0]


def shipped(module: Path) -> str:
    """Return a module's code as a template carries it.

    A request may carry 51,200 bytes of template. So the words that explain stay in the repository, and so do
    the types in signatures; a level is indented by one blank, and there are no two empty lines in a row. What
    is left is the same code, statement by statement. Its first line, which Lambda's console shows, says so
    and where the source is.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    """
    text, source = module.read_text(encoding="ascii"), module.relative_to(_HERE)
    begins = [0, *accumulate(map(len, text.splitlines(keepends=True)))]
    cuts = [*_comments(text)]
    for node in _definitions(ast.parse(text)):
        cuts += [*_words(node, begins, source), *_types(node, text, begins)]
    for start, end, instead in sorted(cuts, reverse=True):
        text = text[:start] + instead + text[end:]
    code = re.sub(r"\n{3,}", "\n\n", _STRING.sub(_in_single_quotes, text))
    return re.sub(r"^( {4})+", lambda blanks: " " * (len(blanks[0]) // 4), code, flags=re.MULTILINE)


def _definitions(
    node: ast.Module | ast.ClassDef | ast.FunctionDef,
) -> Iterator[ast.Module | ast.ClassDef | ast.FunctionDef]:
    """Yield the module, and every class and function in it and in one another."""
    yield node
    for inner in node.body:
        if isinstance(inner, ast.ClassDef | ast.FunctionDef):
            yield from _definitions(inner)


def _words(
    node: ast.Module | ast.ClassDef | ast.FunctionDef, begins: Sequence[int], source: Path
) -> Iterator[_Cut]:
    """Yield the docstring; the module's says where there is more to read."""
    words = ast.get_docstring(node)
    if words and len(node.body) > 1:
        said = node.body[0]
        told = f'"""Minified: the source, with its reasons, is underpass\'s {source}."""\n'
        kept = told if isinstance(node, ast.Module) else ""
        yield begins[said.lineno - 1], begins[said.end_lineno or said.lineno], kept


def _types(node: ast.AST, text: str, begins: Sequence[int]) -> Iterator[_Cut]:
    """Yield what a signature says of types; nothing reads them at run time."""
    if not isinstance(node, ast.FunctionDef):
        return
    for one in ast.walk(node.args):
        if isinstance(one, ast.arg) and one.annotation:
            start = begins[one.lineno - 1] + one.col_offset + len(one.arg)
            yield start, _end(one.annotation, begins), ""
    if node.returns:
        end = _end(node.returns, begins)
        yield text.rindex(" ->", 0, end), end, ""


def _end(node: ast.expr, begins: Sequence[int]) -> int:
    return begins[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)


def _comments(text: str) -> Iterator[_Cut]:
    for found in _COMMENT.finditer(text):
        if found["comment"]:
            yield *found.span(), ""
