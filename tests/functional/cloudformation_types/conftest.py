"""Providers against plain moto on the loopback: no namespaces, no controllers but small fakes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from underpass.twin import services
from underpass.twin.api import patch
from underpass.twin.api.server import Api, Listener, moto_application
from underpass.twin.region.aws import Clients
from underpass.twin.region.context import Region
from underpass.twin.region.reconcile import ChangeFeed
from underpass.twin.region.topics import Topic
from underpass.twin.services.autoscaling import patches as autoscaling
from underpass.twin.services.cloudformation.registry import registry
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    ResourceType,
)
from underpass.twin.services.cloudwatch import patches as cloudwatch
from underpass.twin.services.ec2 import dependencies
from underpass.twin.services.ec2 import patches as ec2
from underpass.twin.services.efs import patches as efs
from underpass.twin.services.iam import patches as iam
from underpass.twin.services.privatelink import endpoint_connections
from underpass.twin.services.rds import groups
from underpass.twin.services.s3 import patches as s3
from underpass.twin.services.scheduler import patches as scheduler
from underpass.twin.services.secretsmanager import patches as secretsmanager
from underpass.twin.services.sqs import patches as sqs

STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/notes/0001"


class Bench:
    """Makes, changes and deletes resources by type, and ticks fakes of what runs behind the API."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self.resource_types = registry(region, services)
        self.clients = region.clients
        self._made = 0
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def resource_type(self, type_: str) -> ResourceType:
        return self.resource_types[f"AWS::{type_}"]

    def create(self, type_: str, **properties: Any) -> Physical:
        self._made += 1
        logical = LogicalResource("notes", STACK, type_.rsplit(":", 1)[-1], generation=self._made)
        return self.resource_type(type_).create(logical, properties)

    def update(
        self, type_: str, physical: Physical, old: dict[str, Any], new: dict[str, Any]
    ) -> Physical:
        return self.resource_type(type_).update(
            LogicalResource("notes", STACK, "Changed"), physical, old, new
        )

    def delete(self, type_: str, physical: Physical, **properties: Any) -> None:
        self.resource_type(type_).delete(physical, properties)

    def subnets(self) -> tuple[str, list[str]]:
        """Return a VPC and two of its subnets, in different zones."""
        vpc = self.create("EC2::VPC", CidrBlock="10.0.0.0/16").id
        zones = ("us-east-1a", "us-east-1b")
        return vpc, [
            self.create(
                "EC2::Subnet", VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=zone
            ).id
            for i, zone in enumerate(zones)
        ]

    def meanwhile(self, topic: str, step: Callable[[], bool]) -> None:
        """Run ``step`` until it is done: every 20 ms, and before each call to ``topic`` returns."""
        lock, done = threading.Lock(), threading.Event()

        def once() -> None:
            with lock:
                if not (done.is_set() or self._stopping.is_set()) and step():
                    done.set()

        def run() -> None:
            while not (self._stopping.wait(0.02) or done.is_set()):
                once()
                self.region.feed.publish(Topic.OTHER)

        self.region.feed.subscribe((Topic(topic),), once)

        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()


@pytest.fixture(scope="session")
def served() -> tuple[Clients, ChangeFeed]:
    """Return clients of the API, and the change feed it publishes on."""
    patch.apply(
        autoscaling,
        scheduler,
        endpoint_connections,
        dependencies,
        ec2,
        efs,
        cloudwatch,
        iam,
        groups,
        s3,
        secretsmanager,
        sqs,
    )
    feed, listening = ChangeFeed(), socket.socket()
    listening.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    application = Api(feed, moto_application())
    Listener(application, listening).start()
    clients = Clients(url, "us-east-1")
    clients.attach(application)  # as inside a region
    return clients, feed


@pytest.fixture
def bench(served: tuple[Clients, ChangeFeed], tmp_path: Path) -> Iterator[Bench]:
    clients, feed = served
    made = Bench(Region("us-east-1", clients, feed, tmp_path, tmp_path))
    yield made
    made.stop()
    _empty()


def _empty() -> None:
    from moto.moto_api._internal import moto_api_backend

    moto_api_backend.reset()
