"""A deployment's events on standard error while it runs, and what to say at its end."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import typer

from underpass.config.hints import command

if TYPE_CHECKING:
    from underpass.deploy.steps import Event

_SIGNS = {"finished": "✓", "failed": "✗", "stopped": "-", "warning": "!", "said": "|"}

_PASSING = {"warning", "said"}  # after which a step goes on


class Progress:
    """Prints events: a line for each step that ended, and on a terminal what the others are at.

    Parameters
    ----------
    name
        The application.
    live
        Keep a last line up to date with what is under way; by default on a terminal only.
    """

    def __init__(self, name: str, *, live: bool | None = None) -> None:
        self._name = name
        self._live = sys.stderr.isatty() if live is None else live
        self._running: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Clear the last line: an error may be told next."""
        self._running.clear()
        self._show()

    def __call__(self, event: Event) -> None:
        """Print one event."""
        if event.kind in ("started", "progress"):
            count = f" {event.done}/{event.total}" if event.total else ""
            self._running[event.step] = event.step + count
        elif event.kind not in _PASSING:
            self._running.pop(event.step, None)
        if event.kind in _SIGNS:
            self._write(f"{_line(event)}\n")
        self._show()

    def summary(self, data: Mapping[str, Any]) -> str:
        """Return the end of ``up`` for people, from what ``--json`` prints."""
        rows = [
            (name, f"{reach['url']}  ({reach['endpoint_url']} in its VPC)")
            for name, reach in data["consumers"].items()
        ]
        state = data["state_dir"]
        shell = f'eval "$({command("env", Path(state).parent).strip("`")})"'
        rows += [("AWS API", data["api_url"]), ("its tools", shell), ("state", state)]
        width = max(len(name) for name, _ in rows)
        lines = [f"{self._name} is up, after {data['seconds']:.1f} s"]
        return "\n".join(lines + [f"  {name:<{width}}  {text}" for name, text in rows])

    def _show(self) -> None:
        if self._live:
            running = ", ".join(self._running.values())
            self._write(f"  {running}" if running else "")

    def _write(self, text: str) -> None:
        start = "\r\x1b[K" if self._live else ""
        typer.echo(start + text, nl=False, err=True, color=self._live)


def _line(event: Event) -> str:
    sign = _SIGNS[event.kind]
    if event.kind in _PASSING:
        return f"{sign} {event.step}: {event.text}"
    text = f"  {event.text}" if event.text and event.kind == "finished" else ""
    return f"{sign} {event.step:<20} {event.seconds:6.1f} s{text}"
