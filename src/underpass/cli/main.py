"""The ``underpass`` command: its groups of commands, and the one place where errors are told.

Everything heavy (pydantic, boto3, troposphere, the twin) is imported by the commands when they run,
so that ``--help`` answers at once.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from underpass import __version__
from underpass.cli import chaos, configuration, env, faults, plan, registrar, templates, twin
from underpass.cli import exec as exec_
from underpass.cli import run as run_
from underpass.cli.render import output

INTERRUPTED = 130  # as shells count a process that Ctrl-C ended
_GROUPS = {  # and their commands
    configuration: ("init", "schema", "check"),
    templates: ("template",),
    plan: ("plan",),
    twin: ("up", "down"),
    env: ("env",),
    exec_: ("status", "logs", "exec", "open"),
    registrar: ("registrar",),
    run_: ("run",),
    chaos: ("chaos",),
}
_BETWEEN_COLLECTIONS = 100_000  # objects: imports make tens of thousands, none of them garbage


def run() -> None:
    """Run the command line and end the process."""
    gc.set_threshold(_BETWEEN_COLLECTIONS)
    status = main(sys.argv[1:])
    try:
        if sys.stdout:
            sys.stdout.flush()
    except OSError:  # told already; what is left of the output would fail once more at the very end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = status or 1
    gc.freeze()  # the interpreter would collect all of it once more before it ends
    sys.exit(status)


def main(arguments: Sequence[str]) -> int:
    """Run one command and return the exit status: 0 done, 1 failed, 2 not understood.

    An expected error is printed as what happened, why, and what to do next; with ``--json`` as one
    line on standard output. Anything else is a fault of underpass and shows its traceback.
    """
    ours = arguments[: arguments.index("--")] if "--" in arguments else arguments
    try:
        status = application(*arguments[:1])(
            list(arguments) or ["--help"], prog_name="underpass", standalone_mode=False
        )
    except Exception as error:
        told = faults.expected(error)
        if told is None:
            raise
        output.failure(told, as_json="--json" in ours)
        return told.exit_status
    except KeyboardInterrupt:
        return INTERRUPTED
    return status if isinstance(status, int) else 0


def application(word: str = "") -> typer.Typer:
    """Return the command line: the group of commands that has ``word``, or else every group.

    Making a command takes a millisecond.
    """
    app = typer.Typer(
        help="A private way under the public road: host a container application on Amazon ECS, "
        "reached only over AWS PrivateLink.",
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for group in [group for group, words in _GROUPS.items() if word in words] or _GROUPS:
        app.add_typer(group.app)
    return app


def _print_version(asked: bool) -> None:  # noqa: FBT001  typer calls it with the option's value
    if asked:
        typer.echo(f"underpass {__version__}")
        raise typer.Exit


def _root(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and end."
        ),
    ] = False,
) -> None:
    pass
