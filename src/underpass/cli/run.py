"""``run``: a job now, and not when its schedule says."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from underpass.cli.options import Json, on_twin, reachable
from underpass.cli.registrar import To
from underpass.cli.render import output
from underpass.errors import UnderpassError

if TYPE_CHECKING:
    from underpass.config import Config
    from underpass.deploy.observe.jobs import Reachable, Run

app = typer.Typer()


@app.command()
def run(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="The folder with underpass.toml; when left out, the twin that runs, or this folder.",
            callback=reachable,
        ),
    ] = None,
    *,
    job: Annotated[str, typer.Option("--job", help="Which of [[jobs]], by its name.")],
    target: Annotated[To, typer.Option("--target", help="Where it is deployed.")] = To.TWIN,
    as_json: Json = False,
) -> int:
    """Run a job now: print its log as it comes, and end as it does; 1 when it failed."""
    from dataclasses import asdict

    from underpass.deploy import jobs
    from underpass.deploy.clock import Clock

    said: list[str] = []
    known: AbstractContextManager[tuple[Config, Reachable]]
    known = nullcontext(_in_account(folder)) if target is To.AWS else on_twin(folder)
    with known as (config, reached):
        ended = jobs.run(
            config,
            reached,
            job,
            Clock(),
            started=lambda task: typer.echo(f"task {task} is on its way", err=True),
            say=said.append if as_json else typer.echo,
        )
    if as_json:
        output.line({"ok": ended.exit_code == 0, "job": job, **asdict(ended), "log": said})
        return 0 if ended.exit_code == 0 else 1
    if ended.exit_code != 0:
        raise _failed(job, ended, target)
    return 0


def _failed(job: str, ended: Run, target: To) -> UnderpassError:
    code = "it has no exit code" if ended.exit_code is None else f"exit code {ended.exit_code}"
    log = (
        f"`underpass logs --container {job}`"
        if target is To.TWIN
        else "its log group in CloudWatch"
    )
    return UnderpassError(
        f"the job {job} failed",
        f"{code}: {ended.reason} (task {ended.task})",
        f"change what is wrong and run it again; what it said is in {log}",
    )


def _in_account(folder: Path | None) -> tuple[Config, Reachable]:
    from underpass.config import load
    from underpass.deploy.account import Account

    config = load(folder or Path())
    return config, Account(config.region)
