"""Requests a second from a consumer to a task, by endpoint, NLB and ALB; beside the same hops of HAProxy.

Starts a twin whose tasks are nginx with a fixed answer (``tiny/``), makes the HAProxy hops in it
(``haproxy.py``), loads both ways in turn with wrk from the consumer's host, and takes the region down.
Nothing is dialled outside the region. Needs nginx, wrk and HAProxy (Debian's nginx-light, wrk, haproxy),
and says which is missing. Prints a table; with ``--json`` one object, medians over the rounds:

``now_rps``, ``haproxy_rps``, ``ratio``
    requests per second, and the first by the second
``now_p99_ms``, ``haproxy_p99_ms``, ``p99_ratio``
    the time within which 99 of a hundred requests are answered
``now_cpu_us``, ``haproxy_cpu_us``
    CPU time a request takes in each program on the way, in microseconds: steadier than the rates where the
    machine has other work
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks.haproxy import answered, at, chain

from underpass.twin.host.running_twins import Running, find, state_folder
from underpass.twin.region import credentials
from underpass.twin.region.aws import Clients

HERE = Path(__file__).resolve().parent
UNDERPASS = Path(sys.executable).with_name("underpass")
CONSUMER = "consumer/one"
NEEDED = {"nginx": "nginx-light", "wrk": "wrk", "haproxy": "haproxy"}
IN_MS = {"us": 0.001, "ms": 1, "s": 1000}
ON_THE_WAY = ("envoy", "haproxy", "nginx", "wrk")


@dataclass(frozen=True)
class Load:
    """What one round saw: requests a second, the 99th percentile, CPU a request by program."""

    rps: float
    p99_ms: float
    cpu_us: dict[str, float]


def main() -> None:
    """Measure, print, and leave nothing running."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5, help="of each load")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if missing := [f"{name} ({NEEDED[name]})" for name in NEEDED if not _installed(name)]:
        sys.exit(f"not measured: not installed: {', '.join(missing)}")
    with tempfile.TemporaryDirectory() as folder:
        application = Path(shutil.copytree(HERE / "tiny", Path(folder, "tiny")))
        try:
            _underpass("up", application)
            running = find(state_folder(application))
            assert running
            key = credentials.read(running.state)
            clients = Clients(running.api_url, running.region, key)
            with chain(running, clients, Path(folder)) as theirs:
                ways = {"now": _endpoint(clients), "haproxy": theirs}
                found = _measured(running, ways, arguments)
        finally:
            _underpass("down", application, "--data", "--yes")
    figures = _figures(found)
    print(json.dumps(figures) if arguments.json else _table(figures))


def _installed(name: str) -> bool:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is not None


def _underpass(command: str, folder: Path, *options: str) -> None:
    words = [str(UNDERPASS), command, str(folder), *options]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0 and command == "up":
        sys.exit(f"underpass {command} failed:\n{done.stderr}")


def _endpoint(clients: Clients) -> str:
    """Return the address of the endpoint's interface in the first zone, where the chain is too."""
    wanted = [{"Name": "description", "Values": ["VPC Endpoint Interface *"]}]
    found = clients("ec2").describe_network_interfaces(Filters=wanted)["NetworkInterfaces"]
    return str(min(found, key=lambda one: str(one["AvailabilityZone"]))["PrivateIpAddress"])


def _measured(
    running: Running, ways: dict[str, str], arguments: argparse.Namespace
) -> dict[str, list[Load]]:
    found: dict[str, list[Load]] = {name: [] for name in ways}
    for address in ways.values():
        answered(running, CONSUMER, "curl", "-sf", "-m", "1", f"http://{address}/")
        _load(running, address, arguments.connections, 1)
    for number in range(arguments.rounds):
        for name in sorted(ways, reverse=bool(number % 2)):
            load = _load(running, ways[name], arguments.connections, arguments.seconds)
            found[name].append(load)
    return found


def _load(running: Running, address: str, connections: int, seconds: int) -> Load:
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", f"http://{address}/"]
    before = _cpu_s(running)
    told = at(running, CONSUMER, *words)
    spent = {name: took - before[name] for name, took in _cpu_s(running).items()}
    if "Non-2xx" in told or "Socket errors" in told:
        sys.exit(f"{address} did not answer every request:\n{told}")
    requests = int(_one(r"(\d+) requests in", told))
    return Load(
        float(_one(r"Requests/sec:\s+([\d.]+)", told)),
        float(_one(r"99%\s+([\d.]+)", told)) * IN_MS[_one(r"99%\s+[\d.]+(us|ms|s)", told)],
        {name: round(1e6 * took / requests, 1) for name, took in spent.items() if took > 0},
    )


def _one(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if not found:
        sys.exit(f"wrk said nothing like {pattern}:\n{text}")
    return found[1]


def _cpu_s(running: Running) -> dict[str, float]:
    """Return the CPU seconds of the region's processes and our own children so far, by program."""
    children: dict[int, list[int]] = {}
    used: dict[int, tuple[str, float]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            head, _, tail = stat.read_text().rpartition(")")
        except OSError:
            continue  # it has ended
        number, name = head.split(" (", 1)
        fields = tail.split()
        children.setdefault(int(fields[1]), []).append(int(number))
        used[int(number)] = name, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)  # wrk, each time
    found = dict.fromkeys(ON_THE_WAY, 0.0) | {"wrk": ended.ru_utime + ended.ru_stime}
    waiting = [running.pid, os.getpid()]
    while waiting:
        pid = waiting.pop()
        waiting.extend(children.get(pid, ()))
        name, took = used.get(pid, ("", 0.0))
        if name in found:
            found[name] += took
    return found


def _figures(found: dict[str, list[Load]]) -> dict[str, object]:
    figures: dict[str, object] = {}
    rps, p99 = dict[str, float](), dict[str, float]()
    for name, loads in found.items():
        figures[f"{name}_rps"] = rps[name] = round(statistics.median(one.rps for one in loads))
        p99[name] = statistics.median(one.p99_ms for one in loads)
        figures[f"{name}_p99_ms"] = round(p99[name], 2)
        figures[f"{name}_cpu_us"] = {
            process: round(statistics.median(one.cpu_us.get(process, 0.0) for one in loads), 1)
            for process in sorted({process for one in loads for process in one.cpu_us})
        }
    return {
        "ratio": round(rps["now"] / rps["haproxy"], 3),
        "p99_ratio": round(p99["now"] / p99["haproxy"], 3),
        **figures,
    }


def _table(figures: dict[str, Any]) -> str:
    lines = ["            requests/s   p99 ms   CPU µs a request"]
    for name in ("now", "haproxy"):
        spent = figures[f"{name}_cpu_us"]
        lines.append(
            f"{name:10s} {figures[f'{name}_rps']:12.0f} {figures[f'{name}_p99_ms']:8.2f}   "
            f"{sum(spent.values()):.0f}: {', '.join(f'{key} {us:.0f}' for key, us in spent.items())}"
        )
    lines.append(f"{'ratio':10s} {figures['ratio']:12.2f} {figures['p99_ratio']:8.2f}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
