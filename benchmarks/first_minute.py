"""How long a newcomer's `make up` takes, from a clone with empty caches, beside an earlier commit's.

Clones what is committed here and the earlier commit, by turns, each time into a new folder with package
caches of its own, and times ``make up`` as a whole: environment, packages, example, page. Needs the package
index.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Measure, print, and leave nothing running."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", default="64e212f", help="the earlier commit")
    parser.add_argument("--runs", type=int, default=2, help="of each")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    taken: dict[str, list[float]] = {arguments.against: [], "HEAD": []}
    for _ in range(arguments.runs):
        for commit, seconds in taken.items():
            seconds.append(_first_minute(commit))
            print(f"{commit:10} {seconds[-1]:6.1f} s", file=sys.stderr)
    then, now = (statistics.median(seconds) for seconds in taken.values())
    figures = {"ratio": round(now / then, 2), "now_s": round(now, 1), "then_s": round(then, 1)}
    if arguments.json:
        print(json.dumps(figures | {"runs": taken}))
    else:
        print("make up: {now_s} s, then {then_s} s; ratio {ratio}".format(**figures))


def _first_minute(commit: str) -> float:
    place = Path(tempfile.mkdtemp(prefix="first-minute-"))
    clone = place / "underpass"
    try:
        _run("git", "clone", "--quiet", "--no-checkout", str(ROOT), str(clone))
        _run("git", "-C", str(clone), "checkout", "--quiet", _named(commit))
        caches = ("XDG_CACHE_HOME", "PIP_CACHE_DIR", "UV_CACHE_DIR")
        environment = os.environ | {name: str(place / name.lower()) for name in caches}
        began = time.monotonic()
        _run("make", "up", cwd=clone, env=environment)
        return time.monotonic() - began
    finally:
        if (clone / ".venv" / ".ready").exists():
            _run("make", "down", cwd=clone)
        shutil.rmtree(place)


def _named(commit: str) -> str:
    """Return the full name of a commit of this clone, as it may be another's in the new one."""
    named = ["git", "-C", str(ROOT), "rev-parse", f"{commit}^{{commit}}"]
    return subprocess.run(named, check=True, capture_output=True, text=True).stdout.strip()


def _run(*argv: str, cwd: Path = ROOT, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(argv)} failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
