"""An installation of underpass and an application it runs: this commit's, or an earlier one's."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
_TICKS = os.sysconf("SC_CLK_TCK")
_ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


@contextmanager
def earlier(commit: str, folder: Path) -> Iterator[Path]:
    """Check ``commit`` out beside this one and install it; both are gone after the block."""
    git = ["git", "-C", str(HERE), "worktree"]
    _do(*git, "add", "--quiet", "--detach", str(folder), commit)
    try:
        python = folder / ".venv" / "bin" / "python"
        _do(sys.executable, "-m", "venv", str(folder / ".venv"))
        uv = Path(sys.executable).with_name("uv")
        pip = [str(uv), "pip", "install", "--quiet", "--python", str(python)]
        if not uv.exists():
            pip = [str(python), "-m", "pip", "install", "--quiet"]
        _do(*pip, "--require-hashes", "-r", str(folder / "requirements.lock"))
        _do(*pip, "--no-deps", "--no-build-isolation", "-e", str(folder))
        yield folder
    finally:
        _do(*git, "remove", "--force", str(folder))


def compiled(python: Path, source: Path) -> None:
    """Have everything an installation imports compiled, whichever installer put it there."""
    where = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    libraries = subprocess.run([python, "-c", where], capture_output=True, text=True, check=True)
    folders = [libraries.stdout.strip(), str(source / "src")]
    subprocess.run([python, "-m", "compileall", "-qq", *folders], check=False)  # some never compile


def _do(*words: str) -> None:
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


@dataclass(frozen=True)
class Installed:
    """What is measured: the ``python`` it is installed for, and the application's ``folder``."""

    python: Path
    folder: Path

    def down(self) -> None:
        """End the twin, with its data."""
        self._underpass("down", "--data", "--yes")

    def up(self) -> tuple[float, float]:
        """Bring the application up and return the command's (seconds, seconds of CPU)."""
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = self._underpass("up")
        seconds = time.monotonic() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode != 0:
            sys.exit(f"underpass up failed:\n{done.stderr}")
        cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        return seconds, cpu

    def counted_calls(self) -> dict[str, int]:
        """Return how often, in one ``up``, each part of the region called each action."""
        self.up()
        ask = (
            "import json, sys; from pathlib import Path; from underpass.twin.region import control_socket; "
            "print(json.dumps(control_socket.call(Path(sys.argv[1]), 'calls')))"
        )
        words = [str(self.python), "-c", ask, str(self.folder / ".underpass")]
        told = subprocess.run(words, capture_output=True, text=True, check=True)
        counted = Counter[str]()
        for caller, action, count in json.loads(told.stdout):
            # the numbers of threads say nothing
            counted[f"{re.sub(r'[-_ ]?[0-9a-f]*[0-9][0-9a-f]*', '', caller)} {action}"] += count
        self.down()
        return dict(counted)

    def cpu_s(self) -> float:
        """Return the seconds of CPU the region's processes have taken, ended ones too."""
        total = 0
        for pid in self._tree():
            with suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                total += sum(map(int, fields[11:15]))
        return total / _TICKS

    def idle_cpu_s(self, seconds: float) -> float:
        """Return the seconds of CPU the region takes in ``seconds`` in which nobody asks for anything."""
        time.sleep(5)  # what the last deployment set going has ended
        before = self.cpu_s()
        time.sleep(seconds)
        return self.cpu_s() - before

    def memory_mib(self) -> dict[str, float]:
        """Return the proportional set size of the region's processes, summed by program."""
        by_program: dict[str, float] = {}
        for pid in self._tree():
            try:
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
                program = Path(f"/proc/{pid}/comm").read_text().strip()
            except OSError:
                continue
            kib = sum(int(size) for size in re.findall(r"^Pss:\s+(\d+)", rollup, re.MULTILINE))
            by_program[program] = by_program.get(program, 0.0) + kib / 1024
        return by_program

    def _tree(self) -> list[int]:
        root = json.loads((self.folder / ".underpass" / "region.json").read_text())["pid"]
        children: dict[int, list[int]] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                    children.setdefault(parent, []).append(int(entry.name))
        found = [root]
        for pid in found:  # grows while it is walked
            found.extend(children.get(pid, ()))
        return found

    def _underpass(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.python.with_name("underpass")), words[0], str(self.folder), *words[1:]]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env=_ENVIRONMENT
        )
