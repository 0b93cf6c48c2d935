"""How long `underpass up examples/notes` takes, what the region then holds, and what it takes when idle.

Prints a table; with ``--json`` one object. ``--against COMMIT`` measures an earlier commit in turns with
this one, both installed in the same way, and gives the ratios; ``--calls`` counts the region's own API
calls by who makes them. Memory is the proportional set size of every process of the region's tree, in MiB;
CPU is user and system seconds of that tree. Run it with nothing else at work on the machine.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks.installed import HERE, Installed, compiled, earlier

FIGURES = ("up_s", "up_cpu_s", "up_again_s", "memory_mib", "idle_cpu_s")


def main() -> None:
    """Measure, print, and leave nothing running."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=HERE / "examples" / "notes")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--idle", type=float, default=20.0, help="seconds to watch it; 0: not")
    parser.add_argument("--against", metavar="COMMIT")
    parser.add_argument("--calls", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        room = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="underpass-start-")))
        sides = {"now": stack.enter_context(_side(room / "now", arguments.folder, None))}
        if arguments.against:
            sides["then"] = stack.enter_context(
                _side(room / "then", arguments.folder, arguments.against)
            )
        runs: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
        for _ in range(arguments.runs):
            for side, installed in sides.items():
                runs[side].append(_run(installed, arguments.idle))
        counted = arguments.calls or arguments.against
        calls = sides["now"].counted_calls() if counted else {}
    figures = _figures(runs, calls)
    print(json.dumps(figures) if arguments.json else _table(figures, listed=arguments.calls))


@contextmanager
def _side(room: Path, folder: Path, commit: str | None) -> Iterator[Installed]:
    """Give an installation with a copy of the application, whose twin ends with the block."""
    room.mkdir()
    application = room / folder.resolve().name
    shutil.copytree(folder, application, ignore=shutil.ignore_patterns(".underpass", "__pycache__"))
    with ExitStack() as stack:
        source = stack.enter_context(earlier(commit, room / "source")) if commit else HERE
        python = source / ".venv" / "bin" / "python" if commit else Path(sys.executable)
        compiled(python, source)
        installed = Installed(python, application)
        stack.callback(installed.down)
        yield installed


def _run(installed: Installed, idle_s: float) -> dict[str, float]:
    installed.down()
    up_s, command_cpu_s = installed.up()
    found = {"up_s": up_s, "up_cpu_s": command_cpu_s + installed.cpu_s()}
    found["memory_mib"] = sum(installed.memory_mib().values())
    found["up_again_s"], _ = installed.up()
    if idle_s:
        found["idle_cpu_s"] = installed.idle_cpu_s(idle_s)
    installed.down()
    return found


def _figures(
    runs: Mapping[str, list[dict[str, float]]], calls: Mapping[str, int]
) -> dict[str, Any]:
    medians = {
        side: {
            name: round(statistics.median(run[name] for run in found), 2)
            for name in FIGURES
            if name in found[0]
        }
        for side, found in runs.items()
    }
    now = medians["now"]
    figures: dict[str, Any] = {"runs": len(runs["now"]), "now_s": now["up_s"], "now": now}
    figures["worst_s"] = round(max(run["up_s"] for run in runs["now"]), 2)
    figures["calls"] = sum(calls.values())
    figures["calls_by_caller"] = dict(sorted(calls.items(), key=lambda one: -one[1]))
    if then := medians.get("then"):
        ratios = {name: round(now[name] / then[name], 3) for name in now if then[name]}
        figures |= {"then_s": then["up_s"], "then": then}
        figures |= {"ratio": ratios["up_s"], "ratios": ratios}
    return figures


def _table(figures: Mapping[str, Any], *, listed: bool) -> str:
    titles = {
        "up_s": "up, nothing there before (s)",
        "up_cpu_s": "its CPU (s)",
        "up_again_s": "up again, nothing changed (s)",
        "memory_mib": "memory of the region (MiB, PSS)",
        "idle_cpu_s": "CPU while idle (s)",
    }
    lines = [f"{'median of ' + str(figures['runs']):34s} {'now':>8s} {'then':>8s} {'ratio':>7s}"]
    for name, now in figures["now"].items():
        then, ratio = figures.get("then", {}).get(name, ""), figures.get("ratios", {}).get(name, "")
        lines.append(f"{titles[name]:34s} {now:>8} {then:>8} {ratio:>7}")
    if listed:
        lines += [f"{figures['calls']} calls of the region's own, by caller and action"]
        lines += [f"{count:6d} {caller}" for caller, count in figures["calls_by_caller"].items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
