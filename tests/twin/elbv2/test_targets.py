"""Targets come, fail, drain and go: what the packets meet, and what the API says of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from typing import Any

from tests.twin.inside import run_inside


def _web() -> tuple[Any, str, str, dict[str, str], str, str]:
    """Return a region, an ALB, its target group, two tasks' addresses, and a client."""
    from tests.twin.elbv2.small_region import CIDR, SmallRegion

    region = SmallRegion()
    vpc, subnets = region.vpc()
    group = region.group(vpc, "all", (80, CIDR), (81, CIDR), (8000, CIDR))
    alb = region.load_balancer("alb", "application", subnets, group)
    tasks = region.target_group("tasks", vpc, "HTTP", 8000, HealthCheckPath="/healthz")
    region.listen(alb, "HTTP", 80, tasks)
    addresses = {
        name: region.task(name, subnet, group)
        for name, subnet in zip(("a", "b"), subnets, strict=True)
    }
    client, _ = region.interface(subnets[0], group)
    region.await_active(alb)
    return region, alb, tasks, addresses, client, next(iter(region.nodes(alb).values()))


def _alb() -> dict[str, Any]:
    region, _, tasks, addresses, client, node = _web()
    url = f"http://{node}/"
    told: dict[str, Any] = {"none": region.get(client, url)}
    region.register(tasks, *addresses.values())
    region.await_state(tasks, "healthy", *addresses.values())
    told["both"] = region.names_seen(client, url)

    region.servers["a"].status = 503
    region.await_state(tasks, "unhealthy", addresses["a"])
    described = region.elb.describe_target_health(TargetGroupArn=tasks)["TargetHealthDescriptions"]
    told["reason"] = {one["Target"]["Id"]: one["TargetHealth"] for one in described}[addresses["a"]]
    told["one"] = region.names_seen(client, url)

    region.servers["b"].status = 500
    region.await_state(tasks, "unhealthy", *addresses.values())
    told["open"] = sum(region.get(client, url)["status"] in {500, 503} for _ in range(10))

    region.servers["b"].status = 200
    region.await_state(tasks, "healthy", addresses["b"])
    region.wait(lambda: set(region.names_seen(client, url, 4)) == {"b"}, "a is still asked")

    region.servers["b"].delay_s = 1.0
    command = [*region.fabric.enter(client), "curl", "-s", "-m", "5", f"{url}slow"]
    slow = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    region.wait(lambda: "/slow" in region.servers["b"].observed, "the slow request never came")
    region.deregister(tasks, addresses["b"])
    region.servers["a"].status = 200
    region.await_state(tasks, "healthy", addresses["a"])
    told["draining"] = region.states(tasks)[addresses["b"]]
    told["left"] = region.names_seen(client, url)
    told["slow"] = slow.communicate()[0]

    pid = region.balancers._envoy.pid
    os.kill(pid, signal.SIGKILL)
    region.wait(lambda: region.get(client, url, timeout_s=0.5)["status"] == 200, "no answer")
    told["restarted"] = region.balancers._envoy.pid != pid
    told["retried"] = sum(path == "/once" for path in _lost(region, client, url))
    return told


def _lost(region: Any, client: str, url: str) -> list[str]:
    """Return what a task that hangs up on every request was asked, after one request."""
    server = region.servers["a"]
    server.hangs_up = True
    answer = region.get(client, f"{url}once")
    assert answer["status"] == 502, answer
    return list(server.observed)


def test_an_alb_follows_its_targets() -> None:
    told = run_inside(_alb)
    assert told["none"]["status"] == 503
    assert "503 Service Temporarily Unavailable" in told["none"]["body"]
    assert set(told["both"]) == {"a", "b"}
    assert told["reason"] == {
        "State": "unhealthy",
        "Reason": "Target.ResponseCodeMismatch",
        "Description": "Health checks failed with these codes: [503]",
    }
    assert set(told["one"]) == {"b"}
    assert told["open"] == 10, "with nobody healthy, all are asked"
    assert told["draining"] == "draining"
    assert set(told["left"]) == {"a"}
    assert '"name": "b"' in told["slow"], "a request under way is answered by a target that drains"
    assert told["restarted"]
    assert told["retried"] == 1, "a request that failed is not sent again"


def _drained() -> dict[str, Any]:
    """Deregister two tasks; one has an idle connection of the ALB's, the other a request of six seconds."""
    import time

    region, _, tasks, addresses, client, node = _web()
    _set(region, tasks, "deregistration_delay.timeout_seconds", "40")  # two seconds here
    region.register(tasks, *addresses.values())
    region.await_state(tasks, "healthy", *addresses.values())
    url = f"http://{node}/"
    region.wait(lambda: set(region.names_seen(client, url, 4)) == {"a", "b"}, "only one is asked")
    region.servers["b"].delay_s = 6.0
    began_s = time.monotonic()
    asking = [
        subprocess.Popen(
            [*region.fabric.enter(client), "curl", "-s", "-m", "9", f"{url}slow"],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    region.wait(lambda: "/slow" in region.servers["b"].observed, "the slow request never came")
    region.deregister(tasks, *addresses.values())
    told: dict[str, Any] = {}
    for name, address in addresses.items():
        region.wait(
            lambda address=address: address not in region.states(tasks), "it drains for ever"
        )
        told[name] = time.monotonic() - began_s
    told["answers"] = [one.communicate()[0] for one in asking]
    return told


def test_a_target_drains_for_as_long_as_a_request_is_under_way() -> None:
    told = run_inside(_drained)
    assert 2 <= told["a"] < 5, "an idle connection is no request; nobody waits for it"
    assert 6 <= told["b"] < 9, "40 s of the twin's clock are 2 s; the request is the application's"
    assert all('"name"' in answer for answer in told["answers"]), "and none is lost"


def _alb_of_a_slow_envoy() -> int:
    from tests.twin.elbv2.small_region import CIDR, SmallRegion

    region = SmallRegion()
    envoy: Any = region.balancers._envoy
    start = envoy._command
    envoy._command = lambda: ["sh", "-c", 'sleep 2; exec "$@"', "sh", *start()]
    vpc, subnets = region.vpc()
    group = region.group(vpc, "all", (80, CIDR))
    client, _ = region.interface(subnets[0], group)
    alb = region.load_balancer("alb", "application", subnets, group)
    region.listen(alb, "HTTP", 80, region.target_group("tasks", vpc, "HTTP", 8000))
    region.await_active(alb)
    return int(region.get(client, f"http://{next(iter(region.nodes(alb).values()))}/")["status"])


def test_an_alb_that_is_active_answers() -> None:
    assert run_inside(_alb_of_a_slow_envoy) == 503


def _nlb() -> dict[str, Any]:
    from tests.twin.elbv2.small_region import CIDR, SmallRegion

    region = SmallRegion()
    vpc, subnets = region.vpc()
    group = region.group(vpc, "all", (80, CIDR), (8000, CIDR))
    nlb = region.load_balancer("nlb", "network", subnets, group)
    tasks = region.target_group("tasks", vpc, "TCP", 8000, HealthCheckProtocol="TCP")
    _set(region, tasks, "deregistration_delay.timeout_seconds", "8")  # in full: flows are open
    _set(region, tasks, "deregistration_delay.connection_termination.enabled", "true")
    region.listen(nlb, "TCP", 80, tasks)
    addresses = {
        name: region.task(name, subnet, group)
        for name, subnet in (("a1", subnets[0]), ("a2", subnets[0]), ("b", subnets[1]))
    }
    client, _ = region.interface(subnets[0], group)
    region.await_active(nlb)
    node = region.nodes(nlb)["us-east-1a"]
    url = f"http://{node}/"
    told: dict[str, Any] = {"empty": region.get(client, url)["curl"]}
    region.register(tasks, *addresses.values())
    region.await_state(tasks, "healthy", *addresses.values())
    # What is known to be healthy is sent flows a moment later.
    region.wait(lambda: set(region.names_seen(client, url, 8)) == {"a1", "a2"}, "no flows")
    told["own_zone"] = region.names_seen(client, url)

    flows = {_ask(connection): connection for connection in _connect(region, client, node, 12)}
    told["flows"] = sorted(flows)
    region.deregister(tasks, addresses["a1"])
    told["draining"] = (region.states(tasks).get(addresses["a1"]), _ask(flows["a1"]))
    region.wait(lambda: set(region.names_seen(client, url, 8)) == {"a2"}, "a1 still gets flows")
    region.wait(lambda: _ask(flows["a1"]) == "", "the drained flow lives on")
    told["kept"] = _ask(flows["a2"])

    region.servers["a2"].close()
    region.await_state(tasks, "unhealthy", addresses["a2"])
    told["open"] = region.get(client, url)["curl"]

    lb = [{"Key": "load_balancing.cross_zone.enabled", "Value": "true"}]
    region.elb.modify_load_balancer_attributes(LoadBalancerArn=nlb, Attributes=lb)
    region.wait(lambda: set(region.names_seen(client, url, 4)) == {"b"}, "no cross-zone")
    told["names"] = region.region.names.lookup(vpc, _dns(region))
    return told


def _set(region: Any, group: str, key: str, value: str) -> None:
    attributes = [{"Key": key, "Value": value}]
    region.elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=attributes)


def _dns(region: Any) -> str:
    return str(region.elb.describe_load_balancers()["LoadBalancers"][0]["DNSName"])


def _connect(region: Any, client: str, node: str, count: int) -> list[socket.socket]:
    made = []
    for _ in range(count):
        connection = region.fabric.socket(client)
        connection.settimeout(2)
        connection.connect((node, 80))
        made.append(connection)
    return made


def _ask(connection: socket.socket) -> str:
    """Return who answers on a connection that stays open; nobody is ""."""
    import json

    try:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b""
        while not answer.endswith(b"}"):
            answer += connection.recv(65536) or b"}"
        return str(json.loads(answer.partition(b"\r\n\r\n")[2])["name"])
    except (OSError, ValueError):
        return ""


def test_an_nlb_follows_its_targets_and_keeps_their_flows() -> None:
    told = run_inside(_nlb)
    assert told["empty"] == 7, "refused at once"
    assert set(told["own_zone"]) == {"a1", "a2"}
    assert told["flows"] == ["a1", "a2"]
    assert told["draining"] == ["draining", "a1"], "what drains keeps its flows"
    assert told["kept"] == "a2", "a change of targets breaks no other flow"
    assert told["open"] == 7, "fails open: the dead target is asked, and refuses"
    assert len(told["names"]) == 2


def _alb_as_target() -> dict[str, Any]:
    region, alb, tasks, addresses, client, _ = _web()
    subnets = [
        one["SubnetId"]
        for one in region.elb.describe_load_balancers()["LoadBalancers"][0]["AvailabilityZones"]
    ]
    described = region.elb.describe_load_balancers()["LoadBalancers"][0]
    nlb = region.load_balancer("nlb", "network", subnets, described["SecurityGroups"][0])
    albs = region.target_group(
        "albs", described["VpcId"], "TCP", 80, TargetType="alb", HealthCheckProtocol="HTTP"
    )
    region.listen(nlb, "TCP", 80, albs)
    region.elb.register_targets(TargetGroupArn=albs, Targets=[{"Id": alb, "Port": 80}])
    region.await_active(nlb)
    told: dict[str, Any] = {"sick_s": region.await_state(albs, "unhealthy", alb)}
    region.register(tasks, *addresses.values())
    region.await_state(albs, "healthy", alb)
    observed = [region.names_seen(client, f"http://{node}/") for node in region.nodes(nlb).values()]
    return {**told, "seen": observed}


def test_an_alb_can_be_an_nlbs_target() -> None:
    told = run_inside(_alb_as_target)
    for counts in told["seen"]:
        assert set(counts) == {"a", "b"}


def _https() -> dict[str, Any]:
    region, alb, tasks, addresses, client, node = _web()
    region.register(tasks, addresses["a"])
    certificate = "arn:aws:acm:us-east-1:123456789012:certificate/0123-abc"
    region.elb.create_listener(
        LoadBalancerArn=alb,
        Protocol="HTTPS",
        Port=81,
        Certificates=[{"CertificateArn": certificate}],
        DefaultActions=[{"Type": "forward", "TargetGroupArn": tasks}],
    )
    vpc = region.elb.describe_load_balancers()["LoadBalancers"][0]["VpcId"]
    region.region.clients("route53").create_hosted_zone(
        Name="notes.internal.example",
        CallerReference="1",
        VPC={"VPCRegion": "us-east-1", "VPCId": vpc},
    )
    authority = str(region.region.state / "tls" / "ca.pem")
    url = "https://notes.internal.example:81/"
    named = ("--resolve", f"notes.internal.example:81:{node}")

    def trusted() -> Any:
        answer = region.get(client, url, "--cacert", authority, *named)
        return answer["status"] == 200 and answer

    answer = region.wait(trusted, "no answer that a client could trust")
    return {"answer": answer, "distrusted": region.get(client, url, *named)["curl"]}


def test_an_https_listener_has_a_certificate_of_the_twins_own() -> None:
    told = run_inside(_https)
    assert told["answer"]["headers"]["x-forwarded-proto"] == "https"
    assert told["distrusted"] == 60, "the certificate is nobody else's"
