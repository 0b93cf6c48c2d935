"""EC2 as the twin has it, over the loopback: moto with its network made to be wired."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from underpass.twin.api import patch
from underpass.twin.api.server import Api, Listener, moto_application
from underpass.twin.region.aws import Clients
from underpass.twin.region.reconcile import ChangeFeed
from underpass.twin.services.ec2 import patches as ec2
from underpass.twin.services.efs import patches as efs


@pytest.fixture(scope="session")
def clients() -> Clients:
    patch.apply(ec2, efs)
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    Listener(Api(ChangeFeed(), moto_application()), bound).start()
    return Clients(url, "eu-central-1")


@pytest.fixture
def subnet(clients: Clients) -> dict[str, Any]:
    """Return a small subnet, described, of a VPC of its own."""
    vpc = clients("ec2").create_vpc(CidrBlock="10.9.0.0/24")["Vpc"]
    made = clients("ec2").create_subnet(VpcId=vpc["VpcId"], CidrBlock="10.9.0.16/28")
    described: dict[str, Any] = made["Subnet"]
    return described
