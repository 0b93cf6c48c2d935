"""Arguments and options that several commands share, and what they name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from underpass.errors import UsageError

if TYPE_CHECKING:
    from underpass.config import Config
    from underpass.twin.host.target import TwinTarget


def reachable(folder: Path | None) -> Path | None:
    """Return a folder as it was named, when the system can tell what is there, if anything is.

    Raises
    ------
    UsageError
        For a folder on the way that is closed, a link to itself, a name that is too long, and a working
        directory that has been deleted.
    """
    if folder is None:
        return None
    try:
        (folder / "underpass.toml").stat()
    except (FileNotFoundError, NotADirectoryError):
        pass  # what is missing is told by the command: only init does without it
    except OSError as error:
        raise UsageError(
            f"cannot look into {folder}", str(error.strerror), "name another folder"
        ) from error
    if not folder.is_absolute():
        _working_directory()
    return folder


def _working_directory() -> None:
    try:
        Path.cwd()
    except FileNotFoundError as error:
        raise UsageError(
            "the working directory is not there any more", "it has been deleted", "cd to another"
        ) from error


@contextmanager
def on_twin(folder: Path | None) -> Iterator[tuple[Config, TwinTarget]]:
    """Give the application and its twin, which must answer; AWS's errors are told as the twin's."""
    from underpass.config import load
    from underpass.twin.host import answering
    from underpass.twin.host.running_twins import select
    from underpass.twin.host.target import TwinTarget

    running = select(folder)
    answering.check(running)
    config = load(running.state.parent)
    with answering.explained(running):
        yield config, TwinTarget(running, config)


_HELP = "The folder with underpass.toml"
Folder = Annotated[Path, typer.Argument(help=f"{_HELP}.", callback=reachable)]
AnyFolder = Annotated[
    Path | None,
    typer.Argument(help=f"{_HELP}; may be left out when one twin runs.", callback=reachable),
]
Json = Annotated[bool, typer.Option("--json", help="Print one line of JSON on standard output.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not stop before something is lost.")]
AllowReplace = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-replace",
        help="Let this resource, which holds data or serves, be replaced or removed; repeatable.",
        metavar="RESOURCE",
    ),
]
