"""A process that has imported the twin, and is forked for every place a test runs in.

Importing the twin, moto and botocore's data takes some three seconds of a core, a fork takes none. It has one
thread, has no state of moto's, and ends with the process of the tests.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CLONE_NEWUSER = 0x10000000
IMPORTED = (
    "moto.moto_server.werkzeug_app",
    "underpass.twin.api.dispatch",
    "underpass.twin.api.plain",
    *(f"tests.twin.{name}.small_region" for name in ("elbv2", "lambda_", "rds")),
    "tests.twin.ecs.balanced",
    "tests.twin.ec2.sample",
)
CLIENTS = ("ec2", "ecs", "elbv2", "iam", "logs", "rds")  # which nearly every place makes


@dataclass(frozen=True)
class Order:
    """A function of a file, its arguments, and where it is to run."""

    source: str
    name: str
    arguments: tuple[Any, ...]
    environment: dict[str, str]
    as_root: bool


class TemplateProcess:
    """The process, as the tests' process has it."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            handle = theirs.fileno()
            subprocess.Popen(
                [sys.executable, "-c", f"from {__name__} import serve; serve({handle})"],
                pass_fds=(handle,),
                stdin=subprocess.DEVNULL,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )

    def run(self, order: Order, answers: int, output: int, timeout_s: float) -> int:
        """Carry an order out, with both descriptors open for it; return how the process ended.

        Raises
        ------
        TimeoutError
            When it did not end in time; it has been killed.
        """
        with os.fdopen(os.memfd_create("order"), "r+") as orders:
            json.dump(asdict(order), orders)
            orders.flush()
            socket.send_fds(self._control, [b"."], [orders.fileno(), answers, output])
        pid = int(self._line())
        self._control.settimeout(timeout_s)
        try:
            return int(self._line())
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)  # it is not waited for before that is told here
            self._control.settimeout(None)
            self._line()
            raise
        finally:
            self._control.settimeout(None)

    def _line(self) -> bytes:
        said = self._control.recv(64)
        if not said:
            raise RuntimeError("the template process has ended")
        return said


def serve(handle: int) -> None:
    """Be the process: carry out one order after the other until nobody can give any."""
    import boto3

    from underpass.twin.api.moto_startup import share_descriptions

    share_descriptions()
    for name in IMPORTED:
        import_module(name)
    session = boto3.session.Session(region_name="us-east-1")
    for service in CLIENTS:
        session.client(service)
    del session
    gc.collect()
    gc.freeze()  # what is here now stays in every fork
    assert len(list(Path("/proc/self/task").iterdir())) == 1, "a fork would lack the other threads"
    control = socket.socket(fileno=handle)
    while handed := socket.recv_fds(control, 1, 3)[1]:
        pid = os.fork()
        if pid == 0:
            control.close()
            _become_a_place(*handed)
        for descriptor in handed:
            os.close(descriptor)
        control.send(str(pid).encode())
        control.send(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())


def _become_a_place(orders: int, answers: int, output: int) -> None:
    """Run an order in new namespaces, as ``unshare`` does; it does not return."""
    from moto.moto_api._internal import mock_random
    from tests.twin.inside import work

    from underpass.twin.linux.sandbox.kernel import (
        CLONE_NEWNET,
        CLONE_NEWNS,
        CLONE_NEWPID,
        MS_PRIVATE,
        MS_REC,
        check,
        libc,
        mount,
    )
    from underpass.twin.linux.sandbox.rights import die_with_parent

    os.dup2(output, 1)
    os.dup2(output, 2)
    with os.fdopen(orders) as file:
        file.seek(0)
        order = Order(**json.load(file))
    os.environ.clear()
    os.environ.update(order.environment)
    mock_random.seed()  # every fork would draw the same names
    user, group = os.geteuid(), os.getegid()
    spaces = CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID
    check(libc.unshare(spaces | (0 if order.as_root else CLONE_NEWUSER)), "making namespaces")
    if not order.as_root:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    mount("none", "/", "", MS_REC | MS_PRIVATE)
    die_with_parent()
    if first := os.fork():
        os._exit(os.waitstatus_to_exitcode(os.waitpid(first, 0)[1]) & 255)
    die_with_parent()
    work(order, answers)
