"""The main job, as the README tells it: the example runs privately and its consumer uses it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .machine import Footprint, Project, client, copy_of_example, ordinary_user

INSIDE_URL = "http://notes.internal.example"

_LOAD = """
import collections, concurrent.futures, http.client, json, sys
host, port, path, requests, workers = json.loads(sys.argv[1])
def work(count):
    seen, line = collections.Counter(), http.client.HTTPConnection(host, port, timeout=20)
    for position in range(count):
        if position % 10 == 0:
            line.close()
        line.request("GET", path)
        answer = line.getresponse()
        answer.read()
        seen[f"{answer.status} {answer.getheader('X-Zone')}"] += 1
    return seen
total = collections.Counter()
with concurrent.futures.ThreadPoolExecutor(workers) as pool:
    for seen in pool.map(work, [requests // workers] * workers):
        total += seen
print(json.dumps(total))
"""


_SCAN = """
import errno, itertools, json, resource, select, socket, sys
addresses, ports, timeout = json.loads(sys.argv[1])
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 4096), most))
def knock(places):
    waiting, found = {}, []
    poll = select.epoll()
    for place in places:
        line = socket.socket()
        line.setblocking(False)
        if line.connect_ex(place) in (0, errno.EINPROGRESS):
            waiting[line.fileno()] = line, place
            poll.register(line, select.EPOLLOUT | select.EPOLLONESHOT)
    while waiting and (ready := poll.poll(timeout)):
        for number, _ in ready:
            line, place = waiting.pop(number)
            if line.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                found.append("%s:%s" % place)
            line.close()
    for line, _ in waiting.values():
        line.close()
    poll.close()
    return found
places, found = itertools.product(addresses, ports), []
while some := list(itertools.islice(places, min(most, 4096) - 100)):
    found += knock(some)
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Up:
    """The example, running."""

    project: Project
    summary: Any

    @property
    def url(self) -> str:
        url: str = self.summary["consumers"]["analytics"]["url"]
        return url

    def client(self, service: str) -> Any:
        return client(self.summary, service)

    def stack(self, name: str) -> dict[str, str]:
        stack = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def ask(self, path: str, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
        request = urllib.request.Request(self.url.rstrip("/") + path, method=method, data=body)
        if body is not None and path.startswith("/api/notes") and "attachments" not in path:
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def load(self, place: str | None, host: str, port: int) -> dict[str, int]:
        words = [sys.executable, "-c", _LOAD, json.dumps([host, port, "/api/notes", 1008, 16])]
        if place is None:
            done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120)
            seen: dict[str, int] = json.loads(done.stdout)
            return seen
        inside = self.project.at(place, *words)
        assert inside.status == 0, inside.err
        answer: dict[str, int] = inside.json
        return answer

    def scan(
        self, place: str, addresses: list[str], ports: list[int], timeout_s: float = 1.0
    ) -> list[str]:
        argument = json.dumps([addresses, ports, timeout_s])
        done = self.project.at(place, sys.executable, "-c", _SCAN, argument, timeout_s=300)
        assert done.status == 0, done.err
        found: list[str] = done.json
        return found

    def interfaces(self, vpc_id: str) -> list[Any]:
        filters = [{"Name": "vpc-id", "Values": [vpc_id]}]
        found: list[Any] = self.client("ec2").describe_network_interfaces(Filters=filters)[
            "NetworkInterfaces"
        ]
        return found


@pytest.fixture(scope="module", params=["root", "ordinary"])
def up(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """The example, up once as root and once as an ordinary user; nothing may be left of it."""
    root = os.geteuid() == 0
    if request.param == "root" and not root:
        pytest.skip("the tests run as an ordinary user, so root's way is not tried")
    as_another = request.param == "ordinary" and root
    with ordinary_user() if as_another else nullcontext(list[str]()) as prefix:
        before = Footprint.now()
        project = Project(copy_of_example(tmp_path_factory.mktemp(request.param)), prefix)
        yield Up(project, project.up())
        project.down()
        assert Footprint.now() == before


def test_the_summary_is_complete(up: Up) -> None:
    assert set(up.summary) == {"ok", "seconds", "consumers", "api_url", "state_dir"}
    assert up.summary["ok"] is True
    assert up.summary["consumers"]["analytics"]["endpoint_url"].rstrip("/") == INSIDE_URL
    assert Path(up.summary["state_dir"]).is_dir()
    assert up.project.run("open", "--json").json == up.summary["consumers"]


def test_the_page_its_assets_and_its_notes(up: Up) -> None:
    status, page = up.ask("/")
    assert status == 200
    assert b"<html" in page
    status, style = up.ask("/static/" + _first_asset(page))
    assert status == 200
    assert style
    status, made = up.ask("/api/notes", "POST", b'{"title": "from a test", "body": "kept"}')
    assert status in {200, 201}
    note = json.loads(made)
    assert json.loads(up.ask(f"/api/notes/{note['id']}")[1])["body"] == "kept"


def test_an_attachment_comes_back_as_it_went(up: Up) -> None:
    note = json.loads(up.ask("/api/notes", "POST", b'{"title": "with a file", "body": ""}')[1])
    sent = os.urandom(200_000)
    path = f"/api/notes/{note['id']}/attachments/noise.bin"
    assert up.ask(path, "PUT", sent)[0] in {200, 201, 204}
    for _ in range(4):  # whichever task answers: the files are shared
        assert up.ask(path) == (200, sent)


def test_from_the_consumers_own_host(up: Up) -> None:
    source = (
        "import urllib.request, json;"
        f"a = urllib.request.urlopen('{INSIDE_URL}/api/whoami', timeout=20);"
        "print(json.dumps([a.status, json.loads(a.read())]))"
    )
    status, who = up.project.python("consumer/analytics", source)
    assert status == 200
    assert who["zone"] in {"us-east-1a", "us-east-1b"}


@pytest.mark.parametrize("place", [None, "consumer/analytics"])
def test_a_thousand_requests_without_a_failure_from_both_zones(up: Up, place: str | None) -> None:
    host, port = ("127.0.0.1", int(up.url.rsplit(":", 1)[1].strip("/")))
    if place:
        host, port = "notes.internal.example", 80
    seen = up.load(place, host, port)
    assert set(seen) == {"200 us-east-1a", "200 us-east-1b"}, seen
    assert sum(seen.values()) == 1008


def test_the_two_vpcs_have_the_same_addresses_and_no_route(up: Up) -> None:
    provider = up.stack("notes-foundation")["VpcId"]
    vpcs = up.client("ec2").describe_vpcs()["Vpcs"]
    same = [vpc["VpcId"] for vpc in vpcs if vpc["CidrBlock"] == "10.20.0.0/16"]
    assert provider in same
    assert len(same) == 2
    assert up.client("ec2").describe_vpc_peering_connections()["VpcPeeringConnections"] == []


@pytest.mark.parametrize("place", ["internet", "consumer/analytics"])
def test_no_interface_of_the_provider_answers(up: Up, place: str) -> None:
    provider = up.stack("notes-foundation")["VpcId"]
    theirs = {eni["PrivateIpAddress"] for eni in up.interfaces(provider)}
    own = set()
    if place != "internet":
        consumer = up.client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
        own = {
            eni["PrivateIpAddress"]
            for endpoint in consumer
            if endpoint["VpcId"] != provider
            for eni in up.interfaces(endpoint["VpcId"])
        }
    assert len(theirs) >= 10  # nodes, tasks, NAT gateways, database, mount targets, instances
    ports = [*range(1, 1025), 2049, 3306, 4566, 5432, 8000, 8080, 15000]
    assert up.scan(place, sorted(theirs - own), ports, 0.5) == []


def test_the_endpoint_answers_only_on_its_port(up: Up) -> None:
    endpoint = up.client("ec2").describe_vpc_endpoints(
        Filters=[{"Name": "vpc-endpoint-type", "Values": ["Interface"]}]
    )["VpcEndpoints"][0]
    found = up.client("ec2").describe_network_interfaces(
        NetworkInterfaceIds=endpoint["NetworkInterfaceIds"]
    )
    addresses = sorted(eni["PrivateIpAddress"] for eni in found["NetworkInterfaces"])
    ports = [22, 79, 80, 81, 443, 5432, 8000, 8080]
    assert sorted(up.scan("consumer/analytics", addresses, ports)) == [
        f"{one}:80" for one in addresses
    ]


def test_no_way_in_by_the_public_addresses(up: Up) -> None:
    addresses = [one["PublicIp"] for one in up.client("ec2").describe_addresses()["Addresses"]]
    assert len(addresses) == 2
    assert up.scan("internet", addresses, [22, 80, 443, 5432, 8000]) == []


def test_a_task_reaches_aws_through_nat(up: Up) -> None:
    task = up.project.run("status", "--json").json["tasks"][0]["id"]
    source = "import socket; print(socket.create_connection(('198.51.100.10', 80), 5) is not None)"
    done = up.project.at(f"task/{task}", sys.executable, "-c", source)
    assert done.out.strip() == "True", done.err


def test_the_apis_agree_with_what_runs(up: Up) -> None:
    path, service = up.stack("notes-path"), up.stack("notes-service")
    seen = up.project.run("status", "--json").json
    tasks = {task["address"]: task["zone"] for task in seen["tasks"]}
    assert len(tasks) == 2
    assert set(tasks.values()) == {"us-east-1a", "us-east-1b"}
    ecs = up.client("ecs").describe_services(
        cluster=up.stack("notes-capacity")["ClusterName"], services=[service["ServiceName"]]
    )
    assert ecs["services"][0]["runningCount"] == 2
    health = up.client("elbv2").describe_target_health(TargetGroupArn=path["AlbTargetGroupArn"])
    assert {one["Target"]["Id"] for one in health["TargetHealthDescriptions"]} == set(tasks)
    assert {one["TargetHealth"]["State"] for one in health["TargetHealthDescriptions"]} == {
        "healthy"
    }
    nlb = up.client("elbv2").describe_target_health(TargetGroupArn=path["NlbTargetGroupArn"])
    nodes = {
        eni["PrivateIpAddress"]
        for eni in up.interfaces(up.stack("notes-foundation")["VpcId"])
        if eni["Description"].startswith("ELB app/")
    }
    assert {one["Target"]["Id"] for one in nlb["TargetHealthDescriptions"]} == nodes
    assert {one["state"] for one in seen["targets"]["nlb"]} == {"healthy"}
    assert seen["database"]["status"] == "available"
    assert [one["state"] for one in seen["endpoints"]] == ["available"]
    stacks = {one["name"].removeprefix("notes-"): one["status"] for one in seen["stacks"]}
    protected = {name for name, status in stacks.items() if status == "UPDATE_COMPLETE"}
    assert protected == {"foundation", "path"}
    assert {status for name, status in stacks.items() if name not in protected} == {
        "CREATE_COMPLETE"
    }


def test_the_aws_command_works_unchanged(up: Up) -> None:
    aws = (sys.executable, "-m", "awscli")  # its script does not start below a folder with a blank
    environment = {**os.environ, **up.project.variables(), "AWS_PAGER": ""}

    def call(*words: str) -> Any:
        done = subprocess.run(
            [*aws, *words, "--output", "json"],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    events = call("cloudformation", "describe-stack-events", "--stack-name", "notes-service")[
        "StackEvents"
    ]
    assert events[0]["ResourceStatus"] == "CREATE_COMPLETE"
    assert {event["LogicalResourceId"] for event in events} > {"notes-service"}
    interfaces = call("ec2", "describe-network-interfaces")["NetworkInterfaces"]
    assert any(one["Description"].startswith("ELB net/") for one in interfaces)


def test_a_second_up_converges_without_losing_a_request(up: Up) -> None:
    file = up.project.folder / "underpass.toml"
    text = file.read_text()
    changed = text.replace("min = 2", "min = 3", 1).replace(
        'LOG_LEVEL = "info"', 'LOG_LEVEL = "debug"'
    )
    assert changed.count("min = 3") == 1
    assert "debug" in changed
    file.write_text(changed)
    before = {task["id"] for task in up.project.run("status", "--json").json["tasks"]}
    try:
        up.project.up()
        after = up.project.run("status", "--json").json["tasks"]
        assert len(after) == 3
        assert before.isdisjoint({task["id"] for task in after})  # the variable made new tasks
        assert set(up.load(None, "127.0.0.1", int(up.url.rsplit(":", 1)[1].strip("/")))) == {
            "200 us-east-1a",
            "200 us-east-1b",
        }
    finally:
        file.write_text(text)


def _first_asset(page: bytes) -> str:
    return page.split(b"/static/", 1)[1].split(b'"', 1)[0].decode()
