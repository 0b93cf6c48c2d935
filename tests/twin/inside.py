"""Runs a test's function in a place like the region's: namespaces of its own, no route out, a fresh /run.

    def two_namespaces_meet() -> dict[str, bool]:   # at module level; returns what JSON can carry
        ...

    def test_two_namespaces_meet() -> None:
        assert run_inside(two_namespaces_meet) == {"a": True}

It works as root and as an ordinary user, and whatever the function leaves behind dies with the place.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from underpass.twin.linux.devices import devices

UNSHARE = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child")
AS_A_USER = ("--user", "--map-root-user")


def run_inside(
    function: Callable[..., Any], *arguments: Any, timeout_s: float = 150, as_root: bool = False
) -> Any:
    """Return what ``function(*arguments)`` returns inside; arguments and result travel as JSON.

    With ``as_root`` (which takes root) there is no user namespace, as in a region root starts.

    Raises
    ------
    AssertionError
        With the traceback from inside, when the function raised.
    """
    source = function.__code__.co_filename
    command = [sys.executable, __file__, source, function.__qualname__, json.dumps(arguments)]
    with os.fdopen(os.memfd_create("answer"), "r+") as answers:
        done = subprocess.run(
            [*UNSHARE, *(() if as_root else AS_A_USER), *command, str(answers.fileno())],
            pass_fds=(answers.fileno(),),
            timeout=timeout_s,
            check=False,
            capture_output=True,
            text=True,
        )
        answers.seek(0)
        answer = answers.read()
    if not answer:
        raise AssertionError(f"{function.__qualname__}: {done.returncode}\n{done.stderr}")
    outcome = json.loads(answer)
    if "error" in outcome:
        raise AssertionError(f"inside:\n{outcome['error']}{done.stderr}")
    return outcome["result"]


def _main(source: str, name: str, arguments: str, descriptor: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    Path("/run/netns").mkdir()
    _loopback_up()
    try:
        spec = importlib.util.spec_from_file_location("inside_test", source)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["inside_test"] = module
        sys.path.insert(0, str(Path(__file__).parents[2]))
        spec.loader.exec_module(module)
        outcome = {"result": getattr(module, name)(*json.loads(arguments))}
    except BaseException:  # noqa: BLE001  told to the test
        outcome = {"error": traceback.format_exc()}
    with os.fdopen(int(descriptor), "w") as answers:
        json.dump(outcome, answers)
    sys.stderr.flush()
    os._exit(0)  # threads the function left behind must not keep the place alive


def _loopback_up() -> None:
    with devices() as network:
        network.up("lo")


if __name__ == "__main__":
    _main(*sys.argv[1:])
