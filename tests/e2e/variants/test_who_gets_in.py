"""Who gets in, by packets: named blocks, those in ``allow``, strangers; and TLS all the way to the tasks."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.e2e.machine import Footprint, Project, application, client

from underpass.twin.region.aws import ACCOUNT_ID

SERVER = """
import http.server, ssl
class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = self.connection.version().encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("0.0.0.0", 8000), Answer)
tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
tls.load_cert_chain("task.pem")
server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
"""
CONFIGURATION = f"""
[privatelink]
allow = ["arn:aws:iam::{ACCOUNT_ID}:root"]
allow_cidrs = ["10.77.0.0/16"]
private_dns_name = "small.example.com"

[tls]
certificate = "arn:aws:acm:us-east-1:111111111111:certificate/0f0f"
to_tasks = true
"""
BLOCKS = ["10.20.0.0/16", "100.64.0.0/16"]
ASK = """
import json, ssl, sys, urllib.request
tls = ssl.create_default_context()
tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
try:
    with urllib.request.urlopen(f"https://{sys.argv[1]}/", timeout=float(sys.argv[2]), context=tls) as answer:
        print(json.dumps(answer.read().decode()))
except OSError as error:
    print(json.dumps(None))
"""


def certificate() -> bytes:
    """Return a key and a certificate of nobody's in particular, as an ALB takes from its targets."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "task")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=2))
        .not_valid_after(now - dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(pem, form, plain) + made.public_bytes(pem)


class Region:
    """The application, and VPCs of people who are no ``[[consumers]]``."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.summary = project.up()
        self.ec2 = client(self.summary, "ec2")
        (self.service,) = self.ec2.describe_vpc_endpoint_service_configurations()[
            "ServiceConfigurations"
        ]
        self.names: dict[str, str] = {}

    def join(self, name: str, block: str) -> None:
        """Make a VPC with an accepted endpoint and a host, the place ``consumer/NAME``."""
        ec2 = self.ec2
        vpc = ec2.create_vpc(CidrBlock=block)["Vpc"]["VpcId"]
        for attribute in ("EnableDnsSupport", "EnableDnsHostnames"):
            ec2.modify_vpc_attribute(VpcId=vpc, **{attribute: {"Value": True}})
        zone = self.service["AvailabilityZones"][0]
        part = block.replace("/16", "/24")
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=part, AvailabilityZone=zone)["Subnet"]
        group = ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
        https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
        everybody = {**https, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[everybody])
        tags = [{"Key": "underpass:place", "Value": f"consumer/{name}"}]
        ec2.run_instances(
            ImageId=client(self.summary, "ssm").get_parameter(
                Name="/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
            )["Parameter"]["Value"],
            InstanceType="t3.micro",
            MinCount=1,
            MaxCount=1,
            SubnetId=subnet["SubnetId"],
            SecurityGroupIds=[group],
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        )
        endpoint = ec2.create_vpc_endpoint(
            VpcEndpointType="Interface",
            VpcId=vpc,
            ServiceName=self.service["ServiceName"],
            SubnetIds=[subnet["SubnetId"]],
            SecurityGroupIds=[group],
            PrivateDnsEnabled=False,
        )["VpcEndpoint"]
        one = endpoint["VpcEndpointId"]
        ec2.accept_vpc_endpoint_connections(
            ServiceId=self.service["ServiceId"], VpcEndpointIds=[one]
        )
        ec2.get_waiter("vpc_available").wait(VpcIds=[vpc])
        self.names[name] = endpoint["DnsEntries"][0]["DnsName"]

    def ask(self, place: str, timeout_s: float = 5, name: str = "") -> str | None:
        """Return what the application answers at a place; None for nothing."""
        name = name or self.names.get(place, "small.internal")
        words = ["python3", "-c", ASK, name, str(timeout_s)]
        done = self.project.at(f"consumer/{place}", *words)
        assert done.status == 0, done.err
        told: str | None = done.json
        return told

    def reached(self, place: str) -> str:
        """Return the first answer; an endpoint may take a moment."""
        for _ in range(10):
            if answer := self.ask(place):
                return answer
        raise AssertionError(f"nothing answers {place}")

    def enforce(self, word: str) -> None:
        file = self.project.folder / "underpass.toml"
        text = file.read_text()
        file.write_text(
            text.replace('allow_cidrs = ["10.77.0.0/16"]', 'enforce = "off"')
            if word == "off"
            else text.replace('enforce = "off"', 'allow_cidrs = ["10.77.0.0/16"]')
        )

    def said(self) -> str:
        """Return what the plan says of admission."""
        done = self.project.run("plan", "--json")
        assert done.status == 1, done.err
        (told,) = [one["admission"] for one in done.json["stacks"] if one["admission"]]
        assert told in self.project.run("plan").out
        return str(told)


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    before = Footprint.now()
    project = application(tmp_path_factory.mktemp("entry"), SERVER, CONFIGURATION)
    (project.folder / "task.pem").write_bytes(certificate())
    file = project.folder / "underpass.toml"
    keys = f"cidrs = {json.dumps(BLOCKS)}\nprivate_dns = true\n"
    file.write_text(file.read_text() + keys)
    made = Region(project)
    made.join("ally", "10.77.0.0/16")
    made.join("stranger", "10.88.0.0/16")
    yield made
    project.down()
    assert Footprint.now() == before


def test_named_blocks_get_in_and_a_stranger_does_not(region: Region) -> None:
    assert region.reached("desk") == "TLSv1.3", "as the task sees it"
    assert region.reached("desk/100.64.0.0/16")
    assert region.reached("ally"), "it is in allow, and its block is named"
    assert region.ask("stranger", timeout_s=2) is None, "it is in allow, and its block is not"


def test_a_consumer_that_asked_for_it_knows_the_private_name(region: Region) -> None:
    assert region.ask("desk", name="small.example.com")
    assert region.ask("ally", name="small.example.com") is None
    cloudformation = client(region.summary, "cloudformation")
    (stack,) = [
        one
        for one in cloudformation.describe_stacks()["Stacks"]
        if any(output["OutputKey"] == "EndpointServiceId" for output in one["Outputs"])
    ]
    told = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    assert told["PrivateDnsNameValue"].startswith("vpce:")
    assert told["PrivateDnsNameName"].startswith("_")
    assert told["PrivateDnsNameState"] == "verified"


def test_the_load_balancer_checks_the_tasks_by_tls(region: Region) -> None:
    elb = client(region.summary, "elbv2")
    groups = {one["Protocol"]: one for one in elb.describe_target_groups()["TargetGroups"]}
    assert groups["HTTPS"]["HealthCheckProtocol"] == "HTTPS"
    health = elb.describe_target_health(TargetGroupArn=groups["HTTPS"]["TargetGroupArn"])
    states = {one["TargetHealth"]["State"] for one in health["TargetHealthDescriptions"]}
    assert states == {"healthy"}


@pytest.mark.parametrize("word", ["off", "named"])
def test_a_flip_is_said_before_and_costs_the_named_no_request(region: Region, word: str) -> None:
    region.enforce(word)
    said = region.said()
    assert ("no longer admitted by address" in said) == (word == "off")
    seen, over = Counter[bool](), threading.Event()

    def ask() -> None:
        while not over.is_set():
            seen[region.ask("desk", timeout_s=20) is not None] += 1

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        region.project.up()
    finally:
        over.set()
        asking.join(timeout=60)
    assert seen[True] > 1
    assert not seen[False]
    if word == "off":
        assert region.reached("stranger")
    else:
        assert region.ask("stranger", timeout_s=2) is None


def test_another_region_is_refused_by_name(region: Region) -> None:
    file: Any = region.project.folder / "underpass.toml"
    text = file.read_text()
    file.write_text(f'{text}region = "eu-west-1"\n')
    done = region.project.run("up")
    file.write_text(text)
    assert done.status == 2
    assert "consumer desk is in eu-west-1" in done.err
