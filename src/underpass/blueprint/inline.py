"""The code of Lambda functions as it is shipped inside a template."""

from __future__ import annotations

import ast
import re
from functools import cache
from importlib.resources import files


@cache
def shipped(package: str) -> str:
    """Return the code of ``package``'s ``index`` module as a template carries it.

    A request may carry 51,200 bytes of template. So the words that explain classes and functions stay in
    the repository, with the notes for linters, and a level is indented by one blank; what is left is the
    same code, statement by statement.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    """
    text = files(package).joinpath("index.py").read_text(encoding="utf-8")
    lines: list[str | None] = list(text.splitlines(keepends=True))
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.ClassDef | ast.FunctionDef) or len(node.body) < 2:
            continue
        if ast.get_docstring(node):
            first, last = node.body[0].lineno - 1, node.body[0].end_lineno
            lines[first:last] = [None] * len(lines[first:last])
    kept = "".join(line for line in lines if line is not None)
    kept = re.sub(r"  # (noqa|type): [^\n]*", "", kept)
    return re.sub(r"^( {4})+", lambda blanks: " " * (len(blanks[0]) // 4), kept, flags=re.MULTILINE)
