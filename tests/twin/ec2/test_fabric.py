"""The fabric behind the EC2 API: what boto3 asks for is wired, named and enterable, and goes again."""

from __future__ import annotations

import logging
import socket
import struct
import subprocess
from pathlib import Path
from typing import Any

from tests.twin.api import serve
from tests.twin.ec2 import sample
from tests.twin.inside import run_inside

from underpass.errors import UnderpassError
from underpass.twin.api import patch
from underpass.twin.region.context import Region
from underpass.twin.region.reconcile import ChangeFeed, Reconciler
from underpass.twin.services.ec2 import patches as ec2
from underpass.twin.services.ec2.fabric import Fabric
from underpass.twin.services.route53.name_service import NameService

PORT = 4566
ANYWHERE = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]


def started() -> tuple[Region, Fabric]:
    """Start an API and a fabric that follows it."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    patch.apply(ec2)
    feed = ChangeFeed()
    clients = serve(feed, PORT)
    region = Region("us-east-1", clients, feed, Path("/run/state"))
    fabric = Fabric(region)
    names = NameService(region, fabric)
    fabric.start()
    names.start()
    for one in (fabric, names):
        Reconciler(type(one).__name__, one.reconcile).start(feed, one.topics)
    return region, fabric


def vpc(region: Region) -> tuple[str, str]:
    """Return a VPC of 10.20.0.0/16 and a subnet of it."""
    made = region.clients("ec2").create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    subnet = region.clients("ec2").create_subnet(VpcId=made, CidrBlock="10.20.1.0/24")
    return made, subnet["Subnet"]["SubnetId"]


def interface(region: Region, fabric: Fabric, subnet: str) -> dict[str, Any]:
    """Return an interface that is up."""
    made = region.clients("ec2").create_network_interface(SubnetId=subnet)["NetworkInterface"]
    fabric.wait_up(made["NetworkInterfaceId"])
    described: dict[str, Any] = made
    return described


def life_of_an_interface() -> dict[str, Any]:
    region, fabric = started()
    vpc_id, subnet = vpc(region)
    one, other = interface(region, fabric, subnet), interface(region, fabric, subnet)
    name, address = other["NetworkInterfaceId"], other["PrivateIpAddress"]
    sample.listen(name, 80, "here")
    asked = (one["NetworkInterfaceId"], address, 80)
    group = {"GroupId": other["Groups"][0]["GroupId"], "IpPermissions": ANYWHERE}
    own = region.clients("ec2").create_security_group(
        GroupName="own", Description="own", VpcId=vpc_id
    )["GroupId"]
    seen: dict[str, Any] = {"default_group": sample.ask(*asked)}
    region.clients("ec2").modify_network_interface_attribute(
        NetworkInterfaceId=one["NetworkInterfaceId"], Groups=[own]
    )
    region.feed.wait(lambda: sample.ask(*asked) == "silent", timeout_s=30, what="another group")
    region.clients("ec2").authorize_security_group_ingress(**group)
    region.feed.wait(lambda: sample.ask(*asked) != "silent", timeout_s=30, what="allowed")
    with fabric.socket(one["NetworkInterfaceId"]) as client:
        client.connect((address, 80))
        seen["allowed"] = client.recv(100).decode()
    region.clients("ec2").revoke_security_group_egress(GroupId=own, IpPermissions=ANYWHERE)
    region.feed.wait(lambda: sample.ask(*asked) == "silent", timeout_s=30, what="revoked")
    region.clients("ec2").delete_network_interface(NetworkInterfaceId=name)
    region.feed.wait(lambda: not fabric.up(name), timeout_s=30, what="the interface stays")
    seen["namespace"] = str(Path(fabric.path(name)).exists())
    seen["device"] = subprocess.run(
        [*fabric.enter(fabric.network().vpcs[-1].id), "cat", "/proc/net/dev"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.count(name[-14:])
    return seen


def test_an_interface_comes_changes_and_goes() -> None:
    assert run_inside(life_of_an_interface) == {
        "default_group": "here 10.20.1.4",
        "allowed": "here 10.20.1.4",
        "namespace": "False",
        "device": 0,
    }


def resolved(fabric: Fabric, name: str, question: str, server: str = "10.20.0.2") -> list[str]:
    """Ask a VPC's resolver over UDP and TCP; return both answers' codes and addresses."""
    import dnslib

    said = []
    asked = dnslib.DNSRecord.question(question).pack()
    with fabric.socket(name, socket.SOCK_DGRAM) as udp:
        udp.settimeout(3)
        udp.sendto(asked, (server, 53))
        said.append(udp.recv(4096))
    with fabric.socket(name) as tcp:
        tcp.settimeout(3)
        tcp.connect((server, 53))
        tcp.sendall(struct.pack(">H", len(asked)) + asked)
        said.append(tcp.recv(4096)[2:])
    answers = []
    for packet in said:
        record = dnslib.DNSRecord.parse(packet)
        code = dnslib.RCODE[record.header.rcode]
        answers.append(" ".join([code, *sorted(str(answer.rdata) for answer in record.rr)]))
    return answers


def names_by_vpc() -> dict[str, Any]:
    region, fabric = started()
    here, there = vpc(region), vpc(region)
    one, other = interface(region, fabric, here[1]), interface(region, fabric, there[1])
    zone = region.clients("route53").create_hosted_zone(
        Name="notes.internal.example",
        CallerReference="1",
        VPC={"VPCRegion": "us-east-1", "VPCId": there[0]},
        HostedZoneConfig={"PrivateZone": True, "Comment": ""},
    )["HostedZone"]["Id"]
    alias: dict[str, Any] = {
        "HostedZoneId": "Z1",
        "DNSName": "vpce-1.vpce-svc-1.us-east-1.vpce.amazonaws.com",
        "EvaluateTargetHealth": False,
    }
    region.clients("route53").change_resource_record_sets(
        HostedZoneId=zone,
        ChangeBatch={
            "Changes": [
                {
                    "Action": "CREATE",
                    "ResourceRecordSet": {
                        "Name": "notes.internal.example",
                        "Type": "A",
                        "AliasTarget": alias,
                    },
                }
            ]
        },
    )
    region.names.set("endpoints", there[0], {alias["DNSName"]: ("10.20.1.9",)})
    region.feed.wait(
        lambda: region.names.lookup(there[0], "notes.internal.example"),
        timeout_s=30,
        what="the zone is not seen",
    )
    mine, theirs = one["NetworkInterfaceId"], other["NetworkInterfaceId"]
    alternative = "169.254.169.253"
    return {
        "private zone": resolved(fabric, theirs, "notes.internal.example")[0],
        "private zone, other VPC": resolved(fabric, mine, "notes.internal.example")[0],
        "below the zone": resolved(fabric, theirs, "x.notes.internal.example")[0],
        "internal": resolved(fabric, mine, "ip-10-20-1-4.ec2.internal", alternative),
        "api": resolved(fabric, mine, "s3.us-east-1.amazonaws.com"),
        "elsewhere": resolved(fabric, mine, "www.example.com", alternative),
        "by libc": subprocess.run(
            [
                *fabric.enter(mine),
                *places_prefix(region, here[0]),
                "getent",
                "ahostsv4",
                "s3.amazonaws.com",
            ],
            capture_output=True,
            text=True,
            check=False,
        ).stdout.split()[:1],
    }


def places_prefix(region: Region, vpc_id: str) -> list[str]:
    from underpass.twin.services.ec2 import exec_targets

    return exec_targets.with_names(region.resolv_conf(vpc_id))


def test_each_vpc_has_names_of_its_own() -> None:
    seen = run_inside(names_by_vpc)
    assert seen == {
        "private zone": "NOERROR 10.20.1.9 vpce-1.vpce-svc-1.us-east-1.vpce.amazonaws.com.",
        "private zone, other VPC": "NXDOMAIN",
        "below the zone": "NXDOMAIN",
        "internal": ["NOERROR 10.20.1.4"] * 2,
        "api": ["NOERROR 198.51.100.11"] * 2,
        "elsewhere": ["NXDOMAIN"] * 2,
        "by libc": ["198.51.100.11"],
    }


def places_there_are() -> dict[str, Any]:
    region, fabric = started()
    _, subnet = vpc(region)
    tags = [{"Key": "underpass:place", "Value": "consumer/analytics"}]
    region.clients("ec2").run_instances(
        ImageId="ami-12c6146b",
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet,
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
    )
    region.feed.wait(
        lambda: [i for i in fabric.network().interfaces if fabric.up(i.id)], timeout_s=30, what="up"
    )

    known = region.resolv_conf(fabric.network().interfaces[0].vpc_id)
    region.feed.wait(known.exists, timeout_s=30, what="names")

    def at(place: str) -> list[str]:
        script = "cat /proc/net/fib_trie /etc/resolv.conf"
        return subprocess.run(
            [*fabric.place(place), "sh", "-c", script], capture_output=True, text=True, check=True
        ).stdout.split()

    seen: dict[str, Any] = {
        "consumer": {"10.20.1.4", "10.20.0.2"} & set(at("consumer/analytics")),
        "internet": {"198.51.100.10", "10.20.1.4", "10.20.0.2"} & set(at("internet")),
    }
    try:
        at("consumer/analytic")
    except UnderpassError as error:
        seen["unknown"] = [error.what, error.why]
    return {key: sorted(value) for key, value in seen.items()}


def test_places() -> None:
    assert run_inside(places_there_are) == {
        "consumer": ["10.20.0.2", "10.20.1.4"],
        "internet": ["198.51.100.10"],
        "unknown": [
            "there are consumer/analytics, internet",
            "there is no place consumer/analytic",
        ],
    }
