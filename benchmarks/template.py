"""How long `underpass template examples/notes` takes, as a whole process; and the same in CDK for Python.

The two take turns, after a run of each that is not measured and leaves only Python's own `.pyc` files.
Prints a table; with ``--json`` one object: the ratio of the medians (wall clock), the medians, and every run.

CDK needs a Python with aws-cdk-lib and Node: by default this Python, or the one of ``--cdk-python``, made by
``python -m venv /tmp/cdk && /tmp/cdk/bin/pip install aws-cdk-lib``. Where they are missing it says so.

With ``--against``, and another checkout's folder, nothing is timed: every template of the tests' matrix is
made by both, and those whose bytes differ are named.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
EXAMPLE = HERE.parent / "examples" / "notes"
UNDERPASS = Path(sys.executable).with_name("underpass")
CDK = HERE / "cdk" / "pattern.py"
DIGESTS = """
import hashlib
from tests.unit.blueprint.configs import CURATED
from underpass.blueprint import stacks
for name, config in CURATED.items():
    for stack in stacks(config):
        told = (stack.text() + stack.body() + repr((stack.parameters, stack.account))).encode()
        print(name, stack.name, hashlib.sha256(told).hexdigest())
"""


@dataclass(frozen=True)
class Run:
    """One process, from its start to its end."""

    wall_s: float
    cpu_s: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=EXAMPLE)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--cdk-python", type=Path, default=Path(sys.executable))
    parser.add_argument("--against", type=Path, metavar="CHECKOUT")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.against:
        sys.exit(compare(arguments.against))
    with tempfile.TemporaryDirectory() as folder:
        commands = {"now": [str(UNDERPASS), "template", str(arguments.folder)]}
        missing = missing_for_cdk(arguments.cdk_python)
        if not missing:
            commands["cdk"] = [str(arguments.cdk_python), str(CDK), f"{folder}/cdk.out"]
        runs = alternating(commands, arguments.runs)
    if arguments.json:
        print(json.dumps(figures(runs) | ({"cdk": f"not measured: {missing}"} if missing else {})))
        return
    for name, measured in runs.items():
        walls = [run.wall_s for run in measured]
        cpu_s = statistics.median(run.cpu_s for run in measured)
        print(
            f"{name:5s} {statistics.median(walls):6.2f} s  (of {len(walls)} runs: "
            f"{min(walls):.2f} to {max(walls):.2f} s; {cpu_s:.2f} s of CPU)"
        )
    print(f"cdk   not measured: {missing}" if missing else f"ratio {figures(runs)['ratio']}")


def alternating(commands: dict[str, list[str]], times: int) -> dict[str, list[Run]]:
    """Run the commands in turn, and once before."""
    for words in commands.values():
        run(words)
    turns = [{name: run(words) for name, words in commands.items()} for _ in range(times)]
    return {name: [turn[name] for turn in turns] for name in commands}


def figures(runs: dict[str, list[Run]]) -> dict[str, object]:
    """Return the medians of the wall clock, their ratio, and all that was measured."""
    medians = {name: statistics.median(one.wall_s for one in runs[name]) for name in runs}
    return {
        "ratio": round(medians["cdk"] / medians["now"], 1) if "cdk" in medians else None,
        **{f"{name}_s": round(median, 3) for name, median in medians.items()},
        "runs": {name: [round(one.wall_s, 3) for one in runs[name]] for name in runs},
        "cpu_s": {
            name: round(statistics.median(one.cpu_s for one in runs[name]), 3) for name in runs
        },
    }


def missing_for_cdk(python: Path) -> str:
    """Return what CDK lacks here; empty when it can run."""
    for words, what in (
        ([str(python), "-c", "import aws_cdk"], f"aws-cdk-lib is not installed for {python}"),
        (["node", "--version"], "node is not installed"),
    ):
        try:
            subprocess.run(words, capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return what
    return ""


def run(words: list[str]) -> Run:
    """Run a command to its end, with the `.pyc` files of the run before."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    wall_s = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)} failed:\n{done.stderr}")
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(wall_s, cpu_s)


def compare(checkout: Path) -> int:
    """Tell the templates whose bytes are others in ``checkout``; return 1 if there is one."""
    now, then = digests(HERE.parent), digests(checkout.resolve())
    different = sorted(name for name in {*now, *then} if now.get(name) != then.get(name))
    print("\n".join(different) or f"{len(now)} templates, the same bytes")
    return 1 if different else 0


def digests(checkout: Path) -> dict[str, str]:
    """Return a digest of every template that a checkout's matrix gives, by configuration and stack."""
    done = subprocess.run(
        [sys.executable, "-c", DIGESTS],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": f"{checkout / 'src'}:{checkout}"},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(line.rsplit(" ", 1) for line in done.stdout.splitlines())


if __name__ == "__main__":
    main()
