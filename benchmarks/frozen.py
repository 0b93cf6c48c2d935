"""Whether slow callers hold the twin up: ten pollers of 20 s on ten queues, and a PUT that trickles.

Prints how long `underpass up` of a changed variable takes without and with them, alternating, and the 99th
percentile of 200 calls of `list_clusters` meanwhile: while nothing else is at work, and while an `up` is.
With ``--json`` one object.
"""

from __future__ import annotations

import argparse
import http.client
import json
import math
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from underpass.twin.host import running_twins
from underpass.twin.region import credentials
from underpass.twin.region.aws import Clients

HERE = Path(__file__).resolve().parent
EXAMPLE = HERE.parent / "examples" / "notes"
UNDERPASS = Path(sys.executable).with_name("underpass")
POLLERS, WAIT_S, CALLS = 10, 20, 200


def main() -> None:
    """Measure, print, and leave nothing running."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "notes"
        shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".underpass", "tests"))
        try:
            figures = _measure(folder, arguments.runs)
        finally:
            _underpass("down", folder)
    if arguments.json:
        print(json.dumps(figures))
        return
    print(f"up, a changed variable     {figures['without_s']:6.2f} s")
    print(f"the same, slow callers     {figures['with_s']:6.2f} s  ({figures['ratio']:.2f} times)")
    print(f"list_clusters, p99         {figures['p99_s']:6.3f} s")
    print(f"the same, during an up     {figures['p99_during_up_s']:6.3f} s")


def _measure(folder: Path, runs: int) -> dict[str, float]:
    _change(folder, 0)
    _underpass("up", folder)
    region = running_twins.select(folder)
    clients = Clients(region.api_url, region.region, credentials.read(region.state))
    without, slowly = [], []
    for run in range(runs):
        _change(folder, 2 * run + 1)
        without.append(_underpass("up", folder))
        with _slow_callers(clients):
            _change(folder, 2 * run + 2)
            slowly.append(_underpass("up", folder))
    with _slow_callers(clients):
        p99_s = _p99_s(clients)
        _change(folder, 2 * runs + 1)
        at_work = threading.Thread(target=_underpass, args=("up", folder))
        at_work.start()
        p99_during_up_s = _p99_s(clients)
        at_work.join()
    return {
        "ratio": round(statistics.median(slowly) / statistics.median(without), 2),
        "without_s": round(statistics.median(without), 2),
        "with_s": round(statistics.median(slowly), 2),
        "p99_s": round(p99_s, 4),
        "p99_during_up_s": round(p99_during_up_s, 4),
    }


def _p99_s(clients: Clients) -> float:
    ecs, took = clients("ecs"), []
    for _ in range(CALLS):
        began = time.monotonic()
        ecs.list_clusters()
        took.append(time.monotonic() - began)
    return sorted(took)[math.ceil(0.99 * CALLS) - 1]


@contextmanager
def _slow_callers(clients: Clients) -> Iterator[None]:
    sqs, s3, over = clients("sqs"), clients("s3"), threading.Event()
    urls = [sqs.create_queue(QueueName=f"slow-{n}")["QueueUrl"] for n in range(POLLERS)]
    s3.create_bucket(Bucket="slow")
    upload = s3.generate_presigned_url("put_object", Params={"Bucket": "slow", "Key": "slow"})
    threads = [threading.Thread(target=_poll, args=(sqs, url, over)) for url in urls]
    threads.append(threading.Thread(target=_trickle, args=(upload, over)))
    for thread in threads:
        thread.start()
    time.sleep(1)  # they have all been sent
    try:
        yield
    finally:
        over.set()
        for url in urls:
            sqs.send_message(QueueUrl=url, MessageBody="go home")
        for thread in threads:
            thread.join()
        for url in urls:
            sqs.delete_queue(QueueUrl=url)
        s3.delete_bucket(Bucket="slow")


def _poll(sqs: Any, url: str, over: threading.Event) -> None:
    while not over.is_set():
        sqs.receive_message(QueueUrl=url, WaitTimeSeconds=WAIT_S)


def _trickle(upload: str, over: threading.Event) -> None:
    parts = urlsplit(upload)
    line = http.client.HTTPConnection(parts.netloc)
    line.putrequest("PUT", f"{parts.path}?{parts.query}")
    line.putheader("Content-Length", "1000000")
    line.endheaders()
    while not over.wait(0.5):
        line.send(b".")
    line.close()


def _change(folder: Path, number: int) -> None:
    """Write the configuration with another value of one variable."""
    text = (EXAMPLE / "underpass.toml").read_text()
    level = 'LOG_LEVEL = "info"'
    changed = text.replace(level, f'{level}, RUN = "{number}"')
    (folder / "underpass.toml").write_text(changed)


def _underpass(command: str, folder: Path) -> float:
    began = time.monotonic()
    done = subprocess.run(
        [str(UNDERPASS), command, str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(f"underpass {command} failed:\n{done.stderr}")
    return time.monotonic() - began


if __name__ == "__main__":
    main()
