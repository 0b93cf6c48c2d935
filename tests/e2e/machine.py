"""The command line as a user runs it, and what it leaves on the machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

from underpass.twin.region import credentials

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "notes"
UNDERPASS = Path(sys.executable).with_name("underpass")
MARK = f"UNDERPASS_TESTED_BY={os.getpid()}"


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def last(self) -> Any:
        """The last line of the output, as JSON."""
        return json.loads(self.out.strip().splitlines()[-1])

    @property
    def json(self) -> Any:
        """The whole output as JSON."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Project:
    """A folder with an application, and underpass run on it."""

    folder: Path
    prefix: list[str] = field(default_factory=list)
    underpass: Path = UNDERPASS

    def run(self, command: str, *options: str, timeout_s: float = 240) -> Done:
        """Run ``underpass COMMAND FOLDER OPTIONS``."""
        return self._call([command, str(self.folder), *options], timeout_s)

    def chaos(self, what: str, *options: str, timeout_s: float = 240) -> Done:
        """Run ``underpass chaos WHAT FOLDER OPTIONS``."""
        return self._call(["chaos", what, str(self.folder), *options], timeout_s)

    def at(self, place: str, *argv: str, timeout_s: float = 120) -> Done:
        """Run ``argv`` at a place of the running twin."""
        return self._call(
            ["exec", "--folder", str(self.folder), "--in", place, "--", *argv], timeout_s
        )

    def python(self, place: str, source: str, timeout_s: float = 120) -> Any:
        """Run Python at a place and return the JSON it prints."""
        done = self.at(place, sys.executable, "-c", source, timeout_s=timeout_s)
        assert done.status == 0, done.err
        return done.json

    def up(self, *options: str) -> Any:
        """Start the twin; it must work, or the region's own log is told too."""
        done = self.run("up", "--json", *options)
        log = self.folder / ".underpass" / "region.log"
        words = log.read_text(errors="replace")[-6000:] if done.status and log.exists() else ""
        assert done.status == 0, f"{done.err}{done.out}{words}"
        return done.last

    def down(self) -> None:
        """End the twin."""
        assert self.run("down").status == 0

    def variables(self) -> dict[str, str]:
        """What ``underpass env`` sets."""
        done = self.run("env", "--json")
        assert done.status == 0, done.err
        given: dict[str, str] = done.json["set"]
        return given

    def _call(self, words: list[str], timeout_s: float) -> Done:
        done = subprocess.run(
            [*self.prefix, str(self.underpass), *words],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            stdin=subprocess.DEVNULL,
            env=environment(),
        )
        return Done(done.returncode, done.stdout, done.stderr)


def client(summary: Any, service: str) -> Any:
    """Return a boto3 client of the twin that ``up --json`` told of, with its key."""
    key = credentials.read(Path(summary["state_dir"]))
    return boto3.client(
        service,
        endpoint_url=summary["api_url"],
        region_name="us-east-1",
        aws_access_key_id=key.access_key_id,
        aws_secret_access_key=key.secret_access_key,
    )


def environment() -> dict[str, str]:
    """Return the environment of every command, with the mark."""
    name, _, value = MARK.partition("=")
    return {**os.environ, name: value}


@contextmanager
def ordinary_user() -> Iterator[list[str]]:
    """Give what to put before commands to run them, as the kernel sees it, as one ordinary user.

    Root's privileges are gone in the user namespace, and root's files stay readable.
    """
    become = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
    with subprocess.Popen([*become, "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as user:
        assert user.stdin
        assert user.stdout
        user.stdin.write(b"there\n")
        user.stdin.flush()
        user.stdout.readline()  # the namespace is made
        yield ["nsenter", f"--user=/proc/{user.pid}/ns/user", "--preserve-credentials", "--"]
        user.stdin.close()


def copy_of_example(where: Path) -> Path:
    """Copy the example, without anything a run of it has left; its packages are also underpass's here."""
    ignore = shutil.ignore_patterns(".underpass", ".venv", "__pycache__", "tests")
    return Path(shutil.copytree(EXAMPLE, where / "notes", ignore=ignore))


def application(where: Path, source: str, more: str = "", **service: Any) -> Project:
    """Make the smallest project: one Python file, and a configuration without stores."""
    where.mkdir(parents=True, exist_ok=True)
    (where / "app.py").write_text(source)
    keys = {
        "port": 8000,
        "health_check": "/",
        "grace_period": 3,
        "process": ["{python}", "app.py"],
        **service,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    (where / "underpass.toml").write_text(
        "\n".join(
            [
                'name = "small"',
                "[service]",
                'build = "."',
                *lines,
                more,
                "[[consumers]]",
                'name = "desk"',
                "",
            ]
        )
    )
    return Project(where)


def eventually(condition: Callable[[], object], timeout_s: float = 60) -> None:
    """Return once ``condition`` holds."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@dataclass(frozen=True)
class Footprint:
    """What tests have left on the machine so far, as the host sees it.

    Every command of this module carries a mark in its environment, and what it starts inherits the mark
    or descends from what has it: a process whose ancestors are all gone died with its pid namespace. A
    listening port or a namespace without a name lives only as long as such a process.
    """

    processes: tuple[str, ...]
    mounts: frozenset[str]
    namespaces: frozenset[str]

    @staticmethod
    def now() -> Footprint:
        """Look."""
        named = Path("/run/netns")
        return Footprint(
            tuple(_marked()),
            frozenset(Path("/proc/self/mounts").read_text().splitlines()),
            frozenset(path.name for path in named.iterdir()) if named.exists() else frozenset(),
        )


def _marked() -> Iterator[str]:
    parents, marked = {}, set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            parents[entry.name] = parent
            if state != "Z" and MARK.encode() in (entry / "environ").read_bytes():
                marked.add(entry.name)
        except OSError:
            continue
    for pid in parents:
        line = pid
        while line in parents and line not in marked:
            line = parents[line]
        if line in marked:
            yield f"{pid} {_words(pid)}"


def _words(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
    except OSError:
        return ""
