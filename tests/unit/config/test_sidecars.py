"""``[[service.sidecars]]``: what ``check`` refuses, with the line and what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from underpass.config import rules
from underpass.config.loader import parse
from underpass.config.model import Config

FILE = Path("underpass.toml")
HEAD = """\
name = "notes"
[service]
build = "."
port = 8000
health_command = ["/well"]
depends_on = { proxy = "healthy" }
[[service.sidecars]]
name = "proxy"
image = "proxy:1"
port = 9001
health_command = ["/proxy", "well"]
memory = 256
[[service.sidecars]]
name = "otel"
build = "otel/"
essential = false
depends_on = { app = "healthy", proxy = "start" }
"""


def told(*changes: tuple[str, str], more: str = "") -> list[str]:
    text = HEAD + more
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    _, problems = parse(text, FILE)
    return [f"{one.line}: {one.key}: {one.message}; {one.suggestion}" for one in problems]


def test_a_sidecar_is_essential_and_held_down_unless_it_says_otherwise() -> None:
    config, problems = parse(HEAD, FILE)
    assert config
    assert not problems
    proxy, otel = config.service.sidecars
    assert (proxy.essential, proxy.read_only, proxy.writable) == (True, True, ("/tmp",))
    assert (otel.essential, otel.cpu, otel.memory, otel.port) == (False, None, None, None)
    assert (proxy.image_parameter, otel.image_parameter) == ("ProxyImage", "OtelImage")


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ('{ app = "healthy"', '{ ap = "healthy"', 17, 'no sidecar "ap"; did you mean app?'),
        ('{ app = "healthy"', '{ notes = "healthy"', 17, "write app = "),
        ('{ app = "healthy"', '{ otel = "start"', 17, "is the container itself; leave it out"),
        ('{ proxy = "healthy" }', '{ zz = "start" }', 6, "there are proxy, otel"),
        ('{ proxy = "healthy" }', '{ app = "start" }', 6, "is the container itself"),
        ('app = "healthy"', 'app = "success"', 17, "app is essential: the task ends with it"),
        ('proxy = "start"', 'proxy = "complete"', 17, "write essential = false for proxy, or"),
        ('["/proxy", "well"]', "[]", 6, "proxy has no health_command"),
        ('health_command = ["/well"]\n', "", 16, "give it one in [service], or write app ="),
        ('{ proxy = "healthy" }', '{ otel = "start" }', 6, "none of them would ever start"),
        ('name = "otel"', 'name = "app"', 14, "is the application's own container"),
        ('name = "otel"', 'name = "notes"', 14, "is the application itself"),
        ('name = "otel"', 'name = "proxy"', 14, 'service.sidecars[0] is called "proxy"'),
        ('name = "otel"', 'name = "pro-xy"\nport = 8000', 15, "8000 is taken by the application"),
        ("essential = false", "port = 9001", 16, "9001 is taken by proxy"),
        ('build = "otel/"', "", 13, "has neither build nor image"),
        ('build = "otel/"', 'build = "."\nimage = "x:1"', 16, "is given together with build"),
        ("memory = 256", "memory = 513", 12, "513 MiB of their own, and the whole task has 512"),
        ("memory = 256", "cpu = 512", 12, "512 CPU units of their own"),
        ("memory = 256", "user = 'a b'", 12, "is no user; write one such as"),
        ("memory = 256", 'writable = ["/tmp", "/usr"]', 12, "would hide the container's own files"),
        ("memory = 256", 'writable = ["/tmp", "/tmp"]', 12, '"/tmp" is there twice'),
        ("memory = 256", 'command = ["proxy --verbose"]', 12, 'write ["proxy", "--verbose"]'),
        ("memory = 256", 'command = ["{{resolve:vault:x}}"]', 12, 'resolves no "vault"'),
        ('["/proxy", "well"]', '["CMD", "/well"]', 11, 'starts with "CMD"'),
        ("memory = 256", 'environment = { AWS_REGION = "x" }', 12, "underpass sets it itself"),
        ("memory = 256", 'environment = { X = "{{resolve:ssm:}}" }', 12, "names no parameter"),
        ('"healthy", proxy', '"well", proxy', 17, '"well" is not "start", "healthy"'),
        ("memory = 256", "memry = 256", 12, "is not a key of [[service.sidecars]]"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(old: str, new: str, line: int, said: str) -> None:
    found = [one for one in told((old, new)) if said in one]
    assert [one.partition(":")[0] for one in found] == [str(line)], told((old, new))


def test_a_cycle_is_told_whole() -> None:
    found = told(
        ("port = 9001", 'port = 9001\ndepends_on = { otel = "start" }'),
        ('{ app = "healthy", proxy = "start" }', '{ proxy = "start" }'),
    )
    (one,) = found
    assert (
        "proxy waits for otel waits for proxy" in one
        or "otel waits for proxy waits for otel" in one
    )


def test_two_names_that_would_be_one_in_the_template_are_refused() -> None:
    names = [{"name": name, "image": "x:1"} for name in ("log-1", "log1")]
    service = {"build": ".", "port": 1, "sidecars": names}
    (fault,) = rules.check(Config.model_validate({"name": "notes", "service": service}))
    assert "differs from it by hyphens alone" in fault.message


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ('[[workers]]\nname = "otel"\ncommand = ["w"]', 19),
        ('[[jobs]]\nname = "ot-el"\ncommand = ["j"]\nschedule = "rate(1 hour)"', None),
        ('[[jobs]]\nname = "otel"\ncommand = ["j"]\nschedule = "rate(1 hour)"', 19),
    ],
)
def test_no_worker_and_no_job_is_called_like_one(more: str, line: int | None) -> None:
    lines = [int(one.partition(":")[0]) for one in told(more=more)]
    assert lines == ([line] if line else [])


def test_none_is_called_like_what_underpass_runs_itself() -> None:
    (one,) = told(('name = "otel"', 'name = "release"'))
    assert "is what underpass calls a part of its own" in one


def test_a_task_has_ten_containers_at_most() -> None:
    def found(count: int) -> list[str]:
        beside = [{"name": f"side-{number}", "image": "x:1"} for number in range(count)]
        service = {"build": ".", "port": 1, "sidecars": beside}
        config = Config.model_validate({"name": "notes", "service": service})
        return [fault.message for fault in rules.check(config)]

    assert found(9) == []
    assert found(10) == ["are 10, and a task has 10 containers at most"]


def test_fargate_waits_no_longer_than_it_can() -> None:
    changes = ("memory = 256", "start_timeout = 300")
    assert not told(changes)
    (one,) = told(changes, more='[capacity]\nprovider = "fargate"\n')
    assert "12: service.sidecars[0].start_timeout: Fargate waits 120 s at most; write 120" in one


def test_a_wrong_value_of_one_sidecar_hides_no_other_problem() -> None:
    found = told(("memory = 256", "memory = 1"), ("port = 8000", "port = 0"))
    assert any("1 is too small; the least is 6" in one for one in found)
    assert any("service.port" in one for one in found)


def test_all_variables_of_a_task_together_fit_in_its_definition() -> None:
    def found(size: int) -> list[str]:
        beside = [
            {"name": f"side-{number}", "image": "x:1", "environment": {"LONG": "x" * size}}
            for number in range(3)
        ]
        service = {"build": ".", "port": 1, "sidecars": beside}
        config = Config.model_validate({"name": "notes", "service": service})
        return [".".join(map(str, fault.keys[0])) for fault in rules.check(config)]

    assert found(17_000) == []
    assert found(18_000) == ["service.sidecars.0.environment"]
