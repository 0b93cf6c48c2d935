"""The code of Lambda functions as it is shipped inside a template."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files


@cache
def shipped(package: str) -> str:
    """Return the code of ``package``'s ``index`` module as a template carries it.

    A request may carry 51,200 bytes of template. So the words that explain stay in the repository, all but
    the first line, and so do the types in signatures; a level is indented by one blank, and there are no two
    empty lines in a row. What is left is the same code, statement by statement.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    """
    text = _without_types(files(package).joinpath("index.py").read_text(encoding="ascii"))
    lines = list(_without_comments(text))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            words = ast.get_docstring(node)
            if words and len(node.body) > 1:
                first, last = node.body[0].lineno - 1, node.body[0].end_lineno
                kept = f'"""{words.splitlines()[0]}"""\n' if isinstance(node, ast.Module) else ""
                lines[first:last] = [kept, *[""] * (len(lines[first:last]) - 1)]
    code = re.sub(r"\n{3,}", "\n\n", "".join(lines))
    return re.sub(r"^( {4})+", lambda blanks: " " * (len(blanks[0]) // 4), code, flags=re.MULTILINE)


def _without_types(text: str) -> str:
    """Return code whose signatures say nothing of types; nothing reads them at run time."""
    begins = [0]
    for line in text.splitlines(keepends=True):
        begins.append(begins[-1] + len(line))
    spans = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.arg) and node.annotation:
            start = begins[node.lineno - 1] + node.col_offset + len(node.arg)
            spans.append((start, _end(node.annotation, begins)))
        elif isinstance(node, ast.FunctionDef) and node.returns:
            arrow = text.rindex(" ->", 0, _end(node.returns, begins))
            spans.append((arrow, _end(node.returns, begins)))
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + text[end:]
    return text


def _end(node: ast.expr, begins: Sequence[int]) -> int:
    return begins[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)


def _without_comments(text: str) -> Iterator[str]:
    """Yield each line without its comment; nothing for a line that is no more than that."""
    begins = {
        token.start[0]: token.start[1]
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    }
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        code = line[: begins[number]].rstrip() if number in begins else line.rstrip("\n")
        yield "" if number in begins and not code else f"{code}\n"
