"""Image bundles: published once, found by their URI, changed by any change."""

from __future__ import annotations

import sys
import venv
from pathlib import Path

import pytest

from underpass.errors import UnderpassError
from underpass.twin.services.ecr import bundles

ARGV = ("{python}", "-m", "app")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    for name in (
        "app.py",
        ".git/HEAD",
        ".venv/bin/x",
        "pkg/__pycache__/a.pyc",
        "pkg/a.py",
        "node_modules/m.js",
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (folder / "empty").mkdir()
    (folder / "link").symlink_to("app.py")
    return folder


def publish(state: Path, source: Path, argv: tuple[str, ...] = ARGV) -> str:
    return bundles.publish(state, "123.dkr.ecr/app", source, argv)


def test_a_published_folder_is_found_by_its_uri(tmp_path: Path, source: Path) -> None:
    uri = publish(tmp_path, source)
    bundle = bundles.find(tmp_path, uri)
    assert (bundle.uri, bundle.process) == (uri, ARGV)
    there = {str(path.relative_to(bundle.app)) for path in bundle.app.rglob("*")}
    assert there == {
        "app.py",
        "pkg",
        "pkg/a.py",
        "node_modules",
        "node_modules/m.js",
        "empty",
        "link",
    }
    assert (bundle.app / "link").readlink() == Path("app.py")
    assert bundle.app.parent.name.startswith(uri.rpartition(":")[2])


def test_the_same_source_and_command_give_the_same_uri_and_any_change_another(
    tmp_path: Path, source: Path
) -> None:
    first = publish(tmp_path, source)
    (source / "app.py").touch()
    (source / "__pycache__").mkdir()
    assert publish(tmp_path, source) == first
    assert len(list((tmp_path / "images").iterdir())) == 1
    seen = {first, publish(tmp_path, source, ("sh", "-c", "x"))}
    (source / "app.py").chmod(0o755)
    seen.add(publish(tmp_path, source))
    (source / "app.py").write_text("changed")
    seen.add(publish(tmp_path, source))
    (source / "link").unlink()
    seen.add(publish(tmp_path, source))
    assert len(seen) == 5


def test_what_dockerignore_names_changes_nothing(tmp_path: Path, source: Path) -> None:
    (source / ".dockerignore").write_text("*.log\n")
    first = publish(tmp_path, source)
    (source / "debug.log").write_text("x")
    assert publish(tmp_path, source) == first


def test_an_image_nobody_published_is_named_with_what_to_do(tmp_path: Path) -> None:
    for uri in ("123.dkr.ecr/app:000000000000", "nginx", "x:*"):
        with pytest.raises(UnderpassError) as error:
            bundles.find(tmp_path, uri)
        assert error.value.what == "CannotPullContainerError"
        assert uri in error.value.why
        assert "[service] build" in error.value.try_next


def test_an_image_of_another_repository_is_not_found(tmp_path: Path, source: Path) -> None:
    tag = publish(tmp_path, source).rpartition(":")[2]
    with pytest.raises(UnderpassError):
        bundles.find(tmp_path, f"456.dkr.ecr/other:{tag}")


def test_the_same_image_in_another_repository_is_copied_once(tmp_path: Path, source: Path) -> None:
    uris = [
        bundles.publish(tmp_path, base, source, ARGV) for base in ("1.ecr/a", "1.ecr/b", "1.ecr/a")
    ]
    assert len({bundles.find(tmp_path, uri).app for uri in uris}) == 1
    assert uris[0] == uris[2]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnderpassError, match="is no folder"):
        publish(tmp_path, tmp_path / "none")


def test_a_folder_left_out_may_have_something_let_in_again(tmp_path: Path, source: Path) -> None:
    (source / ".dockerignore").write_text("*\n!pkg/a.py\n")
    bundle = bundles.find(tmp_path, publish(tmp_path, source))
    assert [path.name for path in bundle.app.rglob("*")] == ["pkg", "a.py"]


def test_no_rule_lets_in_what_never_belongs_to_an_image(tmp_path: Path, source: Path) -> None:
    (source / ".dockerignore").write_text("!.venv/bin/x\n!.git\n")
    bundle = bundles.find(tmp_path, publish(tmp_path, source))
    assert not {".venv", ".git"} & {path.name for path in bundle.app.iterdir()}


def test_python_is_the_virtual_environments_beside_the_configuration(tmp_path: Path) -> None:
    assert bundles.python_for(ARGV, tmp_path) == sys.executable
    venv.create(tmp_path / "elsewhere", symlinks=True)
    (tmp_path / ".venv").symlink_to("elsewhere")
    assert bundles.python_for(ARGV, tmp_path) == str(tmp_path / "elsewhere" / "bin" / "python")


def test_python_is_that_of_the_virtual_environment_whose_program_is_started(tmp_path: Path) -> None:
    for name in ("app/.venv", "other"):
        venv.create(tmp_path / name, symlinks=True)
    own, other = (str(tmp_path / name / "bin") for name in ("app/.venv", "other"))
    assert bundles.python_for([f"{other}/gunicorn", "x:y"], tmp_path / "app") == f"{other}/python"
    for first in ("/usr/bin/env", "./run", "gunicorn"):
        assert bundles.python_for([first], tmp_path / "app") == f"{own}/python"
    assert bundles.python_for([], tmp_path) == sys.executable


def test_an_image_keeps_its_python_and_another_python_is_another_image(
    tmp_path: Path, source: Path
) -> None:
    plain = publish(tmp_path, source)
    its_own = bundles.publish(tmp_path, "123.dkr.ecr/app", source, ARGV, "/srv/ve/bin/python")
    assert plain != its_own
    assert bundles.find(tmp_path, plain).python == sys.executable
    assert bundles.find(tmp_path, its_own).python == "/srv/ve/bin/python"
