"""Runs one registrar's function in a fresh interpreter at a place of the twin, and says what it took.

``python probe.py FOLDER MODULE`` imports the module from the folder, makes its clients, calls its handler as
often as it is told, and prints a line of JSON: milliseconds to import and to make clients, calls to AWS by
service of each run, peak memory. Calls are counted where botocore sends them.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

calls: Counter[str] = Counter()


def count_calls() -> None:
    """Count every call botocore sends from now on."""
    from botocore.client import BaseClient

    send = BaseClient._make_api_call  # noqa: SLF001  where every call passes

    def counted(client: Any, operation: str, params: dict[str, Any]) -> Any:
        calls[f"{client.meta.service_model.service_name}.{operation}"] += 1
        return send(client, operation, params)

    BaseClient._make_api_call = counted  # noqa: SLF001


class Context:
    """What a handler is given beside its event."""

    aws_request_id = "probe"
    function_name = "probe"
    memory_limit_in_mb = "256"

    def __init__(self) -> None:
        self._until = time.monotonic() + 30

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the run may still take."""
        return max(0, int((self._until - time.monotonic()) * 1000))


def main(folder: str, name: str, clients: list[str], runs: int) -> None:
    """Measure, and print."""
    sys.path.insert(0, folder)
    began = time.monotonic()
    module = importlib.import_module(name)
    for service in clients:
        module.client(service)
    cold_ms = (time.monotonic() - began) * 1000
    count_calls()
    seen: list[dict[str, int]] = []
    took: list[float] = []
    failed: str = ""
    for _ in range(runs):
        calls.clear()
        began = time.monotonic()
        with contextlib.redirect_stdout(io.StringIO()):
            try:
                module.handler({}, Context())
            except Exception as error:  # noqa: BLE001  told to the benchmark
                failed = f"{type(error).__name__}: {error}"
        took.append((time.monotonic() - began) * 1000)
        seen.append(dict(calls))
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    told = {
        "cold_ms": cold_ms,
        "runs_ms": took,
        "calls": seen,
        "peak_mib": peak / 1024,
        "failed": failed,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), int(sys.argv[4]))
