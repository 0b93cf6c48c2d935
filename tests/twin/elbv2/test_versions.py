"""HTTP/2 and gRPC to the tasks, a health check on a port of its own, and clients that follow a cookie."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.twin.inside import run_inside

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/x"


def _behind_tls(version: str, protocol: str = "HTTP", **more: Any) -> tuple[Any, str, Any, str]:
    """Return a region with an HTTPS listener, its target group, a way to start a task, and a client."""
    from tests.twin.elbv2.h2_server import H2Server
    from tests.twin.elbv2.small_region import CIDR, SmallRegion

    from underpass.twin.linux.within import within
    from underpass.twin.region.certificates import Authority

    region = SmallRegion()
    vpc, subnets = region.vpc()
    group = region.group(vpc, "all", (443, CIDR), (8000, CIDR), (8001, CIDR))
    alb = region.load_balancer("alb", "application", subnets, group)
    tasks = region.target_group("tasks", vpc, protocol, 8000, ProtocolVersion=version, **more)
    region.elb.create_listener(
        LoadBalancerArn=alb,
        Protocol="HTTPS",
        Port=443,
        Certificates=[{"CertificateArn": CERTIFICATE}],
        DefaultActions=[{"Type": "forward", "TargetGroupArn": tasks}],
    )
    context = None
    if protocol == "HTTPS":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*Authority(Path("/run/task-tls")).issue(["task"]))
        context.set_alpn_protocols(["h2"])

    def start(name: str, zone: int = 0) -> tuple[Any, str]:
        interface_id, address = region.interface(subnets[zone], group)
        path = region.fabric.path(interface_id)
        listening = within(path, lambda: socket.create_server((address, 8000)))
        return H2Server(listening, name, grpc=version == "GRPC", tls=context), address

    client, _ = region.interface(subnets[0], group)
    region.await_active(alb)
    return region, tasks, start, f"{client} https://{next(iter(region.nodes(alb).values()))}"


def _http2(protocol: str) -> dict[str, Any]:
    region, tasks, start, where = _behind_tls("HTTP2", protocol, HealthCheckPath="/healthz")
    client, url = where.split()
    started = [start("a"), start("b", 1)]
    region.register(tasks, *(address for _, address in started))
    region.await_state(tasks, "healthy", *(address for _, address in started))
    told: dict[str, Any] = {}
    told["names"] = sorted(
        {str(region.get(client, f"{url}/", "-k", "--http2").get("name")) for _ in range(12)}
    )
    told["http1"] = region.get(client, f"{url}/", "-k", "--http1.1")["status"]
    told["nlb"] = _is_well_to_an_nlb(region)
    told["alpn"] = sorted({str(one) for server, _ in started for one in server.protocols})
    for server, _ in started:
        server.status = 503
    region.await_state(tasks, "unhealthy", started[0][1])
    described = region.elb.describe_target_health(TargetGroupArn=tasks)["TargetHealthDescriptions"]
    told["why"] = described[0]["TargetHealth"]["Description"]
    told["open"] = region.get(client, f"{url}/", "-k", "--http2")["status"]
    return told


def _is_well_to_an_nlb(region: Any) -> str:
    """Return the state of the ALB as a target of an NLB, which asks it in HTTP/1.1."""
    (alb,) = region.elb.describe_load_balancers()["LoadBalancers"]
    subnets = [zone["SubnetId"] for zone in alb["AvailabilityZones"]]
    nlb = region.load_balancer("nlb", "network", subnets, *alb["SecurityGroups"])
    check = {"HealthCheckProtocol": "HTTPS", "Matcher": {"HttpCode": "464"}, "TargetType": "alb"}
    albs = region.target_group("albs", alb["VpcId"], "TCP", 443, **check)
    region.listen(nlb, "TCP", 443, albs)
    region.register(albs, alb["LoadBalancerArn"])
    region.await_state(albs, "healthy", alb["LoadBalancerArn"])
    return str(region.states(albs)[alb["LoadBalancerArn"]])


@pytest.mark.parametrize("protocol", ["HTTP", "HTTPS"])
def test_an_alb_speaks_http2_to_its_targets(protocol: str) -> None:
    told = run_inside(_http2, protocol)
    assert told["names"] == ["a", "b"]
    assert told["http1"] == 464, "HTTP/1.1 is not what the targets speak"
    assert told["nlb"] == "healthy"
    assert told["alpn"] == (["h2"] if protocol == "HTTPS" else [])
    assert told["why"] == "Health checks failed with these codes: [503]"
    assert told["open"] == 503


def _grpc(protocol: str) -> dict[str, Any]:
    region, tasks, start, where = _behind_tls("GRPC", protocol)
    client, url = where.split()
    server, address = start("a")
    region.register(tasks, address)
    region.await_state(tasks, "healthy", address)
    described = region.elb.describe_target_groups(TargetGroupArns=[tasks])["TargetGroups"][0]
    told: dict[str, Any] = {
        "check": [described["HealthCheckPath"], described["Matcher"], described["ProtocolVersion"]]
    }
    message = Path("/run/message")
    message.write_bytes(b"\0\0\0\0\5hello")
    call = ("-k", "--http2", "-H", "content-type: application/grpc", "-H", "te: trailers")
    said = region.get(client, f"{url}/a.B/C", *call, "--data-binary", f"@{message}", "-D", "-")
    told["said"] = [said["status"], said["body"].replace("\r", "").replace("\0", "")]
    told["get"] = region.get(client, f"{url}/", "-k", "--http2")["status"]
    told["http1"] = region.get(client, f"{url}/", "-k", "--http1.1")["status"]
    server.code = 14
    region.await_state(tasks, "unhealthy", address)
    (described,) = region.elb.describe_target_health(TargetGroupArn=tasks)[
        "TargetHealthDescriptions"
    ]
    told["why"] = described["TargetHealth"]["Description"]
    region.elb.modify_target_group(TargetGroupArn=tasks, Matcher={"GrpcCode": "0-13,14"})
    region.await_state(tasks, "healthy", address)
    return told


@pytest.mark.parametrize("protocol", ["HTTP", "HTTPS"])
def test_an_alb_carries_grpc_with_its_trailers(protocol: str) -> None:
    told = run_inside(_grpc, protocol)
    assert told["check"] == ["/AWS.ALB/healthcheck", {"GrpcCode": "12"}, "GRPC"]
    status, said = told["said"]
    assert status == 200
    assert "hello" in said
    assert "grpc-status: 0" in said
    assert "x-name: a" in said
    assert (told["get"], told["http1"]) == (464, 464)
    assert told["why"] == "Health checks failed with these codes: [14]"


def _called(region: Any, client: str, address: str) -> list[int | None]:
    """Call a method of gRPC; return HTTP's status and gRPC's."""
    from underpass.twin.linux.within import within
    from underpass.twin.region import http2

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    path, answer = region.fabric.path(client), http2.Answer()
    with (
        within(path, lambda: socket.create_connection((address, 443), timeout=5)) as plain,
        context.wrap_socket(plain) as secure,
    ):
        secure.sendall(http2.request("/a.B/C", address, "test", secure=True, grpc=True))
        while not answer.ended:
            secure.sendall(answer.feed(secure.recv(1 << 16)))
    return [answer.status, answer.grpc_status]


def _to_http1() -> dict[str, Any]:
    region, _, _, where = _behind_tls("HTTP1")
    client, url = where.split()
    plain = region.get(client, f"{url}/", "-k", "--http2")["status"]
    found = {"grpc": _called(region, client, url.removeprefix("https://")), "plain": plain}
    vpc = region.ec2.describe_vpcs()["Vpcs"][-1]["VpcId"]
    other = region.target_group("other", vpc, "HTTP", 8000, ProtocolVersion="HTTP2")
    (alb,) = region.elb.describe_load_balancers()["LoadBalancers"]
    try:
        region.listen(alb["LoadBalancerArn"], "HTTP", 80, other)
    except region.elb.exceptions.ClientError as error:
        found["refused"] = str(error)
    return found


def test_what_the_targets_do_not_speak_is_told() -> None:
    found = run_inside(_to_http1)
    assert found["plain"] == 503  # there is no target
    assert found["grpc"] == [200, 2], "what gRPC's clients make of 464: unknown"
    assert "Listener protocol 'HTTP' is not supported" in found["refused"]


# Health checks on a port of their own, and stickiness


COUNTING = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        if self.path == "/login":
            self.send_header("set-cookie", "sid=" + sys.argv[3] + "; Path=/")
        if self.path == "/other":
            self.send_header("set-cookie", "theme=dark")
        self.send_header("content-length", "1")
        self.end_headers()
        self.wfile.write(sys.argv[3].encode())
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
"""


def _health_port() -> list[Any]:
    from tests.twin.elbv2.small_region import CIDR, Server, SmallRegion

    region = SmallRegion()
    vpc, subnets = region.vpc()
    web = region.group(vpc, "web", (80, CIDR))
    tasks_group = region.group(vpc, "tasks", (8000, web))
    alb = region.load_balancer("alb", "application", subnets, web)
    tasks = region.target_group(
        "tasks", vpc, "HTTP", 8000, HealthCheckPort="8001", HealthCheckPath="/up"
    )
    region.listen(alb, "HTTP", 80, tasks)
    interface_id, address = region.interface(subnets[0], tasks_group)
    path = region.fabric.path(interface_id)
    served = {port: Server(path, address, port, str(port)) for port in (8000, 8001)}
    region.register(tasks, address)
    region.await_active(alb)
    region.await_state(tasks, "unhealthy", address)  # nothing lets the checks through
    region.ec2.authorize_security_group_ingress(
        GroupId=tasks_group,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 8001,
                "ToPort": 8001,
                "UserIdGroupPairs": [{"GroupId": web}],
            }
        ],
    )
    region.await_state(tasks, "healthy", address)
    client, _ = region.interface(subnets[0], web)
    answer = region.get(client, f"http://{next(iter(region.nodes(alb).values()))}/here")
    (described,) = region.elb.describe_target_health(TargetGroupArn=tasks)[
        "TargetHealthDescriptions"
    ]
    return [
        answer["name"],
        sorted(set(served[8000].observed)),
        sorted(set(served[8001].observed)),
        described["HealthCheckPort"],
    ]


def test_checks_ask_on_their_own_port_once_their_way_is_open() -> None:
    assert run_inside(_health_port) == ["8000", ["/here"], ["/up"], "8001"]


def _sticky() -> dict[str, Any]:
    from tests.twin.elbv2.small_region import CIDR, SmallRegion

    region = SmallRegion()
    vpc, subnets = region.vpc()
    group = region.group(vpc, "all", (80, CIDR), (8000, CIDR))
    alb = region.load_balancer("alb", "application", subnets, group)
    tasks = region.target_group("tasks", vpc, "HTTP", 8000, HealthCheckPath="/up")
    kept = {"type": "app_cookie", "enabled": "true", "app_cookie.cookie_name": "sid"}
    kept["app_cookie.duration_seconds"] = "3600"
    region.elb.modify_target_group_attributes(
        TargetGroupArn=tasks,
        Attributes=[{"Key": f"stickiness.{key}", "Value": value} for key, value in kept.items()],
    )
    region.listen(alb, "HTTP", 80, tasks)
    running, addresses = {}, {}
    for name, subnet in zip("abc", [*subnets, subnets[0]], strict=True):
        interface_id, address = region.interface(subnet, group)
        command = [*region.fabric.enter(interface_id), sys.executable, "-c", COUNTING]
        running[name] = subprocess.Popen([*command, address, "8000", name])
        addresses[name] = address
    region.register(tasks, *addresses.values())
    region.await_active(alb)
    region.await_state(tasks, "healthy", *addresses.values())
    client, _ = region.interface(subnets[0], group)
    url = f"http://{next(iter(region.nodes(alb).values()))}"

    def ask(path: str, *options: str) -> tuple[str, dict[str, str]]:
        said = region.get(client, url + path, "-D", "-", *options)["body"]
        head, _, body = said.replace("\r", "").partition("\n\n")
        lines = [line.partition(": ") for line in head.split("\n")]
        set_ = [text for name, _, text in lines if name.lower() == "set-cookie"]
        return body, dict(text.split(";")[0].split("=", 1) for text in set_)

    told: dict[str, Any] = {"none": sorted({ask("/")[0] for _ in range(40)})}  # by chance, each
    told["other"] = ask("/other")[1]
    name, cookies = ask("/login")
    told["given"] = sorted(cookies)
    told["same"] = cookies["sid"] == name
    both = ("-b", "; ".join(f"{key}={value}" for key, value in cookies.items()))
    told["both"] = {ask("/", *both)[0] for _ in range(12)} == {name}
    told["again"] = ask("/", *both)[1]
    without = ("-b", f"AWSALBAPP-0={cookies['AWSALBAPP-0']}")
    told["without its own"] = len({ask("/", *without)[0] for _ in range(12)}) > 1
    only = ("-b", f"sid={cookies['sid']}")
    told["without the ALB's"] = len({ask("/", *only)[0] for _ in range(12)}) > 1
    region.deregister(tasks, addresses[name])
    region.wait(lambda: ask("/", *both)[0] != name, "a target that went is still asked")
    _, moved = ask("/", *both)
    told["moved"] = sorted(moved)
    for one in running.values():
        one.kill()
    return told


def test_a_client_follows_the_applications_cookie_as_long_as_it_has_both() -> None:
    told = run_inside(_sticky)
    assert told["none"] == ["a", "b", "c"]
    assert told["other"] == {"theme": "dark"}, "another cookie makes nobody stay"
    assert told["given"] == ["AWSALBAPP-0", "sid"]
    assert told["same"]
    assert told["both"]
    assert told["again"] == {}
    assert told["without its own"]
    assert told["without the ALB's"]
    assert told["moved"] == ["AWSALBAPP-0"], "whoever had both stays with the next target"
