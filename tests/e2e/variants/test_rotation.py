"""``underpass chaos rotate-alb``: every address of the ALB goes under load, and no request is lost.

With the registrar and with an ALB-type target group, as root or an ordinary user, whoever runs the tests.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.machine import Footprint, Project, application, client, ordinary_user

SERVER = """
import http.server
class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "3")
        self.end_headers()
        self.wfile.write(b"ok\\n")
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer.request_queue_size = 256
http.server.ThreadingHTTPServer(("0.0.0.0", 8000), Answer).serve_forever()
"""


@pytest.fixture(params=["lambda", "alb"])
def rotated(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[str, Project, dict[str, Any]]]:
    ordinary = os.geteuid() == 0 and request.param == "lambda"
    with ordinary_user() if ordinary else nullcontext(list[str]()) as prefix:
        before = Footprint.now()
        made = application(
            tmp_path / request.param,
            SERVER,
            f'[privatelink]\nalb_targets = "{request.param}"\n',
        )
        project = Project(made.folder, prefix)
        summary = project.up()
        yield request.param, project, summary
        project.down()
        assert Footprint.now() == before


def test_every_address_of_the_alb_goes_and_no_request_is_lost(
    rotated: tuple[str, Project, dict[str, Any]],
) -> None:
    kind, project, summary = rotated
    old = _alb_addresses(summary)
    done = project.chaos("rotate-alb", "--requests-per-second", "60", "--seconds", "32", "--json")
    assert done.status == 0, done.out + done.err
    told = done.json
    assert told["ok"]
    assert told["load"]["requests"] == 60 * 32
    assert (told["load"]["failed"], told["load"]["to_stranger"]) == (0, 0)
    fresh = _alb_addresses(summary)
    assert not fresh & old
    assert set(told["new"]) == fresh
    assert set(told["gone"]) == old
    assert all(one["serving_s"] is not None for one in told["new"].values())
    assert all(one["after_it_was_dead_s"] is not None for one in told["gone"].values())
    targets = _nlb_targets(summary)
    if kind == "alb":
        ((target, state),) = targets.items()
        assert ":loadbalancer/app/" in target
        assert state == "healthy"
    else:
        assert targets.keys() - fresh == {
            one for one, state in targets.items() if state == "draining"
        }
        assert {targets[address] for address in fresh} == {"healthy"}


def _alb_addresses(summary: Any) -> set[str]:
    filters = [{"Name": "description", "Values": ["ELB app/*"]}]
    found = client(summary, "ec2").describe_network_interfaces(Filters=filters)
    return {one["PrivateIpAddress"] for one in found["NetworkInterfaces"]}


def _nlb_targets(summary: Any) -> dict[str, str]:
    elbv2 = client(summary, "elbv2")
    (group,) = [
        one for one in elbv2.describe_target_groups()["TargetGroups"] if one["Protocol"] == "TCP"
    ]
    described = elbv2.describe_target_health(TargetGroupArn=group["TargetGroupArn"])
    return {
        one["Target"]["Id"]: one["TargetHealth"]["State"]
        for one in described["TargetHealthDescriptions"]
    }
