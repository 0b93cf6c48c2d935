"""Whom a task's container runs as and what it may, by its task definition."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError
from tests.twin.ecs.region import Place
from tests.twin.ecs.services import INIT

SAY = """
import http.server, os, threading, time
caps = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff"))
print(os.getuid(), os.getgid(), caps, flush=True)
if int(caps, 16) >> 10 & 1:
    http.server.HTTPServer(("127.0.0.1", 81), http.server.BaseHTTPRequestHandler)
    print("listens on a low port", flush=True)
print("writes", open("/dev/stdout", "w").write("x\\n"), flush=True)
time.sleep(1e6)
"""
CHECK = {
    "command": ["CMD-SHELL", "test $(id -u) = 4321 && touch /tmp/checked"],
    "interval": 5,
    "timeout": 5,
    "retries": 2,
}


def users_and_capabilities() -> dict[str, list[str]]:
    place = Place()
    image = place.image("{python}", "-c", SAY)
    containers: dict[str, dict[str, Any]] = {
        "docker's own": {},
        "none": {"capabilities": {"drop": ["ALL"]}},
        "some": {"capabilities": {"drop": ["CHOWN", "MKNOD"]}},
        "a user": {"user": "4321:33", "healthCheck": CHECK},
    }
    return {name: _said(place, image, container) for name, container in containers.items()}


def _said(place: Place, image: str, container: dict[str, Any]) -> list[str]:
    linux: dict[str, Any] = dict(INIT["linuxParameters"])
    if "capabilities" in container:
        linux["capabilities"] = container.pop("capabilities")
    definition = place.define(image, container={**container, "linuxParameters": linux})
    (task,) = place.ecs.run_task(
        cluster="app",
        taskDefinition=definition,
        launchType="FARGATE",
        networkConfiguration=place.network,
    )["tasks"]

    def ready() -> list[str] | None:
        (now,) = place.ecs.describe_tasks(cluster="app", tasks=[task["taskArn"]])["tasks"]
        well = "healthCheck" not in container or now["healthStatus"] == "HEALTHY"
        log = place.log(task) if now["lastStatus"] == "RUNNING" else []
        return log if well and log[-1:] == ["writes 2"] else None

    found = place.until(ready)
    place.ecs.stop_task(cluster="app", task=task["taskArn"])
    return found


def what_is_added_is_refused() -> str:
    place = Place()
    linux = {"capabilities": {"add": ["NET_ADMIN"]}}
    definition = place.define(place.image("true"), container={"linuxParameters": linux})
    try:
        place.serve(definition)
    except ClientError as error:
        return str(error)
    return ""
