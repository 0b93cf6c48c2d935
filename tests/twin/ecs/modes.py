"""Runs a test's function where a region may run: as root, and in a user namespace as an ordinary user's.

Unlike ``inside.run_inside`` it needs nothing but the standard library on the inside.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
SPACES = ("--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
USER = ("--user", "--map-root-user")


def run_as(mode: str, function: Callable[..., Any], *arguments: Any, timeout_s: float = 150) -> Any:
    """Return what ``function`` returns as ``root`` or in a ``userns``; skip if that cannot be."""
    prefix, python = _prefix(mode)
    source = function.__code__.co_filename
    command = [*prefix, python, __file__, source, function.__qualname__, json.dumps(arguments)]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=timeout_s, check=False
    )
    if done.returncode:
        raise AssertionError(f"{function.__qualname__} as {mode}:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def _prefix(mode: str) -> tuple[list[str], str]:
    import pytest

    if mode == "userns":
        return ["unshare", *USER, *SPACES], sys.executable
    if os.geteuid() != 0:
        pytest.skip("only root can show root's way")
    return ["unshare", *SPACES], sys.executable


def _main(source: str, name: str, arguments: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"], check=True)
    Path("/run/sandbox").mkdir()
    spec = importlib.util.spec_from_file_location("inside_test", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["inside_test"] = module
    spec.loader.exec_module(module)
    print(json.dumps(getattr(module, name)(*json.loads(arguments))))


if __name__ == "__main__":
    _main(*sys.argv[1:])
