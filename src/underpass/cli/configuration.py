"""``init``, ``schema`` and ``check``: the configuration file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from underpass.cli.options import Folder, Json, Yes
from underpass.cli.render import output

OnTwin = Annotated[bool, typer.Option("--twin", help="Also refuse what the twin does not have.")]

app = typer.Typer()


@app.command()
def init(folder: Folder = Path(), *, yes: Yes = False, as_json: Json = False) -> None:
    """Write a commented underpass.toml."""
    from underpass.config import FILE_NAME
    from underpass.config.hints import command
    from underpass.config.reference import application, reference
    from underpass.errors import UsageError

    if folder.is_file() or (folder.name == FILE_NAME and not folder.is_dir()):
        raise UsageError(
            f"{folder} is a file, not a folder" if folder.exists() else f"{folder} names a file",
            f"init writes an {FILE_NAME} into a folder",
            f"name the folder: run {command('init', folder.parent)}",
        )
    file = folder / FILE_NAME
    text = reference(application(folder.resolve().name))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with file.open("w" if yes else "x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError as error:
        raise UsageError(
            f"{error.filename} exists",
            "init does not overwrite",
            f"edit it, or run {command('init', folder, '--yes')} to start anew",
        ) from error
    except OSError as error:
        raise UsageError(
            f"cannot write {file}", str(error.strerror), "name a folder that can be written"
        ) from error
    output.result(
        {"file": str(file)},
        f"wrote {file}\nnext: edit it, then run {command('check', folder)}",
        as_json=as_json,
    )


@app.command()
def schema(*, as_json: Json = False) -> None:
    """Print the JSON schema of underpass.toml, for editors."""
    import json

    from underpass.config.reference import schema as of_the_file

    typer.echo(json.dumps(of_the_file(), indent=None if as_json else 2))


@app.command()
def check(folder: Folder = Path(), *, twin: OnTwin = False, as_json: Json = False) -> None:
    """Say whether underpass.toml can be used, and everything wrong with it."""
    from dataclasses import asdict

    from underpass.config import FILE_NAME, addons, advice, load

    config = load(folder)
    if twin:
        from underpass.twin.host.target import TwinTarget

        TwinTarget.preflight(config)
    file = folder / FILE_NAME if folder.is_dir() else folder
    warnings = advice(config, folder)
    for warning in () if as_json else warnings:
        typer.echo(f"! {warning}", err=True)
    told: dict[str, Any] = {"file": str(file), "name": config.name}
    if warnings:
        told["warnings"] = [asdict(one) for one in warnings]
    lines = [f"{file}: ok"]
    if outputs := addons.outputs(config):
        told["addons"] = [asdict(one) for one in outputs]
        lines += [f"  {one}" for one in outputs]
    output.result(told, "\n".join(lines), as_json=as_json)
