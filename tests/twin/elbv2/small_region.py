"""A region just big enough for load balancers: moto's API, a real fabric, the balancers, and targets."""

from __future__ import annotations

import http.server
import json
import socketserver
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.twin.api import serve

from underpass.twin.api import patch
from underpass.twin.linux.within import within
from underpass.twin.region.context import Region
from underpass.twin.region.reconcile import ChangeFeed, Reconciler
from underpass.twin.services.ec2 import patches as ec2_api
from underpass.twin.services.ec2.fabric import Fabric
from underpass.twin.services.elbv2 import listeners, target_groups
from underpass.twin.services.elbv2 import patches as elbv2
from underpass.twin.services.elbv2.controller import Balancers
from underpass.twin.services.elbv2.health import HealthTable
from underpass.twin.services.privatelink import (
    endpoint_connections,
    endpoint_services,
    endpoints,
)
from underpass.twin.services.privatelink.controller import PrivateLink
from underpass.twin.services.route53.name_service import NameService

CIDR = "10.20.0.0/16"
ZONES = ("us-east-1a", "us-east-1b")


class Server:
    """A task: answers every request with its name, what it was asked and by whom."""

    def __init__(self, path: str, address: str, port: int, name: str) -> None:
        self.status = 200
        self.delay_s = 0.0
        self.hangs_up = False
        self.observed: list[str] = []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.observed.append(self.path)
                time.sleep(server.delay_s)
                if server.hangs_up and self.path != "/healthz":
                    self.close_connection = True
                    return
                told = {
                    "name": name,
                    "path": self.path,
                    "peer": self.client_address[0],
                    "headers": {key.lower(): value for key, value in self.headers.items()},
                }
                body = json.dumps(told).encode()
                self.send_response(server.status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        # HTTPServer itself would ask the DNS for its own name.
        make = socketserver.ThreadingTCPServer
        made = within(path, lambda: make((address, port), Handler))
        made.daemon_threads = True
        made.allow_reuse_address = True
        self._server = made
        threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class SmallRegion:
    """The region and what a test does with it. Only for a place of its own (``run_inside``)."""

    def __init__(self) -> None:
        subprocess.run(["mount", "-t", "proc", "proc", "/proc"], check=True)
        self.health = HealthTable()
        patch.apply(ec2_api, elbv2, listeners, target_groups)
        patch.apply(endpoint_connections, endpoint_services, endpoints)
        target_groups.attach(self.health)
        feed = ChangeFeed()
        clients = serve(feed)
        run = Path("/run/underpass")
        run.mkdir(exist_ok=True)
        self.region = Region("us-east-1", clients, feed, run / "state", run)
        self.fabric = Fabric(self.region)
        self.fabric.start()
        self.balancers = Balancers(self.region, self.fabric, self.health)
        self.balancers.start()
        self.privatelink = PrivateLink(self.region, self.fabric, self.balancers)
        self.names = NameService(self.region, self.fabric)
        self.names.start()
        self.loops = [
            Reconciler(type(one).__name__, one.reconcile).start(feed, one.topics)
            for one in (self.fabric, self.names, self.balancers, self.privatelink)
        ]
        self.ec2, self.elb = clients("ec2"), clients("elbv2")
        self.servers: dict[str, Server] = {}

    def wait(self, condition: Callable[[], Any], what: str, timeout_s: float = 40) -> Any:
        """Return the first truthy answer."""
        return self.region.feed.wait(condition, timeout_s=timeout_s, what=what, recheck_s=0.05)

    # The network

    def vpc(self) -> tuple[str, list[str]]:
        """Make a VPC with a subnet in each zone."""
        vpc_id = self.ec2.create_vpc(CidrBlock=CIDR)["Vpc"]["VpcId"]
        subnets = [
            self.ec2.create_subnet(
                VpcId=vpc_id, CidrBlock=f"10.20.{number}.0/24", AvailabilityZone=zone
            )["Subnet"]["SubnetId"]
            for number, zone in enumerate(ZONES)
        ]
        return vpc_id, subnets

    def group(self, vpc_id: str, name: str, *admitted: tuple[int, str]) -> str:
        """Make a security group that admits (port, CIDR or group)."""
        made = self.ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc_id)
        group_id = str(made["GroupId"])
        for port, peer in admitted:
            permission: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port}
            if peer.startswith("sg-"):
                permission["UserIdGroupPairs"] = [{"GroupId": peer}]
            else:
                permission["IpRanges"] = [{"CidrIp": peer}]
            self.ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[permission])
        return group_id

    def interface(self, subnet: str, group: str) -> tuple[str, str]:
        """Make an interface and return its id and address once it is up."""
        made = self.ec2.create_network_interface(SubnetId=subnet, Groups=[group])
        interface_id = made["NetworkInterface"]["NetworkInterfaceId"]
        self.fabric.wait_up(interface_id)
        return interface_id, made["NetworkInterface"]["PrivateIpAddress"]

    def task(self, name: str, subnet: str, group: str, port: int = 8000) -> str:
        """Start a task and return its address."""
        interface_id, address = self.interface(subnet, group)
        self.servers[name] = Server(self.fabric.path(interface_id), address, port, name)
        return address

    # Load balancers

    def target_group(self, name: str, vpc_id: str, protocol: str, port: int, **more: Any) -> str:
        """Make a target group of addresses."""
        wanted = {"TargetType": "ip", "HealthCheckIntervalSeconds": 10, "HealthyThresholdCount": 2}
        made = self.elb.create_target_group(
            Name=name, VpcId=vpc_id, Protocol=protocol, Port=port, **{**wanted, **more}
        )
        return str(made["TargetGroups"][0]["TargetGroupArn"])

    def load_balancer(self, name: str, kind: str, subnets: list[str], *groups: str) -> str:
        """Make a load balancer."""
        made = self.elb.create_load_balancer(
            Name=name, Type=kind, Scheme="internal", Subnets=subnets, SecurityGroups=list(groups)
        )
        return str(made["LoadBalancers"][0]["LoadBalancerArn"])

    def listen(self, balancer: str, protocol: str, port: int, group: str) -> str:
        """Make a listener that forwards to a target group."""
        action = {"Type": "forward", "TargetGroupArn": group}
        made = self.elb.create_listener(
            LoadBalancerArn=balancer, Protocol=protocol, Port=port, DefaultActions=[action]
        )
        return str(made["Listeners"][0]["ListenerArn"])

    def register(self, group: str, *addresses: str) -> None:
        """Register addresses."""
        targets = [{"Id": address} for address in addresses]
        self.elb.register_targets(TargetGroupArn=group, Targets=targets)

    def deregister(self, group: str, *addresses: str) -> None:
        """Deregister addresses."""
        targets = [{"Id": address} for address in addresses]
        self.elb.deregister_targets(TargetGroupArn=group, Targets=targets)

    def states(self, group: str) -> dict[str, str]:
        """Return the state of every target by its id."""
        described = self.elb.describe_target_health(TargetGroupArn=group)
        return {
            one["Target"]["Id"]: one["TargetHealth"]["State"]
            for one in described["TargetHealthDescriptions"]
        }

    def await_state(self, group: str, state: str, *addresses: str) -> None:
        """Wait until these targets have a state."""
        self.wait(
            lambda: all(self.states(group).get(address) == state for address in addresses),
            f"{addresses} never became {state}: {self.states(group)}",
        )

    def await_active(self, balancer: str) -> None:
        """Wait until a load balancer is active."""

        def code() -> bool:
            described = self.elb.describe_load_balancers(LoadBalancerArns=[balancer])
            return bool(described["LoadBalancers"][0]["State"]["Code"] == "active")

        self.wait(code, f"{balancer} never became active")

    def nodes(self, balancer: str) -> dict[str, str]:
        """Return the addresses of a load balancer's nodes by zone."""
        description = f"ELB {balancer.partition(':loadbalancer/')[2]}"
        described = self.ec2.describe_network_interfaces(
            Filters=[{"Name": "description", "Values": [description]}]
        )["NetworkInterfaces"]
        return {one["AvailabilityZone"]: one["PrivateIpAddress"] for one in described}

    # Requests

    def get(self, eni: str, url: str, *options: str, timeout_s: float = 2) -> dict[str, Any]:
        """Ask from an interface; return status (0 for no answer) and body, a task's own decoded."""
        command = ["curl", "-s", "-m", str(timeout_s), "-w", "\n%{http_code}", *options, url]
        done = subprocess.run(
            [*self.fabric.enter(eni), *command], capture_output=True, text=True, check=False
        )
        body, _, status = done.stdout.rpartition("\n")
        try:
            return {"status": int(status), "curl": done.returncode, **json.loads(body)}
        except ValueError:
            return {"status": int(status or 0), "curl": done.returncode, "body": body}

    def names_seen(self, eni: str, url: str, times: int = 20) -> Counter[str]:
        """Ask many times, on a connection each; return who answered how often."""
        return Counter(
            str(answer.get("name") or answer["status"])
            for answer in (self.get(eni, url) for _ in range(times))
        )
