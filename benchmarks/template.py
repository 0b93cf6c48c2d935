"""How long `underpass template examples/notes` takes, as a whole process; and the same in CDK for Python.

Prints a table; with ``--json`` one object. CDK is measured where a Python with aws-cdk-lib and Node are
installed: by default this one, or the one named with ``--cdk-python``. Each runs once before it is measured.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
EXAMPLE = HERE.parent / "examples" / "notes"
UNDERPASS = Path(sys.executable).with_name("underpass")
CDK = HERE / "cdk" / "pattern.py"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=EXAMPLE)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--cdk-runs", type=int, default=3)
    parser.add_argument("--cdk-python", type=Path, default=Path(sys.executable))
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ours = [str(UNDERPASS), "template", str(arguments.folder)]
        theirs = [str(arguments.cdk_python), str(CDK), f"{folder}/cdk.out"]
        figures: dict[str, object] = {"underpass": _measured(ours, arguments.runs)}
        missing = _missing(arguments.cdk_python)
        figures["cdk"] = missing or _measured(theirs, arguments.cdk_runs)
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, found in figures.items():
        if isinstance(found, str):
            print(f"{name:10s} not measured: {found}")
        elif isinstance(found, dict):
            print(
                f"{name:10s} {found['median_s']:6.2f} s  (of {found['runs']} runs: "
                f"{found['best_s']:.2f} to {found['worst_s']:.2f} s; "
                f"{found['cpu_s']:.2f} s of CPU)"
            )


def _missing(python: Path) -> str:
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


def _measured(words: list[str], runs: int) -> dict[str, float]:
    _run(words)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    times = [_run(words) for _ in range(runs)]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "runs": runs,
        "cpu_s": round(cpu_s / runs, 2),
        "median_s": round(statistics.median(times), 2),
        "best_s": round(min(times), 2),
        "worst_s": round(max(times), 2),
    }


def _run(words: list[str]) -> float:
    began = time.monotonic()
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)} failed:\n{done.stderr}")
    return time.monotonic() - began


if __name__ == "__main__":
    main()
