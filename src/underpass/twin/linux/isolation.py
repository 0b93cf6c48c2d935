"""What a sandbox sees: the host's programs, the image's folder, its volumes, and no more of this machine.

A container image brings its own programs. The process runtime has none, so it shows the host's instead,
read-only: the system's folders, the image's Python (``{python}``) and this one, what is on the PATH, and the
virtual environment whose program it runs. Home folders, /run (where other programs' sockets are), /tmp, /var,
the region's state and other tasks' data are not there.

The container runs as uid 0 of the region's user namespace (the user who started the twin, or root), with
those capabilities that its definition leaves it. A user namespace of its own would take nothing more away, as
all that is the host's is read-only, and would leave it unable to write its volumes, whose files are uid 0's.
Only a user of another number has one, where the region has a single id (``sandbox.identity``).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

from underpass.twin.linux.capabilities import bits

SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc", "opt", "nix", "gnu")
APP_DIR = "/app"
NAMES_DIR = (
    "/run/python"  # where the interpreter has the names that its own folder does not give it
)
SIZE_MIB = 2048  # how much a container may write into its own file system, which is memory


@dataclass(frozen=True)
class Volume:
    """A folder of the host shown at ``target``, or the ``part`` of it that a path within it names.

    What is ``owned`` belongs to whomever the container runs as, whoever made it.
    """

    source: Path
    target: str
    writable: bool = True
    part: str = ""
    owned: bool = False


@dataclass(frozen=True)
class Tmpfs:
    """An empty folder in memory."""

    target: str
    size_mib: int


@dataclass(frozen=True)
class Limit:
    """A ulimit; -1 is no limit."""

    name: str
    soft: int
    hard: int


@dataclass(frozen=True)
class Spec:
    """One container: what it runs, and what it may see.

    Attributes
    ----------
    app
        The image's folder; the container finds it at ``/app`` and starts there.
    argv
        What to run; ``{python}`` stands for ``python``.
    python
        The interpreter, which is also the first on the PATH; this one, or a virtual environment's.
    environment
        The whole environment but for PATH, HOME, LANG and PWD, which have defaults.
    network
        The path of the network namespace to run in; empty for the caller's own.
    root
        An empty folder to mount on; nothing of it shows outside.
    resolv
        The resolv.conf of the container's VPC.
    hosts
        The text of /etc/hosts.
    listen
        An address and a port to listen on in the container's network, handed back to the caller.
    init
        Whether a small first process reaps orphans (``linuxParameters.initProcessEnabled``).
    read_only
        Whether only volumes may be written (``readonlyRootFilesystem``).
    hidden
        Folders that must not show, within the image's folder or in what is shown of the host.
    user
        Whom it runs as, as ``docker run --user`` takes it; empty for root.
    capabilities
        Those it keeps while it is root.
    """

    app: Path
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    root: Path
    python: str = sys.executable
    network: str = ""
    hostname: str = "task"
    resolv: Path | None = None
    hosts: str = ""
    volumes: tuple[Volume, ...] = ()
    tmpfs: tuple[Tmpfs, ...] = ()
    limits: tuple[Limit, ...] = field(default=(Limit("nofile", 65536, 65536),))
    listen: tuple[str, int] | None = None
    init: bool = False
    read_only: bool = False
    hidden: tuple[Path, ...] = ()
    user: str = ""
    capabilities: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Return what the sandbox's launcher reads, in one line."""
        argv = [part.replace("{python}", self.python) for part in self.argv]
        named = _named(self.python)
        environment = _defaults(self.python, named) | dict(self.environment)
        binds, links = _programs(environment["PATH"], self.python, argv[0])
        own = [(str(self.resolv), "/etc/resolv.conf", False)] if self.resolv else []
        return json.dumps(
            {
                "root": str(self.root),
                "size_mib": SIZE_MIB,
                "links": [*links, *named],
                "binds": [*([path, path, False] for path in binds), *own],
                "files": [("/etc/hosts", self.hosts or f"127.0.0.1 localhost {self.hostname}\n")],
                "masks": [*_root_only(), *_covered(self.hidden, binds)],
                "hidden": [
                    f"{APP_DIR}/{path.relative_to(self.app)}"
                    for path in self.hidden
                    if path.is_relative_to(self.app)
                ],
                "app": str(self.app),
                "at": APP_DIR,
                "cwd": APP_DIR,
                "volumes": [(str(v.source), v.target, v.part, v.writable) for v in self.volumes],
                "tmpfs": [(t.target, f"mode=1777,size={t.size_mib}m") for t in self.tmpfs],
                "read_only": self.read_only,
                "init": self.init,
                "network": self.network,
                "hostname": self.hostname,
                "listen": self.listen,
                "limits": [tuple(asdict(limit).values()) for limit in self.limits],
                "argv": argv,
                "environment": environment,
                "user": self.user,
                "owned": [v.target for v in self.volumes if v.owned and v.writable],
                "capabilities": bits(self.capabilities),
            }
        )


def _named(python: str) -> list[tuple[str, str]]:
    """Return links that make the interpreter ``python`` and ``python3`` where its own folder does not."""
    names, folder = ("python", "python3"), Path(python).parent
    missing = [name for name in names if not os.path.lexists(folder / name)]
    return [(f"{NAMES_DIR}/{name}", python) for name in missing]


def _defaults(python: str, named: Sequence[tuple[str, str]]) -> dict[str, str]:
    # "python" is the image's Python: the user's may be a shim that needs a home folder.
    own = [str(Path(python).parent), *([NAMES_DIR] if named else [])]
    return {
        "PATH": os.pathsep.join([*own, os.environ.get("PATH", os.defpath)]),
        "LANG": os.environ.get("LANG", "C.UTF-8"),
        "HOME": "/tmp",  # noqa: S108  the sandbox's own
        "PWD": APP_DIR,
        "PYTHONUNBUFFERED": "1",  # as nearly every Python image does: lines appear at once
    }


@cache
def _programs(search_path: str, *programs: str) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the folders to show read-only, and the links of / to repeat: (folders, [(link, target)])."""
    folders: list[str] = []
    links: list[tuple[str, str]] = []
    for name in SYSTEM:
        path = Path("/") / name
        if path.is_symlink():
            links.append((str(path), str(path.readlink())))
        elif path.is_dir():
            folders.append(str(path))
    wanted = [sys.prefix, sys.base_prefix, *_interpreter(Path(sys.executable))]
    within = [*search_path.split(os.pathsep), *(str(Path(program).parent) for program in programs)]
    for entry in within:
        if entry.startswith("/"):
            wanted += _with_libraries(Path(entry))
    linked = [link for link, _ in links]
    for folder in dict.fromkeys(wanted):
        if (
            _can_be_shown(folder)
            and folder != "/"
            and not _under(folder, [*folders, *linked, APP_DIR])
        ):
            folders.append(folder)
    return folders, links


def _interpreter(path: Path) -> Iterable[str]:
    """Yield where a Python lies, and every folder its symbolic links lead through: each must be there too."""
    for _ in range(40):
        if not path.is_symlink():
            break
        yield str(path.parent)
        path = Path(os.path.normpath(path.parent / path.readlink()))
    yield str(path.parent if path.parent.parent == Path.home() else path.parent.parent)


def _with_libraries(folder: Path) -> Iterable[str]:
    """Yield a folder of programs, or what else they need: all of Node's or of a virtual environment's."""
    above = folder.parent
    if folder.name != "bin" or above == Path.home():
        yield str(folder)
    elif _exists(above / "pyvenv.cfg"):
        yield from (str(above), str(above.resolve()), *_interpreter(folder / "python"))
    else:
        yield str(above if _can_be_shown(str(above / "lib" / "node_modules")) else folder)


def _can_be_shown(folder: str) -> bool:
    """Return whether there is such a folder; one that may not be looked into, as another user's, is none."""
    try:
        return Path(folder).is_dir()
    except OSError:
        return False


def _exists(file: Path) -> bool:
    try:
        return file.is_file()
    except OSError:
        return False


def _under(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(folder + "/") for folder in folders)


def _covered(hidden: Iterable[Path], binds: Iterable[str]) -> list[str]:
    """Return what must be hidden and would show because it lies within a folder that is shown."""
    binds = list(binds)
    return [str(path) for path in hidden if _under(str(path), binds)]


@cache
def _root_only() -> list[str]:
    """Return what of /etc only root may read: where the twin is root, its containers must not."""
    found: list[str] = []
    for folder, folders, files in os.walk("/etc"):
        for name in [*folders, *files]:
            path = Path(folder, name)
            if (
                not path.is_symlink()
                and not path.stat().st_mode & 0o004
                and os.access(path, os.R_OK)
            ):
                found.append(str(path))
        folders[:] = [name for name in folders if str(Path(folder, name)) not in found]
    return found
