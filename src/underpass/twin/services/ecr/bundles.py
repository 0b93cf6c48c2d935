"""Process bundles: what stands for a container image where no container engine is used.

A bundle is a copy of the build folder with the command that starts it, kept in the region's state folder
under the digest of both: ``<state>/images/<digest>/app`` and ``image.json``. The digest's first twelve
digits are the tag, so the same source and command always give the same image URI.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from underpass.errors import UnderpassError

if TYPE_CHECKING:
    from docker.utils.build import PatternMatcher

NEVER = frozenset({".env", ".git", ".venv", "__pycache__", ".underpass", "underpass.toml"})
"""What an image holds under no circumstances: no secrets, and a changed configuration is no changed image."""

IGNORE_FILE = ".dockerignore"
TAG_LENGTH = 12


@dataclass(frozen=True)
class Bundle:
    """An image the process runtime can start."""

    uri: str
    app: Path
    process: tuple[str, ...]
    python: str = sys.executable


def python_for(process: Sequence[str], folder: Path) -> str:
    """Return an image's Python, which is ``python`` to every command that runs in it.

    That of the virtual environment whose program ``process`` starts; else of ``.venv`` in ``folder``; the
    twin's own if there is none.
    """
    started = Path(*process[:1])
    if started.is_absolute() and os.path.lexists(started.parent.parent / "pyvenv.cfg"):
        return str(started.parent / "python")
    python = (folder / ".venv").resolve() / "bin" / "python"
    return str(python) if os.path.lexists(python) else sys.executable


def publish(
    state: Path,
    uri_base: str,
    folder: Path,
    process: Sequence[str],
    python: str = sys.executable,
) -> str:
    """Copy ``folder`` into the store of images unless it is there already; return the image's URI.

    What ``.dockerignore`` names stays out, and so do version control, virtual environments and caches.

    Parameters
    ----------
    state
        The region's state folder.
    uri_base
        The repository's URI.
    folder
        The build folder.
    process
        How to start the application; ``{python}`` stands for ``python``.
    python
        The interpreter, the twin's own or a virtual environment's, which is not copied.

    Raises
    ------
    UnderpassError
        When the folder is not there, or something in it cannot be read.
    """
    if not folder.is_dir():
        raise UnderpassError(
            "the application cannot be published", f"{folder} is no folder", "see [service] build"
        )
    try:
        entries = list(_entries(folder))
        own = {"python": python} if python != sys.executable else {}
        digest = _digest(folder, entries, [*process, *own.values()])
        uri = f"{uri_base}:{digest[:TAG_LENGTH]}"
        place = state / "images" / digest
        if not place.is_dir():
            _copy(folder, entries, place, {"uris": [uri], "process": list(process), **own})
        _name(place / "image.json", uri)
    except OSError as error:
        raise UnderpassError(
            "the application cannot be published",
            f"{error.filename}: {error.strerror}",
            "make it readable, or name it in .dockerignore",
        ) from error
    return uri


def find(state: Path, uri: str) -> Bundle:
    """Return the published bundle of an image URI.

    Raises
    ------
    UnderpassError
        When nothing was published under that URI.
    """
    tag = uri.rpartition(":")[2]
    for place in (state / "images").glob("*/image.json"):
        if place.parent.name.startswith(tag):
            image = json.loads(place.read_text())
            if uri in image["uris"]:
                python = image.get("python", sys.executable)
                return Bundle(uri, place.parent / "app", tuple(image["process"]), python)
    raise UnderpassError(
        "CannotPullContainerError",
        f"pull image manifest has been retried 1 time(s): failed to resolve ref {uri}: {uri}: not found",
        "the twin runs images that `underpass up` published: build from a folder ([service] build)",
    )


def ignored(text: str) -> PatternMatcher:
    """Return what says which paths stay out: Docker's own reading of a ``.dockerignore``, and ``NEVER``."""
    lines = [line.strip() for line in text.splitlines()]
    rules = [line for line in lines if line and not line.startswith("#")]
    return matcher()([*rules, *(f"**/{name}" for name in NEVER)])


def matcher() -> type[PatternMatcher]:
    """Return Docker's matcher, imported without Docker's HTTP client: that takes longer than an ``up`` may.

    The same files are a package of another name here, so that ``docker`` stays itself for whoever imports it.
    """
    client = find_spec("docker")
    (folder,) = (client and client.submodule_search_locations) or ("",)
    for name, place in (("_docker", folder), ("_docker.utils", f"{folder}/utils")):
        sys.modules.setdefault(name, ModuleType(name)).__path__ = [place]
    found: type[PatternMatcher] = import_module("_docker.utils.build").PatternMatcher
    return found


def _entries(folder: Path) -> Iterator[str]:
    """Yield the relative paths of what belongs to the image, folders before what is in them."""
    rules = folder / IGNORE_FILE
    out = ignored(rules.read_text() if rules.is_file() else "")
    for relative in sorted(out.walk(str(folder))):
        path = folder / relative
        known = path.is_symlink() or path.is_dir() or path.is_file()
        # Sockets and pipes belong to nobody's image; a rule may let in again what never belongs to one.
        if known and NEVER.isdisjoint(path.relative_to(folder).parts) and relative != IGNORE_FILE:
            yield relative


def _name(record: Path, uri: str) -> None:
    """Let an image be found by one more URI: each region has repositories of its own."""
    image = json.loads(record.read_text())
    if uri not in image["uris"]:
        draft = record.with_suffix(".new")
        draft.write_text(json.dumps({**image, "uris": [*image["uris"], uri]}, indent=1) + "\n")
        draft.replace(record)


def _digest(folder: Path, entries: Sequence[str], process: Sequence[str]) -> str:
    """Return the digest of all that makes the image what it is; not of times, owners or order."""
    digest = hashlib.sha256(json.dumps(list(process)).encode())
    for relative in sorted(entries):
        path = folder / relative
        digest.update(f"\0{relative}\0".encode(errors="surrogateescape"))
        if path.is_symlink():
            digest.update(b"link" + os.fsencode(path.readlink()))
        elif path.is_file():
            runs = path.stat().st_mode & stat.S_IXUSR
            with path.open("rb") as content:
                inner = hashlib.file_digest(content, "sha256").digest()
            digest.update((b"program" if runs else b"file") + inner)
    return digest.hexdigest()


def _copy(folder: Path, entries: Sequence[str], place: Path, image: dict[str, object]) -> None:
    """Copy into a folder beside the final one, then rename: nobody sees half an image."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".new-") as draft:
        app = Path(draft, "image", "app")
        app.mkdir(parents=True)
        for relative in entries:
            source, target = folder / relative, app / relative
            target.parent.mkdir(parents=True, exist_ok=True)  # its own may be ignored
            if source.is_symlink():
                target.symlink_to(source.readlink())
            elif source.is_dir():
                target.mkdir(exist_ok=True)
            else:
                shutil.copy2(source, target)
        (app.parent / "image.json").write_text(json.dumps(image, indent=1) + "\n")
        try:
            app.parent.rename(place)
        except OSError:
            if not place.is_dir():  # somebody else may have published the same meanwhile
                raise
