"""``template``: the CloudFormation templates."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from underpass.cli.options import Folder, Json
from underpass.cli.render import output

if TYPE_CHECKING:
    from underpass.blueprint import Stack

app = typer.Typer()

# Stacks that come and go, by what follows the application in their names.
_COME_AND_GO = ("addon-*", "consumer-*", "database", "release", "rotation")


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

    config = load(folder)
    stacks = blueprint.stacks(config)
    if config.tags and not as_json:  # no template can hold its stack's
        tags = " ".join(shlex.quote(f"{key}={value}") for key, value in config.tags.items())
        typer.echo(f"! the tags are the stacks' own: deploy each with --tags {tags}", err=True)
    if out is None:
        output.result(
            {"stacks": {stack.name: stack.template for stack in stacks}, "tags": config.tags},
            "".join(stack.text() for stack in stacks).rstrip("\n"),
            as_json=as_json,
        )
        return
    from underpass.deploy.stacks import templates

    files = _write(stacks, out)
    ours = (f"{config.name}-{part}.json" for part in _COME_AND_GO)
    stale = [*map(str, sorted({one for part in ours for one in out.glob(part)} - {*files}))]
    long = [
        str(file) for file, stack in zip(files, stacks, strict=True) if templates.too_long(stack)
    ]
    for name in () if as_json else stale:
        typer.echo(f"! {name} is of what is no longer in underpass.toml", err=True)
    for name in () if as_json else long:
        typer.echo(f"! {name} is too long for a request: deploy it with --s3-bucket", err=True)
    written = [*map(str, files)]
    data = {"files": written, "stale": stale, "by_s3": long, "tags": config.tags}
    output.result(data, "\n".join(written), as_json=as_json)


def _write(stacks: Sequence[Stack], out: Path) -> list[Path]:
    """Write a file for each stack into ``out``, as it is deployed, and return their paths."""
    from underpass.errors import UsageError

    files = [out / f"{stack.name}.json" for stack in stacks]
    try:
        out.mkdir(parents=True, exist_ok=True)
        for file, stack in zip(files, stacks, strict=True):
            file.write_text(stack.body(), encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"cannot write to {out}",
            str(error.strerror),
            "name a folder that can be written, such as --out templates/",
        ) from error
    return files
