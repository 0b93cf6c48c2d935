"""CloudFormation over HTTP on the loopback: moto, our engine, real resource types and things in memory."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cloudformation_service.fakes import THING, Thing, World

from underpass.twin import services
from underpass.twin.api import patch
from underpass.twin.api.server import Api, Listener, moto_application
from underpass.twin.region.aws import Clients
from underpass.twin.region.context import Region
from underpass.twin.region.reconcile import ChangeFeed
from underpass.twin.services.cloudformation import patches as cloudformation
from underpass.twin.services.cloudformation.registry import registry


@dataclass(frozen=True)
class Twin:
    region: Region
    world: World

    def client(self, service: str = "cloudformation") -> Any:
        return self.region.clients(service)

    def settled(self, stack: str) -> str:
        """Wait, by the change feed's word, until nothing is under way, and return the status."""

        def status() -> str | None:
            found = str(self.client().describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])
            return None if found.endswith("IN_PROGRESS") else found

        return self.region.feed.wait(status, timeout_s=30, what=f"{stack} did not settle")


@pytest.fixture
def twin(tmp_path: Path) -> Twin:
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    clients = Clients(f"http://127.0.0.1:{bound.getsockname()[1]}", "us-east-1")
    region = Region("us-east-1", clients, ChangeFeed(), tmp_path / "state", tmp_path / "run")
    world = World()
    patch.apply(cloudformation)
    cloudformation.attach(
        region, lambda there: registry(there, services) | {THING: Thing(there, world)}
    )
    application = Api(region.feed, moto_application())
    Listener(application, bound).start()
    clients.attach(application)  # as inside a region
    return Twin(region, world)


Aws = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def aws(twin: Twin, tmp_path: Path) -> Aws:
    """Run the AWS command line against the twin."""
    command = (
        sys.executable,
        "-m",
        "awscli",
    )  # its script does not start below a folder with a blank
    settings = {
        "AWS_ACCESS_KEY_ID": "underpass",
        "AWS_SECRET_ACCESS_KEY": "twin",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": twin.region.clients.endpoint_url,
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_PAGER": "",
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *arguments],
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run
