"""``status``, ``logs``, ``exec`` and ``open``: what runs, what it says, and being where it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from underpass.cli.options import AnyFolder, Json, on_twin, reachable
from underpass.cli.render import output

app = typer.Typer()


@app.command()
def status(folder: AnyFolder = None, *, as_json: Json = False) -> int:
    """Show the tasks, targets, stacks, database and endpoints, and what failed; 1 while something is down."""
    from dataclasses import asdict

    from underpass.cli.render import tables
    from underpass.deploy.observe.status import status as of_everything
    from underpass.twin.host import answering
    from underpass.twin.host.running_twins import select

    running = select(folder)
    failures = answering.check(running)
    if running.name:
        with on_twin(folder) as (config, target):
            seen = of_everything(config, target)
        data, text = asdict(seen), "" if as_json else tables.status(seen)
    else:
        data = {"api_url": running.api_url, "region": running.region}
        text = f"an empty twin\n  AWS API  {running.api_url}\n  region   {running.region}"
    well = not any(one["down"] for one in failures)
    if as_json:
        output.line({"ok": well, **data, "failures": failures})
    else:
        typer.echo(text + tables.failures(failures))
    return 0 if well else 1


@app.command()
def logs(
    folder: AnyFolder = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines arrive.")] = False,
    task: Annotated[
        str, typer.Option("--task", help="Only this task's; its id, or the start.")
    ] = "",
    container: Annotated[
        str,
        typer.Option(
            "--container", help="Only what this says: a sidecar, a worker, a job, release."
        ),
    ] = "",
    as_json: Json = False,
) -> None:
    """Print what the tasks have written, the oldest first."""
    import json

    from underpass.deploy.clock import Clock
    from underpass.deploy.observe import logs as written

    with on_twin(folder) as (config, target):
        client = target.client("logs")
        lines = (
            written.follow(client, config.name, Clock(), task=task, container=container)
            if follow
            else written.read(client, config.name, task=task, container=container)
        )
        for line in lines:
            if as_json:
                told = {
                    "time": line.time.isoformat(),
                    "task": line.task,
                    "container": line.container,
                }
                typer.echo(json.dumps({**told, "text": line.text}))
            else:
                whose = "" if line.container == config.name else f" {line.container}"
                typer.echo(f"{line.time:%H:%M:%S} {line.task[:8]}{whose}  {line.text}")


@app.command("exec")
def execute(
    argv: Annotated[list[str], typer.Argument(metavar="-- COMMAND...", help="The command.")],
    *,
    place: Annotated[
        str,
        typer.Option(
            "--in", help="consumer/NAME, task/ID, task/ID/CONTAINER or internet.", metavar="PLACE"
        ),
    ],
    folder: Annotated[
        Path | None,
        typer.Option("--folder", help="The folder with underpass.toml.", callback=reachable),
    ] = None,
    as_json: Json = False,
) -> int:
    """Run a command at a place of the twin, with the network and the names it has there."""
    import os
    import subprocess

    from underpass.twin.host import nsenter
    from underpass.twin.host.running_twins import select

    if folder is None and len(argv) > 1 and _is_application(argv[0]):
        folder, argv = Path(argv[0]), argv[1:]  # as the other commands take it
    command = nsenter.command(select(folder), place, argv, Path.cwd())
    if not as_json:
        os.execvp(command[0], command)  # noqa: S606  terminal, signals and status become the command's
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    output.line(
        {
            "ok": done.returncode == 0,
            "exit_status": done.returncode,
            "stdout": done.stdout,
            "stderr": done.stderr,
        }
    )
    return done.returncode


@app.command("open")
def open_(folder: AnyFolder = None, *, as_json: Json = False) -> None:
    """Open the application in a browser, through the first consumer's VPC."""
    from dataclasses import asdict

    from underpass.deploy.reach import reaches

    with on_twin(folder) as known:
        found = reaches(*known)
    if as_json:
        output.line({name: asdict(reach) for name, reach in found.items()})
        return
    for name, reach in found.items():
        typer.echo(f"{name}: {reach.url}")
    typer.launch(next(iter(found.values())).url)


def _is_application(word: str) -> bool:
    try:
        return Path(word, "underpass.toml").is_file()
    except OSError:  # the word is too long, or leads where nothing may be read
        return False
