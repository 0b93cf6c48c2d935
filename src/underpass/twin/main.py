"""The region's first process: ``python -m underpass.twin.main``, started by ``launch`` inside namespaces.

It is pid 1 of the region, so it forks at once: the parent only collects the dead, the child is the
region. Whatever ends either of them ends the whole tree.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from underpass.twin.linux.devices import devices

_SWITCH_S = 0.0005  # at every system call one waits so long for a thread that only computes
_COLLECT_AFTER = 100_000  # allocations; of AWS's API descriptions there are millions, no garbage


def main() -> None:
    """Run the region until it is told to stop, its starter gives up, or it is killed."""
    parser = argparse.ArgumentParser(prog="underpass.twin.main")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--spec", type=json.loads, required=True)
    arguments = parser.parse_args()
    child = os.fork()
    if child:
        _collect(child, arguments.spec)
    try:
        _become_region(arguments.state, arguments.spec)
    except BaseException:
        logging.getLogger(__name__).exception("the region failed")
        os._exit(1)


def _collect(child: int, spec: dict[str, Any]) -> None:
    """Be pid 1: reap every orphan, pass on SIGTERM, and end with the region."""
    for fd in (spec["api"], spec["ready"], spec["lifeline"]):
        os.close(fd)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    while True:
        pid, status = os.wait()
        if pid == child:
            os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _become_region(state: Path, spec: dict[str, Any]) -> None:
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    for noisy in ("werkzeug", "botocore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    from underpass.twin.region.worker import once
    from underpass.twin.services.rds import cluster

    if spec["postgres"]:
        once("initdb", cluster.make_ahead, state / "databases", spec["postgres"])
    sys.setswitchinterval(_SWITCH_S)
    gc.disable()  # what is imported and read now stays: collecting among it costs a tenth of the start
    _prepare()
    from underpass.twin.api.moto_startup import (
        leave_out_stack_engine,
        read_offerings_of,
        share_descriptions,
    )

    share_descriptions()
    leave_out_stack_engine()
    read_offerings_of(spec["region"])
    from underpass.twin.assembly import Assembly

    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    assembly = Assembly(state, spec["region"], stopping)
    assembly.start(api=spec["api"], faults=spec["faults"])
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)
    gc.enable()
    once("lifeline", _watch, spec["lifeline"])
    os.write(spec["ready"], b"ready\n")
    os.close(spec["ready"])
    stopping.wait()
    assembly.stop()
    os._exit(0)


def _prepare() -> None:
    """Give the region its own /run, its loopback, and room for file descriptors."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"], check=True)
    for folder in ("/run/netns", "/run/underpass", "/run/lock"):
        Path(folder).mkdir()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with devices() as network:
        network.up("lo")


def _watch(lifeline: int) -> None:
    """End at once when the starter ends before it has said that the region may stay."""
    if os.read(lifeline, 1) == b"":
        logging.getLogger(__name__).warning("the starter is gone: ending")
        os._exit(1)
    os.close(lifeline)


if __name__ == "__main__":
    main()
