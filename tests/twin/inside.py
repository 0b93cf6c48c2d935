"""Runs a test's function in a place like the region's: namespaces of its own, no route out, a fresh /run.

    def two_namespaces_meet() -> dict[str, bool]:   # at module level; returns what JSON can carry
        ...

    def test_two_namespaces_meet() -> None:
        assert run_inside(two_namespaces_meet) == {"a": True}

It works as root and as an ordinary user, and whatever the function leaves behind dies with the place. What
runs inside is a fork of a process that has imported the twin and done nothing else: ``template_process``.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from tests.twin.template_process import Order, TemplateProcess

from underpass.twin.linux.devices import devices


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
    order = Order(
        function.__code__.co_filename, function.__qualname__, arguments, dict(os.environ), as_root
    )
    with (
        os.fdopen(os.memfd_create("answer"), "r+") as answers,
        os.fdopen(os.memfd_create("output"), "r+", errors="replace") as output,
    ):
        status = _template().run(order, answers.fileno(), output.fileno(), timeout_s)
        for file in (answers, output):
            file.seek(0)
        answer, said = answers.read(), output.read()
    if not answer:
        raise AssertionError(f"{function.__qualname__}: {status}\n{said}")
    outcome = json.loads(answer)
    if "error" in outcome:
        raise AssertionError(f"inside:\n{outcome['error']}{said}")
    return outcome["result"]


@cache
def _template() -> TemplateProcess:
    return TemplateProcess()


def work(order: Order, answers: int) -> None:
    """Do what was ordered, as the first process of the place; it does not return."""
    try:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
        Path("/run/netns").mkdir()
        _loopback_up()
        spec = importlib.util.spec_from_file_location("inside_test", order.source)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["inside_test"] = module
        spec.loader.exec_module(module)
        outcome = {"result": getattr(module, order.name)(*order.arguments)}
    except BaseException:  # noqa: BLE001  told to the test
        outcome = {"error": traceback.format_exc()}
    with os.fdopen(answers, "w") as told:
        json.dump(outcome, told)
    sys.stderr.flush()
    os._exit(0)  # threads the function left behind must not keep the place alive


def _loopback_up() -> None:
    with devices() as network:
        network.up("lo")
