"""``env``: what a shell, the ``aws`` command, an SDK and CDK need to reach the twin's API."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from underpass.cli.options import AnyFolder, Json
from underpass.cli.render import output

app = typer.Typer()

# What would lead the AWS tools away from the variables that are set, or make them add a token to the key.
_ASTRAY = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
)


@app.command()
def env(folder: AnyFolder = None, *, as_json: Json = False) -> None:
    """Print what the AWS tools need to reach the twin: eval "$(underpass env)"."""
    import shlex

    from underpass.twin.host import running_twins
    from underpass.twin.region import credentials

    region = running_twins.select(Path(folder) if folder else None)
    key = credentials.read(region.state)
    given = {
        "AWS_ENDPOINT_URL": region.api_url,
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
        "AWS_REGION": region.region,
        "AWS_DEFAULT_REGION": region.region,
    }
    gone = [*_ASTRAY, *sorted(one for one in os.environ if one.startswith("AWS_ENDPOINT_URL_"))]
    lines = [f"export {name}={shlex.quote(value)}" for name, value in given.items()]
    text = "\n".join([*lines, *(f"unset {shlex.quote(name)}" for name in gone)])
    output.result({"set": given, "unset": gone}, text, as_json=as_json)
