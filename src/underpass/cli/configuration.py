"""``init``, ``schema`` and ``check``: the configuration file."""

from __future__ import annotations

from pathlib import Path

import typer

from underpass.cli.options import Folder, Json, Yes
from underpass.cli.render import output

app = typer.Typer()


@app.command()
def init(folder: Folder = Path(), *, yes: Yes = False, as_json: Json = False) -> None:
    """Write a commented underpass.toml."""
    from underpass.config import FILE_NAME
    from underpass.config.reference import reference, slug
    from underpass.errors import UsageError

    file = folder / FILE_NAME
    name = slug(folder.resolve().name)
    text = reference(name if len(name) > 1 else "app")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with file.open("w" if yes else "x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError as error:
        raise UsageError(
            f"{error.filename} exists",
            "init does not overwrite",
            f"edit it, or run `underpass init {folder} --yes` to start anew",
        ) from error
    except OSError as error:
        raise UsageError(f"cannot write {file}", str(error.strerror)) from error
    output.result(
        {"file": str(file)},
        f"wrote {file}\nnext: edit it, then run `underpass check {folder}`",
        as_json=as_json,
    )


@app.command()
def schema(*, as_json: Json = False) -> None:
    """Print the JSON schema of underpass.toml, for editors."""
    import json

    from underpass.config.schema import schema as of_the_file

    typer.echo(json.dumps(of_the_file(), indent=None if as_json else 2))


@app.command()
def check(folder: Folder = Path(), *, as_json: Json = False) -> None:
    """Say whether underpass.toml can be used, and everything wrong with it."""
    from underpass.config import FILE_NAME, load

    config = load(folder)
    file = folder / FILE_NAME if folder.is_dir() else folder
    output.result({"file": str(file), "name": config.name}, f"{file}: ok", as_json=as_json)
