"""What commands print: data on standard output, everything else on standard error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import typer

from underpass.errors import UnderpassError


def line(data: Mapping[str, Any]) -> None:
    """Print ``data`` as one line of JSON."""
    typer.echo(json.dumps(data))


def result(data: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    """Print a command's result: ``text``, or ``data`` and that all went well as one line of JSON."""
    if as_json:
        line({"ok": True, **data})
    else:
        typer.echo(text)


def failure(error: UnderpassError, *, as_json: bool) -> None:
    """Print what happened, why, and what to do next."""
    if as_json and _printed(error):
        return
    typer.echo(f"underpass: {error.what}", err=True)
    for line in error.why.splitlines():
        typer.echo(f"  {line}", err=True)
    if error.try_next:
        typer.echo(f"next: {error.try_next}", err=True)


def _printed(error: UnderpassError) -> bool:
    """Print an error as one line of JSON; return False where standard output takes nothing."""
    told = {"what": error.what, "why": error.why, "next": error.try_next}
    problems = [asdict(problem) for problem in getattr(error, "problems", ())]
    told_all = {**told, "problems": problems} if problems else told
    try:
        line({"ok": False, "error": told_all})
    except OSError:
        return False
    return True
