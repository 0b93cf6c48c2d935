"""``up`` and ``down``: the twin's life."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from underpass.cli.options import AllowReplace, AnyFolder, Folder, Json, Yes
from underpass.cli.render import output

app = typer.Typer()

Port = Annotated[
    int | None,
    typer.Option("--port", min=1, max=65535, help="The loopback port of the first consumer."),
]
ApiPort = Annotated[
    int | None, typer.Option("--api-port", min=1, max=65535, help="The AWS API's loopback port.")
]


@app.command()
def up(
    folder: Folder = Path(),
    *,
    port: Port = None,
    api_port: ApiPort = None,
    allow_replace: AllowReplace = None,
    empty: Annotated[
        bool,
        typer.Option("--empty", help="Deploy nothing: a region for tools of your own."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Run the application on the twin, or bring a running twin up to date."""
    import time
    from dataclasses import asdict

    from underpass.cli.render.progress import Progress
    from underpass.cli.up import bring_up, bring_up_empty
    from underpass.config import load
    from underpass.errors import UsageError

    if empty and (port is not None or allow_replace):
        raise UsageError(
            "--empty takes neither --port nor --allow-replace",
            "it deploys nothing",
            "leave them out",
        )
    config = None if empty else load(folder)
    began, consumers = time.monotonic(), {}
    with Progress(config.name if config else "an empty twin") as progress:
        if config:
            running, result = bring_up(
                config, progress, port=port, api_port=api_port, allowed=allow_replace or ()
            )
            consumers = {name: asdict(reach) for name, reach in result.consumers.items()}
        else:
            running = bring_up_empty(folder, api_port=api_port)
    data = {
        "seconds": round(time.monotonic() - began, 2),
        "consumers": consumers,
        "api_url": running.api_url,
        "state_dir": str(running.state),
    }
    output.result(data, progress.summary(data), as_json=as_json)


@app.command()
def down(
    folder: AnyFolder = None,
    *,
    data: Annotated[
        bool, typer.Option("--data", help="Delete the databases and files as well; needs --yes.")
    ] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """End the twin; its databases and files stay in the state folder."""
    import shutil

    from underpass.config.hints import command
    from underpass.errors import UsageError
    from underpass.twin.host import launch
    from underpass.twin.host import running_twins as running

    state = running.state_folder(folder) if folder else running.meant(None)
    if data and not yes:
        raise UsageError(
            "this deletes the twin's databases and files", str(state), "add --yes to go ahead"
        )
    if data and folder is None and state != running.state_folder(Path()):
        raise UsageError(
            "the twin that runs is another folder's, and --data deletes what it holds",
            str(state),
            f"run {command('down', state.parent, '--data', '--yes')} if you mean it",
        )
    ended = False
    if state.exists():
        with launch.locked(state):
            region = running.find(state)
            if region:
                launch.stop(region)
                ended = True
        if data:
            shutil.rmtree(state)
    kept = state.exists()
    text = f"the twin of {state.parent} has ended" if ended else "no twin was running"
    if kept:
        text += f"\nits databases and files are kept in {state}"
    output.result(
        {"ended": ended, "state_dir": str(state) if kept else None}, text, as_json=as_json
    )
