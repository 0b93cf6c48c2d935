"""What every part of a running region is given."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from underpass.twin.region.aws import Clients
from underpass.twin.region.dns_records import Names
from underpass.twin.region.reconcile import ChangeFeed

RUN_DIR = Path("/run/underpass")  # a tmpfs in the region's own mount namespace: gone when it dies


@dataclass(frozen=True)
class Region:
    """One running twin, seen from inside.

    Attributes
    ----------
    name
        The AWS region it stands in for.
    clients
        boto3 clients on its API.
    feed
        Where changes are published.
    state
        The folder that outlives it: databases, files, images, logs.
    run
        Sockets and generated files; lost when the region ends.
    names
        What is called what in DNS, by who says so.
    """

    name: str
    clients: Clients
    feed: ChangeFeed
    state: Path
    run: Path = RUN_DIR
    names: Names = field(default_factory=Names)

    @property
    def account(self) -> str:
        """The account whose region it is."""
        return self.clients.account

    def of(self, account: str) -> Region:
        """Return the same region as another account sees it."""
        return replace(self, clients=self.clients.of(account))

    @property
    def internal_domain(self) -> str:
        """The domain of the region's internal host names.

        https://docs.aws.amazon.com/vpc/latest/userguide/vpc-dns.html
        """
        return "ec2.internal" if self.name == "us-east-1" else f"{self.name}.compute.internal"

    def resolv_conf(self, vpc_id: str) -> Path:
        """Return the file to bind over /etc/resolv.conf for processes in this VPC, or on the internet."""
        return self.run / "resolv" / f"{vpc_id}.conf"
