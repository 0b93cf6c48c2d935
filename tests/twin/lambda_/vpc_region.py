"""A region with functions in a VPC that has no way out but a gateway endpoint to S3, and CloudFormation."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from tests.trust import trusting
from tests.twin.lambda_.small_region import zipped

from underpass.twin import services
from underpass.twin.api import patch
from underpass.twin.api.server import Api, Listener, moto_application
from underpass.twin.linux.within import within
from underpass.twin.region.aws import Clients
from underpass.twin.region.context import Region
from underpass.twin.region.reconcile import ChangeFeed, Reconciler
from underpass.twin.services.cloudformation import patches as cloudformation
from underpass.twin.services.cloudformation.registry import registry
from underpass.twin.services.ec2.fabric import Fabric
from underpass.twin.services.ec2.wiring import INTERNET_NAME
from underpass.twin.services.lambda_ import Functions
from underpass.twin.services.lambda_ import patches as lambda_
from underpass.twin.services.lambda_.interfaces import Interfaces
from underpass.twin.services.route53.name_service import NameService

T = TypeVar("T")
VPC_ACCESS = "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"


class VpcRegion:
    """The region and what a test does with it. Only for a place of its own (``run_inside``)."""

    def __init__(self, state: str) -> None:
        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        subprocess.run(["mount", "-t", "proc", "proc", "/proc"], check=True)
        import importlib

        for name in services.PATCHES:
            importlib.import_module(f"{services.__name__}.{name}")
        patch.apply(services)
        feed, inside = ChangeFeed(), socket.create_server(("127.0.0.1", 0))
        clients = Clients(f"http://127.0.0.1:{inside.getsockname()[1]}", "us-east-1")
        run = Path("/run/underpass")
        run.mkdir(exist_ok=True)
        self.region = Region("us-east-1", clients, feed, Path(state), run)
        self.fabric = Fabric(self.region)
        names = NameService(self.region, self.fabric)
        self.functions = Functions(
            self.region,
            self.fabric.path(INTERNET_NAME),
            resolv=self.region.resolv_conf(INTERNET_NAME),
            interfaces=Interfaces(self.region, self.fabric),
        )
        lambda_.attach(self.functions)
        cloudformation.attach(self.region, partial(registry, services=services))
        application = Api(feed, moto_application())
        clients.attach(application)
        self.fabric.start()
        names.start()
        names.serve_host(INTERNET_NAME)
        outside = within(
            self.fabric.path(INTERNET_NAME),
            lambda: [socket.create_server(("0.0.0.0", port)) for port in (80, 443)],
        )
        for bound in (inside, *outside):
            Listener(application, bound).start()
        self.loops = {
            name: Reconciler(name, one.reconcile).start(feed, one.topics)
            for name, one in (
                ("fabric", self.fabric),
                ("names", names),
                ("functions", self.functions),
            )
        }
        self.client = clients
        self.role = self.make_role("function", VPC_ACCESS)

    def make_role(self, name: str, *attached: str) -> str:
        iam = self.client("iam")
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusting("lambda"))["Role"][
            "Arn"
        ]
        for policy in attached:
            iam.attach_role_policy(RoleName=name, PolicyArn=policy)
        return str(arn)

    def make_vpc(self) -> dict[str, Any]:
        """Return a VPC with a subnet for functions and one for servers, and two groups."""
        ec2 = self.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.20.{number}.0/24")["Subnet"]["SubnetId"]
            for number in range(2)
        ]
        groups = [
            ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
            for name in ("function", "server")
        ]
        return {"vpc": vpc, "subnets": subnets, "groups": groups}

    def make_endpoint(self, vpc: str) -> None:
        """Let the VPC reach S3 by a gateway endpoint, as its only way out."""
        ec2 = self.client("ec2")
        tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
        ec2.create_vpc_endpoint(
            VpcId=vpc,
            ServiceName="com.amazonaws.us-east-1.s3",
            VpcEndpointType="Gateway",
            RouteTableIds=[one["RouteTableId"] for one in tables["RouteTables"]],
        )

    def make_server(self, subnet: str, group: str) -> tuple[str, str]:
        """Return id and address of an interface that is up."""
        made = self.client("ec2").create_network_interface(SubnetId=subnet, Groups=[group])
        interface = made["NetworkInterface"]
        self.fabric.wait_up(interface["NetworkInterfaceId"])
        return interface["NetworkInterfaceId"], interface["PrivateIpAddress"]

    def create(self, code: str, name: str = "f", **more: Any) -> None:
        wanted: dict[str, Any] = {
            "FunctionName": name,
            "Runtime": "python3.13",
            "Role": self.role,
            "Handler": "index.handler",
            "Code": {"ZipFile": zipped(code)},
            "Timeout": 10,
        }
        self.client("lambda").create_function(**{**wanted, **more})

    def invoke(self, function: str = "f", /, **event: Any) -> Any:
        answer = self.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
        return json.loads(answer["Payload"].read())

    def interfaces(self) -> list[dict[str, Any]]:
        """Return the interfaces of functions."""
        found = self.client("ec2").describe_network_interfaces()["NetworkInterfaces"]
        return [one for one in found if one["InterfaceType"] == "lambda"]

    def wait(self, condition: Callable[[], T | None], what: str, timeout_s: float = 40) -> T:
        return self.region.feed.wait(condition, timeout_s=timeout_s, what=what, recheck_s=0.05)
