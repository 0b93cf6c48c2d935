"""The pattern's hops made of HAProxy, in a running twin: endpoint, NLB and ALB, a host each.

The hosts are EC2 instances of the twin's, in the subnets and with the security groups of what they stand
in for, so that namespaces, routers and firewalls are of the same kind; the tasks behind them are the
twin's. Only the link between the two VPCs, which is PrivateLink's own, has to be made here. All of it goes
with the region.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from underpass.twin.host import nsenter
from underpass.twin.host.running_twins import Running

ENDPOINT_END, NLB_END = "169.254.200.1", "169.254.200.2"
PORT = 80
LIKE = {  # how EC2 describes the interface of what each hop stands in for
    "endpoint": "VPC Endpoint Interface *",
    "nlb": "ELB net/*",
    "alb": "ELB app/*",
}
CONFIGURATION = """
defaults
    mode {mode}
    timeout connect 5s
    timeout client 60s
    timeout server 60s
listen hop
    bind :{port}
    balance roundrobin
{more}
"""
AS_AN_ALB = (
    "option forwardfor",
    "http-request set-header X-Forwarded-Proto http",
    f"http-request set-header X-Forwarded-Port {PORT}",
)
READY_S = 20


@contextmanager
def chain(running: Running, clients: Any, folder: Path) -> Iterator[str]:
    """Yield the address at which the consumer finds the chain; its configurations are in ``folder``.

    Raises
    ------
    subprocess.CalledProcessError
        When a host does not come up, or the link cannot be made.
    """
    ec2 = clients("ec2")
    hosts = {hop: _host(ec2, hop, description) for hop, description in LIKE.items()}
    alb, (endpoint, _), (_, nlb_interface) = hosts["alb"][0], hosts["endpoint"], hosts["nlb"]
    for hop in hosts:
        answered(running, f"haproxy/{hop}", "true")
    pair = f"link add privatelink type veth peer name privatelink netns {nlb_interface}"
    at(running, "haproxy/endpoint", "ip", *pair.split())
    for hop, end in (("endpoint", ENDPOINT_END), ("nlb", NLB_END)):
        at(running, f"haproxy/{hop}", "ip", "addr", "add", f"{end}/30", "dev", "privatelink")
        at(running, f"haproxy/{hop}", "ip", "link", "set", "privatelink", "up")
    with ExitStack() as serving:
        for hop, mode, targets in (
            ("alb", "http", _tasks(clients("elbv2"))),
            ("nlb", "tcp", [(alb, PORT)]),
            ("endpoint", "tcp", [(NLB_END, PORT)]),
        ):
            more = [f"server {number} {host}:{port}" for number, (host, port) in enumerate(targets)]
            more += AS_AN_ALB if mode == "http" else ()
            lines = "\n".join(f"    {line}" for line in more)
            text = CONFIGURATION.format(mode=mode, port=PORT, more=lines)
            (folder / f"{hop}.cfg").write_text(text)
            serving.enter_context(_haproxy(running, hop, folder / f"{hop}.cfg"))
        yield endpoint


def at(running: Running, place: str, *words: str) -> str:
    """Run a command at a place of the twin and return what it printed.

    Raises
    ------
    subprocess.CalledProcessError
        When it failed.
    """
    command = nsenter.command(running, place, words, Path("/"))
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


def answered(running: Running, place: str, *words: str) -> str:
    """Run a command at a place until it succeeds, for ``READY_S`` seconds at most; return what it printed.

    Raises
    ------
    subprocess.CalledProcessError
        When it still fails then.
    """
    until = time.monotonic() + READY_S
    while True:
        try:
            return at(running, place, *words)
        except subprocess.CalledProcessError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def _host(ec2: Any, hop: str, description: str) -> tuple[str, str]:
    """Start an instance beside the first interface described so; return its address and interface."""
    wanted = [{"Name": "description", "Values": [description]}]
    found = ec2.describe_network_interfaces(Filters=wanted)["NetworkInterfaces"]
    like = min(found, key=lambda one: str(one["AvailabilityZone"]))
    tags = [{"Key": "underpass:place", "Value": f"haproxy/{hop}"}]
    made = ec2.run_instances(
        ImageId=ec2.describe_images()["Images"][0]["ImageId"],
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        SubnetId=like["SubnetId"],
        SecurityGroupIds=[group["GroupId"] for group in like["Groups"]],
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
    )["Instances"][0]
    own = made["NetworkInterfaces"][0]
    return own["PrivateIpAddress"], own["NetworkInterfaceId"]


def _tasks(elb: Any) -> Iterable[tuple[str, int]]:
    for group in elb.describe_target_groups()["TargetGroups"]:
        if group["Protocol"] == "HTTP":
            health = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])
            for one in health["TargetHealthDescriptions"]:
                yield one["Target"]["Id"], one["Target"]["Port"]


@contextmanager
def _haproxy(running: Running, hop: str, configuration: Path) -> Iterator[None]:
    words = ["haproxy", "-db", "-f", str(configuration)]
    command = nsenter.command(running, f"haproxy/{hop}", words, Path("/"))
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT) as process:
        try:
            yield
        finally:
            process.terminate()
