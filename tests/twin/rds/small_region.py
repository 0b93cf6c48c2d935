"""A region just big enough for databases: moto's API, a VPC, and a fabric that is the loopback device."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path
from typing import Any

from tests.twin.api import serve

from underpass.twin.api import patch
from underpass.twin.linux.devices import devices
from underpass.twin.region.context import Region
from underpass.twin.region.reconcile import ChangeFeed, Reconciler
from underpass.twin.services.ec2 import patches as ec2
from underpass.twin.services.ec2.fabric import Fabric
from underpass.twin.services.rds import groups
from underpass.twin.services.rds import patches as rds
from underpass.twin.services.rds.controller import Databases


class LoopbackFabric(Fabric):
    """Every interface's address is put on the loopback device of the test's own network."""

    def __init__(self, region: Region) -> None:
        self._region = region

    def path(self, name: str) -> str:
        return ""

    def enter(self, name: str) -> list[str]:
        return []

    def wait_up(self, name: str, timeout_s: float = 20) -> None:
        described = self._region.clients("ec2").describe_network_interfaces(
            NetworkInterfaceIds=[name]
        )["NetworkInterfaces"][0]
        with devices() as network:
            network.address("lo", described["PrivateIpAddress"])


class SmallRegion:
    """The region and what a test does with it. Only for a place of its own (``run_inside``)."""

    def __init__(self, state: Path) -> None:
        subprocess.run(["mount", "-t", "proc", "proc", "/proc"], check=True)
        patch.apply(
            ec2, rds, groups
        )  # without ec2's moto draws addresses at random, some of them twice
        feed = ChangeFeed()
        clients = serve(feed)
        run = Path("/run/underpass")
        run.mkdir(exist_ok=True)
        self.region = Region("us-east-1", clients, feed, state, run)
        self.fabric = LoopbackFabric(self.region)
        self.start()
        self._make_network()

    def start(self) -> None:
        """Start the controller, as at the region's start."""
        self.databases = Databases(self.region, self.fabric)
        self.loop = Reconciler("databases", self.databases.reconcile).start(
            self.region.feed, Databases.topics
        )

    def stop(self) -> None:
        """Stop the controller, as at the region's end."""
        self.loop.stop()
        self.databases.stop()

    def _make_network(self) -> None:
        ec2 = self.region.clients("ec2")
        self.vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=self.vpc, CidrBlock=block, AvailabilityZone=zone)["Subnet"]
            for block, zone in (("10.20.8.0/24", "us-east-1b"), ("10.20.7.0/24", "us-east-1a"))
        ]
        self.groups = [
            ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc)["GroupId"]
            for name in ("data", "other")
        ]
        self.region.clients("rds").create_db_subnet_group(
            DBSubnetGroupName="data",
            DBSubnetGroupDescription="data",
            SubnetIds=[subnet["SubnetId"] for subnet in subnets],
        )

    def create(self, identifier: str = "notes", **more: Any) -> None:
        """Create an instance."""
        wanted: dict[str, Any] = {
            "DBInstanceIdentifier": identifier,
            "DBInstanceClass": "db.t4g.micro",
            "Engine": "postgres",
            "EngineVersion": "16",
            "AllocatedStorage": 20,
            "MasterUsername": "app",
            "MasterUserPassword": "first-password",
            "DBName": "notes",
            "DBSubnetGroupName": "data",
            "VpcSecurityGroupIds": self.groups[:1],
            "MultiAZ": True,
        }
        self.region.clients("rds").create_db_instance(**{**wanted, **more})

    def describe(self, identifier: str = "notes") -> dict[str, Any]:
        """Describe an instance."""
        described: dict[str, Any] = self.region.clients("rds").describe_db_instances(
            DBInstanceIdentifier=identifier
        )["DBInstances"][0]
        return described

    def await_status(self, status: str, identifier: str = "notes") -> dict[str, Any]:
        """Return the description once the instance has a status."""

        def there() -> dict[str, Any] | None:
            described = self.describe(identifier)
            return described if described["DBInstanceStatus"] == status else None

        what = f"{identifier} never became {status}"
        return self.region.feed.wait(there, timeout_s=30, what=what, recheck_s=0.1)

    def interfaces(self) -> list[dict[str, Any]]:
        """Return the interfaces of all databases."""
        found: list[dict[str, Any]] = self.region.clients("ec2").describe_network_interfaces(
            Filters=[{"Name": "description", "Values": ["RDSNetworkInterface"]}]
        )["NetworkInterfaces"]
        return found

    def query(
        self, sql: str, password: str = "first-password", user: str = "app", **more: Any
    ) -> list[list[Any]]:
        """Ask the database over its interface."""
        import psycopg

        address = self.interfaces()[0]["PrivateIpAddress"]
        wanted = {"host": address, "port": 5432, "dbname": "notes", "connect_timeout": 5, **more}
        with psycopg.connect(user=user, password=password, **wanted) as connection:
            cursor = connection.execute(sql)
            return [list(row) for row in cursor.fetchall()] if cursor.description else []

    def said(self, words: bytes) -> str:
        """Return what the database answers to these bytes."""
        address = self.interfaces()[0]["PrivateIpAddress"]
        with socket.create_connection((address, 5432), timeout=10) as line:
            line.sendall(words)
            return line.recv(1000).decode(errors="replace")
