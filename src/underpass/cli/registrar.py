"""``registrar run``: the function that keeps the ALB's addresses registered, run from here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from underpass.cli.options import Json, on_twin, reachable
from underpass.cli.render import output

if TYPE_CHECKING:
    from underpass.config import Config
    from underpass.deploy.registrar import Reachable

app = typer.Typer()
group = typer.Typer(help="The function that keeps the ALB's addresses registered with the NLB.")
app.add_typer(group, name="registrar")


class To(StrEnum):
    """Where the application is deployed."""

    TWIN = "twin"
    AWS = "aws"


@group.callback()
def _group() -> None:
    pass  # so that ``run`` stays a word of its own


@group.command()
def run(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="The folder with underpass.toml; when left out, the twin that runs, or this folder.",
            callback=reachable,
        ),
    ] = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    target: Annotated[To, typer.Option("--target", help="Where it is deployed.")] = To.TWIN,
    max_removals: Annotated[
        int | None,
        typer.Option(
            "--max-removals",
            min=0,
            max=9999,
            help="Remove up to this many from a target group, or as many as stay healthy if more.",
        ),
    ] = None,
    as_json: Json = False,
) -> int:
    """Compare the ALB's interfaces with the target groups, and repair the difference."""
    from underpass.deploy import registrar

    known: AbstractContextManager[tuple[Config, Reachable]]
    known = nullcontext(_in_account(folder)) if target is To.AWS else on_twin(folder)
    with known as (config, reached):
        report = registrar.run(config, reached, dry_run=dry_run, max_removals=max_removals)
    if as_json:
        output.line({"ok": not report["errors"], "dry_run": dry_run, **report})
    else:
        typer.echo("\n".join(_told(report, dry_run=dry_run)))
    return 1 if report["errors"] else 0


def _in_account(folder: Path | None) -> tuple[Config, Reachable]:
    from underpass.config import load
    from underpass.deploy.account import Account

    config = load(folder or Path())
    return config, Account(config.region)


def _told(report: Mapping[str, Any], *, dry_run: bool) -> Iterator[str]:
    """Yield the report as people read it."""
    dns = report["dns"]
    yield typer.style(report["load_balancer"], bold=True)
    yield f"  interfaces  {_listed(report['addresses'])}"
    yield f"  DNS         {'not asked' if dns is None else dns if isinstance(dns, str) else _listed(dns)}"
    if report["ignored"]:
        yield f"  ignored     {_listed(report['ignored'])}: ELB did not make them"
    would = "would " if dry_run else ""
    for group in report["target_groups"]:
        yield typer.style(group["arn"].split(":")[-1], bold=True)
        yield f"  holds {group['targets']} targets, leads to port {_listed(map(str, group['ports']))}"
        rows = [
            (f"{would}{word}", *item)
            for word, key in (
                ("register", "registered"),
                ("deregister", "deregistered"),
                ("hold back", "held_back"),
                ("keep", "kept"),
                ("leave out", "left"),
                ("leave alone", "foreign"),
            )
            for item in group[key].items()
        ]
        width = max((len(row[0]) for row in rows), default=0)
        yield from (f"  {what:<{width}}  {where}  ({why})" for what, where, why in rows)
        if not rows:
            yield "  nothing to do"
    for error in report["errors"]:
        yield typer.style(f"failed: {error}", fg="red")


def _listed(words: Any) -> str:
    return ", ".join(words) or "none"
