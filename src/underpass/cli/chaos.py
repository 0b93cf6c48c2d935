"""``chaos``: parts of a running twin taken away under load, with what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from underpass.cli.options import AnyFolder, Json
from underpass.cli.render import output

if TYPE_CHECKING:
    from underpass.twin.chaos.rotation import Rotation

app = typer.Typer()
chaos = typer.Typer(help="Take parts of the twin away under load, and count what is lost.")
app.add_typer(chaos, name="chaos")

Rate = Annotated[
    float, typer.Option("--requests-per-second", min=1, max=2000, help="How much load.")
]
Seconds = Annotated[
    float, typer.Option("--seconds", min=5, max=600, help="How long the load lasts.")
]


@chaos.callback()
def _group() -> None:
    """Keep ``rotate-alb`` a subcommand while it is the only one."""


@chaos.command("rotate-alb")
def rotate_alb(
    folder: AnyFolder = None,
    *,
    requests_per_second: Rate = 200,
    seconds: Seconds = 30,
    strangers: Annotated[
        bool,
        typer.Option("--strangers", help="Have every address the ALB gives up taken at once."),
    ] = False,
    as_json: Json = False,
) -> int:
    """Replace every address of the ALB once, under load from the first consumer."""
    from dataclasses import asdict

    from underpass.config import load
    from underpass.config.hints import command
    from underpass.errors import UsageError
    from underpass.twin.chaos.demand import Demand
    from underpass.twin.chaos.rotation import release_addresses, rotate_alb
    from underpass.twin.host.running_twins import select

    running = select(folder)
    config = load(running.state.parent)
    if not config.consumers:
        raise UsageError(
            "there is no consumer to send the load from",
            "underpass.toml has no [[consumers]]",
            f"add one and run {command('up', config.folder)}",
        )
    if config.service.protocol != "http1":
        raise UsageError(
            "the load cannot be sent",
            f'it is HTTP/1.1, and with protocol = "{config.service.protocol}" the ALB takes HTTP/2 only',
            f"send one of your own: `underpass exec --in consumer/{config.consumers[0].name} -- COMMAND`",
        )
    demand = Demand(
        consumer=config.consumers[0].name,
        url=f"{'https' if config.tls else 'http'}://{config.domain}",
        path=config.service.health_path,
        rate=requests_per_second,
        seconds=seconds,
    )
    seen = rotate_alb(running, demand, strangers=strangers)
    if strangers:
        release_addresses(running)
    if as_json:
        output.line({"ok": not seen.lost, **asdict(seen)})
    else:
        typer.echo(_table(seen))
    return 1 if seen.lost else 0


def _table(seen: Rotation) -> str:
    requests = seen.load
    lines = [
        f"requests            {requests['requests']:7d}   over {requests['seconds']} s",
        f"  failed            {requests['failed']:7d}   {_kinds(requests)}",
        f"  to a stranger     {requests['to_stranger']:7d}",
        f"  over a second     {requests['over_a_second']:7d}   slowest {requests['slowest_s']} s",
        "",
        "new address         named   registered   serving     seconds after its interface was made",
        *(
            f"  {address:15s} {_s(one['named_s'])}  {_s(one['registered_s'])}      {_s(one['serving_s'])}"
            for address, one in seen.new.items()
        ),
        "",
        "gone address        removed from the NLB, in seconds",
        *(_gone(address, one) for address, one in seen.gone.items()),
    ]
    return "\n".join(line.rstrip() for line in lines)


def _gone(address: str, one: Mapping[str, float | None]) -> str:
    dead, free = one["after_it_was_dead_s"], one["after_its_interface_was_gone_s"]
    return (
        f"  {address:15s} {_s(dead)} after nothing answered there,"
        f" {_s(free)} after its interface was gone"
    )


def _s(seconds: float | None) -> str:
    return "  never" if seconds is None else f"{seconds:7.2f}"


def _kinds(requests: object) -> str:
    errors = requests["errors"] if isinstance(requests, dict) else {}
    return ", ".join(f"{kind} {count}" for kind, count in errors.items())
