"""Events as people see them, in a log and on a terminal."""

import pytest

from underpass.cli.render.progress import Progress
from underpass.deploy.steps import Event

EVENTS = [
    Event("started", "service", 0.0),
    Event("progress", "service", 0.5, "Alb CREATE_COMPLETE", 3, 20),
    Event("started", "data", 0.0),
    Event("warning", "service", 1.0, "task abc stopped"),
    Event("finished", "data", 0.25, "seed.sql loaded"),
    Event("failed", "service", 12.5, "told by the error itself"),
]


def test_a_log_gets_a_line_for_each_step(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("notes", live=False) as show:
        for event in EVENTS:
            show(event)
    out, err = capsys.readouterr()
    assert not out
    assert err.splitlines() == [
        "! service: task abc stopped",
        "✓ data                    0.2 s  seed.sql loaded",
        "✗ service                12.5 s",
    ]


def test_a_terminal_sees_what_is_under_way(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("notes", live=True) as show:
        for event in EVENTS[:3]:
            show(event)
        assert capsys.readouterr().err.endswith("\r\x1b[K  service 3/20, data")
    assert capsys.readouterr().err == "\r\x1b[K"


def test_the_end_names_every_way_in() -> None:
    data = {
        "seconds": 12.345,
        "consumers": {
            "analytics": {"url": "http://127.0.0.1:8080/", "endpoint_url": "http://n.i/"}
        },
        "api_url": "http://127.0.0.1:4566",
        "state_dir": "/home/x y/.underpass",
    }
    assert Progress("notes", live=False).summary(data).splitlines() == [
        "notes is up, after 12.3 s",
        "  analytics  http://127.0.0.1:8080/  (http://n.i/ in its VPC)",
        "  AWS API    http://127.0.0.1:4566",
        """  its tools  eval "$(underpass env '/home/x y')\"""",
        "  state      /home/x y/.underpass",
    ]
