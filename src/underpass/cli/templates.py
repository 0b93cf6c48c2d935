"""``template``: the CloudFormation templates."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from underpass.cli.options import Folder, Json
from underpass.cli.render import output

app = typer.Typer()


@app.command()
def template(
    folder: Folder = Path(),
    *,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write a file for each stack into this folder.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the CloudFormation templates, in the order they are deployed."""
    from underpass import blueprint
    from underpass.config import load
    from underpass.errors import UsageError

    stacks = blueprint.stacks(load(folder))
    if out is None:
        output.result(
            {"stacks": {stack.name: stack.template for stack in stacks}},
            "".join(stack.text() for stack in stacks).rstrip("\n"),
            as_json=as_json,
        )
        return
    files = [out / f"{stack.name}.json" for stack in stacks]
    try:
        out.mkdir(parents=True, exist_ok=True)
        for file, stack in zip(files, stacks, strict=True):
            file.write_text(stack.text(), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write to {out}", str(error.strerror)) from error
    output.result({"files": [*map(str, files)]}, "\n".join(map(str, files)), as_json=as_json)
