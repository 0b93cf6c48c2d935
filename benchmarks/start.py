"""How long `underpass up examples/notes` takes, and how much memory the region then holds.

Prints a table; with ``--json`` one object. Memory is the proportional set size of every process of the
region's tree, in MiB. Run it with nothing else at work on the machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
EXAMPLE = HERE.parent / "examples" / "notes"
UNDERPASS = Path(sys.executable).with_name("underpass")


def main() -> None:
    """Measure, print, and leave nothing running."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=EXAMPLE)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    fresh, again, memory = [], [], {}
    for _ in range(arguments.runs):
        _underpass("down", arguments.folder, "--data", "--yes")
        fresh.append(_underpass("up", arguments.folder))
        memory = _memory_mib(arguments.folder)
        again.append(_underpass("up", arguments.folder))
    _underpass("down", arguments.folder, "--data", "--yes")
    figures = {
        "runs": arguments.runs,
        "up_s": round(statistics.median(fresh), 2),
        "up_worst_s": round(max(fresh), 2),
        "up_again_s": round(statistics.median(again), 2),
        "memory_mib": round(sum(memory.values()), 1),
        "memory_by_process_mib": memory,
    }
    if arguments.json:
        print(json.dumps(figures))
        return
    worst = f"worst of {arguments.runs}: {figures['up_worst_s']} s"
    print(f"up, nothing there before   {figures['up_s']:6.2f} s  ({worst})")
    print(f"up again, nothing changed  {figures['up_again_s']:6.2f} s")
    print(f"memory of the region       {figures['memory_mib']:6.1f} MiB (PSS)")
    for name, mib in sorted(memory.items(), key=lambda item: -item[1]):
        print(f"  {name:24s} {mib:6.1f} MiB")


def _underpass(command: str, folder: Path, *options: str) -> float:
    began = time.monotonic()
    done = subprocess.run(
        [str(UNDERPASS), command, str(folder), *options],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0 and command == "up":
        sys.exit(f"underpass {command} failed:\n{done.stderr}")
    return time.monotonic() - began


def _memory_mib(folder: Path) -> dict[str, float]:
    """Return the proportional set size of the region's processes, summed by program."""
    root = json.loads((folder / ".underpass" / "region.json").read_text())["pid"]
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    by_program: dict[str, float] = {}
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        waiting.extend(children.get(pid, []))
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            program = Path(f"/proc/{pid}/comm").read_text().strip()
        except OSError:
            continue
        for line in rollup.splitlines():
            if line.startswith("Pss:"):
                by_program[program] = by_program.get(program, 0.0) + int(line.split()[1]) / 1024
    return {name: round(mib, 1) for name, mib in by_program.items()}


if __name__ == "__main__":
    main()
