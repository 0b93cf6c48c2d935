"""Which task this is, and in which Availability Zone, as ECS tells it.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4.html
"""

from __future__ import annotations

import json
import logging
import socket
import urllib.request
from dataclasses import dataclass

log = logging.getLogger("uvicorn.error")

_TIMEOUT_S = 2.0


@dataclass(frozen=True)
class Place:
    """The task, its zone, and the revision of its definition."""

    task: str
    zone: str
    cluster: str = ""
    revision: str = ""


def ask(metadata_url: str) -> Place:
    """Return where this runs; outside ECS, the name of the host."""
    elsewhere = Place(task=socket.gethostname(), zone="local")
    if not metadata_url:
        return elsewhere
    try:
        # The address comes from ECS itself.
        with urllib.request.urlopen(f"{metadata_url}/task", timeout=_TIMEOUT_S) as answer:  # noqa: S310
            task = json.load(answer)
        return Place(
            task=task["TaskARN"].rsplit("/", 1)[-1],
            zone=task.get("AvailabilityZone", ""),
            cluster=task.get("Cluster", "").rsplit("/", 1)[-1],
            revision=f"{task.get('Family', '')}:{task.get('Revision', '')}",
        )
    except (OSError, ValueError, KeyError) as error:
        log.warning("the task's metadata cannot be read: %s", error)
        return elsewhere
