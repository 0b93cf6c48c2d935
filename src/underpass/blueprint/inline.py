"""The code of Lambda functions as it is shipped inside a template."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from importlib.resources import files


@cache
def shipped(package: str) -> str:
    """Return the code of ``package``'s ``index`` module as a template carries it.

    A request may carry 51,200 bytes of template. So the words that explain stay in the repository, all but
    the first line, and a level is indented by one blank; what is left is the same code, statement by
    statement.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    """
    text = files(package).joinpath("index.py").read_text(encoding="utf-8")
    lines = list(_without_comments(text))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            words = ast.get_docstring(node)
            if words and len(node.body) > 1:
                first, last = node.body[0].lineno - 1, node.body[0].end_lineno
                kept = f'"""{words.splitlines()[0]}"""\n' if isinstance(node, ast.Module) else ""
                lines[first:last] = [kept, *[""] * (len(lines[first:last]) - 1)]
    return re.sub(
        r"^( {4})+", lambda blanks: " " * (len(blanks[0]) // 4), "".join(lines), flags=re.MULTILINE
    )


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
