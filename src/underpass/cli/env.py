"""``env``: what a shell, the ``aws`` command, an SDK and CDK need to reach the twin's API."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from underpass.cli.options import AnyFolder, Json
from underpass.cli.render import output

if TYPE_CHECKING:
    from underpass.twin.host.running_twins import Running
    from underpass.twin.region.credentials import Credentials

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
def env(
    folder: AnyFolder = None,
    *,
    account: Annotated[
        str, typer.Option(help="Another account of the twin's, by its 12 digits; for an hour.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Print what the AWS tools need to reach the twin: eval "$(underpass env)"."""
    import shlex

    from underpass.twin.host import running_twins
    from underpass.twin.region import credentials
    from underpass.twin.region.aws import ACCOUNT_ID as OWN

    region = running_twins.select(Path(folder) if folder else None)
    key = credentials.read(region.state) if account in {"", OWN} else _key_of(region, account)
    given = {
        "AWS_ENDPOINT_URL": region.api_url,
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
        "AWS_REGION": region.region,
        "AWS_DEFAULT_REGION": region.region,
    }
    if key.session_token:
        given["AWS_SESSION_TOKEN"] = key.session_token
    gone = [
        *(one for one in _ASTRAY if one not in given),
        *sorted(one for one in os.environ if one.startswith("AWS_ENDPOINT_URL_")),
    ]
    lines = [f"export {name}={shlex.quote(value)}" for name, value in given.items()]
    text = "\n".join([*lines, *(f"unset {shlex.quote(name)}" for name in gone)])
    output.result({"set": given, "unset": gone}, text, as_json=as_json)


def _key_of(region: Running, account: str) -> Credentials:
    from underpass.errors import UsageError
    from underpass.twin.host import accounts, target

    if not re.fullmatch(r"[0-9]{12}", account):
        raise UsageError(
            f"{account} is no account",
            "an AWS account is called by 12 digits",
            "write such as --account 222222222222; the twin has it from then on",
        )
    return accounts.key(target.clients(region), account)
