"""What a user gets by ``pip install "underpass[twin]"``: the wheel, alone, on the Pythons of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.e2e.machine import ROOT, Footprint, Project, environment

SOURCES = ("src", "pyproject.toml", "README.md", "LICENSE")
APPLICATION = """\
import platform
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"hello from {platform.python_version()}".encode())

ThreadingHTTPServer(("", 8000), Page).serve_forever()
"""
SERVICES = """
import importlib, moto.backends, moto.server
for name in moto.backends.list_of_moto_modules():
    for part in ("models", "responses", "urls"):
        if importlib.util.find_spec(f"moto.{name}.{part}"):
            importlib.import_module(f"moto.{name}.{part}")
"""


def pythons() -> list[str]:
    """Return the oldest Python that underpass takes and the newest, of those that are there and run."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    found = []
    for minor in range(11, 40):
        name = f"python3.{minor}"
        candidates = [shutil.which(name), *map(str, pyenv.glob(f"3.{minor}.*/bin/{name}"))]
        runs = [one for one in candidates if one and _said(one, "-c", "import venv") == ""]
        found += runs[:1]
    return sorted({found[0], found[-1]}) if found else [sys.executable]


def _said(*argv: str, cwd: Path | None = None) -> str | None:
    """Return what a command printed; None if it failed."""
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def _uv(*arguments: str) -> None:
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    done = subprocess.run([uv, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel; of a copy, since setuptools would take along what an earlier build has left."""
    place = tmp_path_factory.mktemp("wheel")
    (place / "sources").mkdir()
    for name in SOURCES:
        source, target = ROOT / name, place / "sources" / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.egg-info", "*.pyc"))
        else:
            shutil.copy(source, target)
    options = ["--wheel", "--no-build-isolation", "--python", sys.executable]
    _uv("build", *options, "--out-dir", str(place), str(place / "sources"))
    (built,) = place.glob("*.whl")
    return built


@dataclass(frozen=True)
class Installed:
    """An environment with nothing in it but the wheel and what that asks for."""

    python: Path
    underpass: Path

    @classmethod
    def made(cls, place: Path, python: str, what: str) -> Installed:
        """Make it, of the lock's versions: what others release on the day of the test is not tried here."""
        _uv("venv", "--quiet", "--python", python, "--allow-existing", str(place))
        made = cls(place / "bin" / "python", place / "bin" / "underpass")
        options = ["--constraints", str(ROOT / "requirements.lock")]
        _uv("pip", "install", "--python", str(made.python), *options, what)
        return made


@pytest.fixture(scope="module", params=pythons(), ids=lambda path: Path(path).name)
def installed(
    request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Installed:
    return Installed.made(tmp_path_factory.mktemp("whole"), request.param, f"{wheel}[twin]")


@pytest.fixture
def project(installed: Installed, tmp_path: Path) -> Iterator[Project]:
    folder = tmp_path / "an app"
    folder.mkdir()
    before = Footprint.now()
    made = Project(folder, underpass=installed.underpass)
    yield made
    made.run("down")
    assert Footprint.now() == before


def test_ten_lines_and_four_commands_to_the_page(project: Project, installed: Installed) -> None:
    (project.folder / "app.py").write_text(APPLICATION)
    assert project.run("init").status == 0
    file = project.folder / "underpass.toml"
    changed = file.read_text().replace("process = []", 'process = ["{python}", "app.py"]')
    file.write_text(changed)
    summary = project.up()
    with urllib.request.urlopen(summary["consumers"]["analytics"]["url"], timeout=20) as answer:
        page = answer.read().decode()
    version = _said(
        str(installed.python), "-c", "import platform; print(platform.python_version())"
    )
    assert version
    assert page == f"hello from {version.strip()}"
    assert project.run("down").status == 0


def test_every_service_of_motos_finds_its_libraries(installed: Installed) -> None:
    done = subprocess.run(
        [str(installed.python), "-c", SERVICES],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )
    assert done.returncode == 0, done.stderr


def test_without_the_twin_it_writes_templates_and_says_what_is_missing(
    wheel: Path, tmp_path: Path
) -> None:
    bare = Installed.made(tmp_path / "bare", sys.executable, str(wheel))
    project = Project(tmp_path / "app", underpass=bare.underpass)
    project.folder.mkdir()
    assert project.run("init").status == 0
    assert project.run("check").status == 0
    assert project.run("template").status == 0
    file = project.folder / "underpass.toml"
    file.write_text(file.read_text().replace("process = []", 'process = ["{python}", "app.py"]'))
    refused = project.run("up")
    assert refused.status == 2
    assert 'install it as "underpass[twin]"' in refused.err
