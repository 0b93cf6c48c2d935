"""Places: where ``exec`` and probes run. Their names are people's words; behind each is an interface.

``consumer/NAME``: the client instance of a consumer's VPC, known by its tag ``underpass:place``;
``task/ID``: an ECS task; ``internet``: a host outside every VPC.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from underpass.errors import UnderpassError
from underpass.twin.region.accounts import everybody
from underpass.twin.region.aws import Clients
from underpass.twin.services.ec2.wiring import INTERNET_NAME

TAG = "underpass:place"

_WITH_NAMES = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'


def interface_at(clients: Clients, place: str) -> str:
    """Return the namespace of a place; a task's id may be cut short while it is still only one's.

    Raises
    ------
    UnderpassError
        When there is none, or more than one.
    """
    if place == INTERNET_NAME:
        return INTERNET_NAME
    known = dict(_instances(clients)) | dict(_tasks(clients))
    if place in known:
        return known[place]
    fitting = [name for name in known if place.startswith("task/") and name.startswith(place)]
    if len(fitting) == 1:
        return known[fitting[0]]
    raise UnderpassError(
        f"there is no place {place}" if not fitting else f"{place} is more than one place",
        "there are " + ", ".join(sorted([*known, INTERNET_NAME])),
        "name one of them",
    )


def with_names(resolv_conf: Path) -> list[str]:
    """Return what to put before a command's arguments to run it with this resolv.conf, by root only."""
    return ["unshare", "--mount", "--", "sh", "-c", _WITH_NAMES, str(resolv_conf)]


def _instances(clients: Clients) -> Iterator[tuple[str, str]]:
    filters = [
        {"Name": "tag-key", "Values": [TAG]},
        {"Name": "instance-state-name", "Values": ["pending", "running"]},
    ]
    for account in everybody(clients):
        described = account("ec2").describe_instances(Filters=filters)["Reservations"]
        for instance in (one for reservation in described for one in reservation["Instances"]):
            tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
            for interface in instance["NetworkInterfaces"]:
                yield tags[TAG], interface["NetworkInterfaceId"]


def _tasks(clients: Clients) -> Iterator[tuple[str, str]]:
    ecs = clients("ecs")
    for cluster in ecs.list_clusters()["clusterArns"]:
        arns = ecs.list_tasks(cluster=cluster)["taskArns"]
        for start in range(0, len(arns), 100):  # as many as one call takes
            listed = ecs.describe_tasks(cluster=cluster, tasks=arns[start : start + 100])
            for task in listed["tasks"]:
                yield from _task(task)


def _task(task: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if task.get("lastStatus") in {"STOPPED", "DEPROVISIONING"}:
        return
    for attachment in task.get("attachments", ()):
        for detail in attachment.get("details", ()):
            if detail["name"] == "networkInterfaceId":
                yield f"task/{task['taskArn'].rpartition('/')[2]}", detail["value"]
