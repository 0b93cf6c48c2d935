"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Argument(help="The folder with underpass.toml.")]
Json = Annotated[bool, typer.Option("--json", help="Print one line of JSON on standard output.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not stop before something is lost.")]
AllowReplace = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-replace",
        help="Let this resource, which holds data, be replaced or removed; repeatable.",
        metavar="RESOURCE",
    ),
]
