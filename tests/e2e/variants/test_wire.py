"""How the ALB speaks to the tasks: checks on their own port, a cookie that is followed, and then gRPC."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.machine import Footprint, Project, application
from tests.e2e.variants.test_who_gets_in import certificate

from underpass.twin.region import hpack, http2

SERVER = """
import http.server, os, socket, ssl, threading
import http2, hpack

TLS = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
TLS.load_cert_chain("task.pem")
TLS.set_alpn_protocols(["h2" if os.environ["PROTOCOL"] == "grpc" else "http/1.1"])
SELF = f"{os.getuid()}:{os.getgid()} {socket.gethostname()}"

class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        here = self.server.server_port
        self.send_response(200 if (self.path == "/up") == (here == 8001) else 418)
        if self.path == "/login":
            self.send_header("set-cookie", "sid=1")
        self.send_header("content-length", str(len(SELF)))
        self.end_headers()
        self.wfile.write(SELF.encode())
    def log_message(self, *_):
        pass

def over_tls(port):
    server = http.server.ThreadingHTTPServer(("0.0.0.0", port), Answer)
    server.socket = TLS.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()

def grpc(connection):
    with TLS.wrap_socket(connection, server_side=True) as line, line.makefile("rb") as stream:
        stream.read(len(http2.PREFACE))
        line.sendall(http2.frame(http2.SETTINGS, 0, 0))
        while head := stream.read(9):
            kind, flags, number = head[3], head[4], int.from_bytes(head[5:], "big")
            body = stream.read(int.from_bytes(head[:3], "big"))
            if kind in (http2.SETTINGS, http2.PING) and not flags & 1:
                line.sendall(http2.frame(kind, 1, 0, body if kind == http2.PING else b""))
            if kind == http2.DATA and flags & 1:
                fields = hpack.block({":status": "200", "content-type": "application/grpc"})
                code, said = ("12", b"") if body == bytes(5) else ("0", body[:5] + SELF.encode())
                line.sendall(
                    http2.frame(http2.HEADERS, 4, number, fields)
                    + (http2.frame(http2.DATA, 0, number, said) if said else b"")
                    + http2.frame(http2.HEADERS, 5, number, hpack.block({"grpc-status": code}))
                )

if os.environ["PROTOCOL"] == "grpc":
    with socket.create_server(("0.0.0.0", 8000)) as server:
        while True:
            threading.Thread(target=grpc, args=(server.accept()[0],), daemon=True).start()
threading.Thread(target=over_tls, args=(8001,), daemon=True).start()
over_tls(8000)
"""
TLS = """
[tls]
certificate = "arn:aws:acm:us-east-1:111111111111:certificate/0f0f"
to_tasks = true
"""
CHECK = (
    'health_check = { path = "/up", port = 8001, codes = "200", interval = 5, timeout = 4, unhealthy = 2 }'
    '\nenvironment = { PROTOCOL = "http1" }\nuser = "4321:33"\nsticky_cookie = "sid"\n'
)
GRPC = 'protocol = "grpc"\nenvironment = { PROTOCOL = "grpc" }\n'


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    before = Footprint.now()
    made = application(tmp_path_factory.mktemp("wire"), SERVER, CHECK + TLS, writable=["/tmp"])
    (made.folder / "task.pem").write_bytes(certificate())
    for module in (hpack, http2):
        text = Path(str(module.__file__)).read_text()
        name = module.__name__.rpartition(".")[2]
        (made.folder / f"{name}.py").write_text(
            text.replace("from underpass.twin.region import hpack", "import hpack")
        )
    file = made.folder / "underpass.toml"
    file.write_text(file.read_text().replace('health_check = "/"\n', ""))
    made.up()
    yield made
    made.down()
    assert Footprint.now() == before


def asked(project: Project, path: str, *options: str) -> str:
    words = ["curl", "-sk", "-m", "5", *options, f"https://small.internal{path}"]
    done = project.at("consumer/desk", *words)
    assert done.status == 0, done.err
    return done.out


def test_1_checks_have_their_port_and_the_task_its_user(project: Project) -> None:
    assert asked(project, "/").startswith("4321:33 ip-")


def test_2_whoever_is_given_the_cookie_stays(project: Project, tmp_path: Path) -> None:
    curl = f"curl -sk -c {tmp_path}/jar -b {tmp_path}/jar https://small.internal"
    script = "; ".join(f"{curl}{path}; echo" for path in ("/login", *("/",) * 8))
    done = project.at("consumer/desk", "sh", "-c", script)
    assert len({*done.out.split()[1::2]}) == 1, done.out
    assert len({asked(project, "/") for _ in range(12)}) == 2


def test_3_another_protocol_is_another_target_group_and_asks_first(project: Project) -> None:
    file = project.folder / "underpass.toml"
    text = file.read_text()
    file.write_text(text.replace(CHECK, GRPC))
    for command in ("plan", "up"):
        refused = project.run(command)
        assert refused.status != 0
        assert "take the application away for a while" in refused.err
        assert "--allow-replace AlbTargetGroup" in refused.err
    done = project.run("up", "--allow-replace", "AlbTargetGroup", timeout_s=180)
    assert done.status == 0, done.err
    message = project.folder / "message"
    message.write_bytes(b"\0\0\0\0\5hello")
    call = ("--http2", "-H", "content-type: application/grpc", "-H", "te: trailers", "-D", "-")
    said = asked(project, "/a.B/C", *call, "--data-binary", f"@{message}")
    assert "grpc-status: 0" in said
    assert "0:0 ip-" in said, "no user is named any more"
    assert (
        json.loads(asked(project, "/", "--http1.1", "-w", "%{http_code}", "-o", "/dev/null")) == 464
    )
