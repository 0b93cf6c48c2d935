"""``plan``: what ``up`` would change."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from underpass.cli.options import AllowReplace, Folder, Json
from underpass.cli.render import output

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from underpass.config import Config
    from underpass.deploy.plan import StackPlan
    from underpass.deploy.stacks.changes import Change
    from underpass.twin.host.target import TwinTarget

app = typer.Typer()

_CHANGES, _FAILED = 1, 2  # exit statuses


@app.command()
def plan(
    folder: Folder = Path(), *, allow_replace: AllowReplace = None, as_json: Json = False
) -> int:
    """Show what up would change; exit status 0: nothing, 1: something, 2: it cannot or must not."""
    from underpass.cli import faults

    try:
        return _show(folder, allow_replace or (), as_json=as_json)
    except BrokenPipeError:  # nobody reads any more
        return _FAILED
    except Exception as error:  # noqa: BLE001  Python's own status, 1, would mean changes
        told = faults.expected(error)
        if told is None:
            traceback.print_exc()
            return _FAILED
        told.exit_status = _FAILED
        raise told from None


def _show(folder: Path, allowed: Collection[str], *, as_json: bool) -> int:
    from dataclasses import asdict

    from botocore.exceptions import BotoCoreError, ClientError

    from underpass.config import load
    from underpass.deploy import plan as planning
    from underpass.errors import UsageError

    config = load(folder)
    try:
        plans = planning.plan(config, _running(config))
    except (BotoCoreError, ClientError) as error:
        raise UsageError("AWS did not tell what would change", str(error)) from error
    if not as_json:
        typer.echo("\n".join(line for one in plans for line in _lines(one)))
    planning.refuse(plans, allowed)
    changed = any(one.action != "none" for one in plans)
    if as_json:
        output.line({"ok": True, "changed": changed, "stacks": [asdict(one) for one in plans]})
    return _CHANGES if changed else 0


def _running(config: Config) -> TwinTarget | None:
    from underpass.cli.up import same_application
    from underpass.twin.host import answering
    from underpass.twin.host.running_twins import find, state_folder
    from underpass.twin.host.target import TwinTarget

    running = find(state_folder(config.folder))
    if running is None:
        return None
    same_application(running, config)
    answering.check(running)
    return TwinTarget(running, config)


def _lines(plan: StackPlan) -> Iterator[str]:
    count = f"{len(plan.changes)} resource{'s' * (len(plan.changes) != 1)}"
    does = {
        "none": "nothing to change",
        "create": f"is created, with {count}",
        "update": f"changes in {count}",
        "delete": f"is deleted, with {count}",
    }
    yield typer.style(plan.name, bold=True) + f": {does[plan.action]}"
    if plan.note:
        yield f"  {plan.note}"
    if plan.admission:
        yield "  " + typer.style(plan.admission, fg="yellow")
    if plan.upgrade:
        yield "  " + typer.style(plan.upgrade, fg="yellow")
    for change in plan.changes:
        yield f"  {_line(plan, change)}"


def _line(plan: StackPlan, change: Change) -> str:
    """Return one change; ``!`` marks those that take data away or may."""
    from underpass.deploy.stacks.data_loss import replaced, staying

    outcome = replaced(change, plan.changes)
    does = {None: "may be replaced", True: "is replaced", False: "in place"}[outcome]
    if change.action == "Modify" and not change.replacement:
        does = "changes"
    signs = {"Add": "+", "Remove": "-", "Modify": "~" if outcome is False else "±"}
    lost = any(loss.change == change for loss in plan.losses)
    names = [cause.name for cause in change.causes if cause.recreates or outcome is False]
    known = f", {change.physical_id}" if change.physical_id else ""
    text = (
        f"{'!' if lost else ' '}{signs[change.action]} {change.logical_id} ({change.type}{known})"
    )
    if change.action == "Modify":
        text += f" {does}" + (f": {', '.join(names)}" if names else "")
    if told := staying(change, plan.changes):
        text += f" {told}"
    return typer.style(text, fg="red") if lost else text
