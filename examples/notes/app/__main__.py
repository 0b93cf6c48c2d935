"""Start the application: ``python -m app``."""

from __future__ import annotations

import os
import sys

import uvicorn

from .application import build
from .settings import SettingsError, read


def main() -> None:
    """Serve until SIGTERM, then finish the requests under way."""
    try:
        settings = read(os.environ)
    except SettingsError as error:
        sys.exit(f"notes cannot start\n{error}")
    uvicorn.run(
        build(settings),
        host="0.0.0.0",  # noqa: S104  the task's own address; its security group decides who reaches it
        port=settings.port,
        log_level=settings.log_level.lower(),
        access_log=False,
        server_header=False,
        ws="none",
        # Longer than the load balancer keeps an idle connection (60 s), or it would use a closed one.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=20,
    )


if __name__ == "__main__":
    main()
