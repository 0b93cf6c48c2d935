"""Whole paths of several kinds, running: `underpass up`, and an answer that came over the endpoint."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.e2e.machine import Project, application

APP = """
import http.server

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"over the private path"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(("", 8000), Answer).serve_forever()
"""
ASK = """
import json, ssl, urllib.request
context = ssl.create_default_context(cafile={ca!r}) if {ca!r} else None
with urllib.request.urlopen({url!r}, timeout=20, context=context) as answer:
    print(json.dumps([answer.status, answer.read().decode()]))
"""
CERTIFICATE = "arn:aws:acm:us-east-1:111111111111:certificate/0f0f"
KINDS = {
    "fargate": '[capacity]\nprovider = "fargate"',
    "fargate, on Spot, with a topic that is there": (
        '[capacity]\nprovider = "fargate"\narchitecture = "arm64"\nspot = true\n'
        '[alarms]\ntopic = "arn:aws:sns:us-east-1:111111111111:alarms"'
    ),
    "endpoints": '[network]\negress = "endpoints"',
    "tls and an ALB-type target group": (
        f'[tls]\ncertificate = "{CERTIFICATE}"\n[privatelink]\nalb_targets = "alb"'
    ),
    "three zones with stores": "[network]\nzones = 3\n[database]\n[files]",
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_consumer_gets_an_answer(tmp_path: Path, kind: str) -> None:
    project = application(tmp_path / "small", APP, KINDS[kind])
    try:
        project.up()
        assert asked(project, tls="[tls]" in KINDS[kind]) == [200, "over the private path"]
    finally:
        project.run("down", "--data", "--yes")


def asked(project: Project, *, tls: bool) -> object:
    ca = str(project.folder / ".underpass" / "tls" / "ca.pem") if tls else ""
    url = f"{'https' if tls else 'http'}://small.internal/"
    return project.python("consumer/desk", ASK.format(ca=ca, url=url))
