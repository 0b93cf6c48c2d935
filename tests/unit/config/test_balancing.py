"""How the ALB speaks to the tasks, and whom they run as: what is refused, in which words, and what passes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from underpass.config import rules
from underpass.config.loader import parse
from underpass.config.model import Config, HealthCheck
from underpass.config.reference import schema

TLS = {"certificate": "arn:aws:acm:us-east-1:111111111111:certificate/0f0f"}


def config(service: dict[str, Any], **sections: Any) -> Config:
    return Config.model_validate(
        {"name": "notes", **sections, "service": {"build": ".", "port": 8000, **service}}
    )


def told(*lines: str) -> list[str]:
    """Return what is said of lines of [service], the first of which is the file's fifth."""
    text = 'name = "notes"\n[service]\nbuild = "."\nport = 8000\n' + "\n".join(lines)
    _, problems = parse(text, Path("underpass.toml"))
    return [f"{one.line}: {one.key}: {one.message}; {one.suggestion}" for one in problems]


def test_a_path_is_short_for_a_health_check() -> None:
    short, long = (config({"health_check": one}) for one in ("/up", {"path": "/up"}))
    assert short.service.health_check == long.service.health_check == HealthCheck(path="/up")
    for one in ("/up", {"path": "/up", "port": 8001}):
        file = {"name": "notes", "service": {"build": ".", "port": 8000, "health_check": one}}
        jsonschema.validate(file, schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"name": "n", "service": {"port": 1, "health_check": 8}}, schema())


def test_what_is_left_out_follows_the_protocol() -> None:
    plain, grpc = config({}).service, config({"protocol": "grpc"}, tls=TLS).service
    assert (plain.health_path, plain.health_codes, plain.health_port) == ("/", "200-399", 8000)
    assert (grpc.health_path, grpc.health_codes) == ("/AWS.ALB/healthcheck", "12")
    assert config({"health_check": {"port": 9}}).service.health_port == 9


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            ['health_check = "up"'],
            (
                '5: service.health_check: "up" is not a path that starts with / and has no spaces; did '
                'you mean "/up"?'
            ),
        ),
        (
            ["health_check = 8001"],
            (
                "5: service.health_check: needs text in quotes, and this is 8001; write a path that "
                "starts with / and has no spaces"
            ),
        ),
        (
            ['health_check = { path = "/up", prt = 8001 }'],
            "5: service.health_check.prt: is not a key of [service.health_check]; did you mean port?",
        ),
        (
            ['health_check.path = "/up"', "health_check.port = 65536"],
            "6: service.health_check.port: 65536 is too large; the most is 65535",
        ),
        (
            ["health_check.port = 0"],
            "5: service.health_check.port: 0 is too small; the least is 1",
        ),
        (
            ["health_check.interval = 4"],
            "5: service.health_check.interval: 4 is too small; the least is 5",
        ),
        (
            ["health_check.unhealthy = 11"],
            "5: service.health_check.unhealthy: 11 is too large; the most is 10",
        ),
        (
            ["health_check = { timeout = 10 }"],
            "5: service.health_check.timeout: 10 is not less than interval, 10; write timeout = 9",
        ),
        (
            ['health_check = { codes = "2xx" }'],
            (
                '5: service.health_check.codes: "2xx" is not status codes such as "200", "200,301" or '
                '"200-299"; '
            ),
        ),
        (
            ['health_check.codes = "200-599"'],
            (
                "5: service.health_check.codes: 200-599 is not within 200 to 499, the lesser first: an "
                'ALB takes no other; write such as "200-299,301"'
            ),
        ),
        (
            ['health_check.codes = "299-200"'],
            (
                "5: service.health_check.codes: 299-200 is not within 200 to 499, the lesser first: an "
                'ALB takes no other; write such as "200-299,301"'
            ),
        ),
        (
            ['protocol = "http2"'],
            (
                '5: service.protocol: "http2" needs [tls]: an ALB takes HTTP/2 on an HTTPS listener '
                "only; add [tls] with a certificate, or leave protocol out"
            ),
        ),
        (
            ['protocol = "http3"'],
            '5: service.protocol: "http3" is not "http1", "http2" or "grpc"; did you mean "http2"?',
        ),
        (
            ['sticky_cookie = "AWSALBAPP-0"'],
            (
                '5: service.sticky_cookie: "AWSALBAPP-0" starts with AWSALB, which is kept for the '
                "cookies of the ALB itself; write the name of a cookie of the application's, such as "
                '"sid", or only sticky = 86400'
            ),
        ),
        (
            ['sticky_cookie = "s id"'],
            '5: service.sticky_cookie: "s id" is not the name of a cookie such as sid; ',
        ),
        (
            ["user = 1000"],
            '5: service.user: needs text in quotes, and this is 1000; write "1000"',
        ),
        (
            ['user = "a b"'],
            '5: service.user: "a b" is not a user such as "1000", "1000:1000" or "www-data"; ',
        ),
        (
            ['user = "4294967295"'],
            (
                "5: service.user: 4294967295 is too large for the id of a user or a group; the most is "
                "2147483647"
            ),
        ),
        (
            ['capabilities = ["CAP_SETUID"]'],
            (
                '5: service.capabilities[0]: "CAP_SETUID" is no capability as ECS writes it; write '
                '"SETUID"'
            ),
        ),
        (
            ['capabilities = ["KILL", "KILL"]'],
            '5: service.capabilities[1]: "KILL" is there twice; leave one out',
        ),
        (
            ['user = "1000"', 'capabilities = ["SETUID"]'],
            (
                "6: service.capabilities: are root's alone, and the container runs as 1000: "
                'no-new-privileges gives it none; leave them out, or write user = "0" and let the image '
                "change to its user itself"
            ),
        ),
    ],
)
def test_what_is_refused_names_its_line_and_what_to_write(lines: list[str], said: str) -> None:
    assert told(*lines) == [said]


@pytest.mark.parametrize(
    ("name", "because"),
    [
        ("SYS_PTRACE", "would have to be added, and Fargate adds none but SYS_PTRACE"),
        ("net_admin", "would have to be added"),
        ("ALL", "is no capability that ECS knows"),
    ],
)
def test_what_docker_does_not_give_is_not_added(name: str, because: str) -> None:
    (said,) = told(f'capabilities = ["{name}"]')
    assert because in said
    assert "those that can be kept are AUDIT_WRITE, CHOWN" in said


def test_on_fargate_a_file_of_the_image_may_have_the_capability() -> None:
    kept = {"user": "1000", "capabilities": ["NET_RAW"]}
    assert not rules.check(config(kept, capacity={"provider": "fargate"}))


@pytest.mark.parametrize("path", ["/", "/up", "/a/b/c", "/a/b?c"])
def test_grpc_is_asked_by_a_method(path: str) -> None:
    (fault,) = rules.check(config({"protocol": "grpc", "health_check": path}, tls=TLS))
    assert fault.keys[0] == ("service", "health_check", "path")
    assert "is no method of gRPC" in fault.message


def test_grpc_has_codes_of_its_own() -> None:
    check = {"path": "/grpc.health.v1.Health/Check"}
    for codes, passes in (("0", True), ("0,12-14", True), ("99", True), ("200", False)):
        found = rules.check(
            config({"protocol": "grpc", "health_check": check | {"codes": codes}}, tls=TLS)
        )
        assert (not found) is passes
