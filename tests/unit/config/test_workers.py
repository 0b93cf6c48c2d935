"""What ``check`` refuses of workers and of the release, and what it takes."""

from typing import Any

import pytest

from underpass.config import rules
from underpass.config.model import Config


def found(**sections: Any) -> dict[str, str]:
    """Return the first key of each fault, with what is suggested."""
    service = {"build": ".", "port": 8000} | sections.pop("service", {})
    config = Config.model_validate({"name": "notes", "service": service, **sections})
    return {".".join(map(str, one.keys[0])): one.suggestion for one in rules.check(config)}


def worker(**keys: Any) -> dict[str, Any]:
    return {"name": "mail", "command": ["run"], **keys}


@pytest.mark.parametrize(
    ("workers", "key"),
    [
        ([worker(name="notes")], "workers.0.name"),
        ([worker(name="release")], "workers.0.name"),
        ([worker(), worker()], "workers.1.name"),
        ([worker(name="mail-1"), worker(name="mail1")], "workers.1.name"),
        ([worker(tasks={"min": 3})], "workers.0.tasks.max"),
        ([worker(tasks={"min": 0, "max": 3})], "workers.0.tasks.min"),
        ([worker(tasks={"max": 3}, scaling={"cpu": 0})], "workers.0.scaling"),
        ([worker(command=["python -m mail"])], "workers.0.command"),
        ([worker(health_command=["CMD", "true"])], "workers.0.health_command"),
        ([worker(environment={"AWS_REGION": "x"})], "workers.0.environment.AWS_REGION"),
        (
            [worker(environment={"A": "{{resolve:secretsmanager:x}}"})],
            "workers.0.environment.A",
        ),
        ([worker(memory=16384)], "capacity.instance_type"),
    ],
)
def test_it_is_refused(workers: list[dict[str, Any]], key: str) -> None:
    assert [*found(workers=workers)] == [key]


def test_a_line_is_cut_into_words() -> None:
    told = found(service={"release": ["python -m app.migrate && echo done"]})
    assert told == {"service.release": 'write ["sh", "-c", "python -m app.migrate && echo done"]'}


def test_what_only_the_twin_fills_in_is_in_no_command() -> None:
    words = ["{python}", "-m", "app"]
    sidecar = {"name": "otel", "image": "otel:1", "command": words}
    told = found(
        service={"release": words, "sidecars": [sidecar]},
        workers=[worker(command=words, health_command=words)],
    )
    assert told == dict.fromkeys(
        (
            "service.release.0",
            "service.sidecars.0.command.0",
            "workers.0.command.0",
            "workers.0.health_command.0",
        ),
        'write "python"',
    )


@pytest.mark.parametrize(
    ("size", "key"),
    [
        ({"cpu": 300}, "workers.0.cpu"),
        ({"memory": 700}, "workers.0.memory"),
        ({"cpu": 4096}, "service.memory"),  # the service's memory is too little for it
    ],
)
def test_fargate_has_its_sizes_for_workers_too(size: dict[str, int], key: str) -> None:
    assert [*found(capacity={"provider": "fargate"}, workers=[worker(**size)])] == [key]


def test_what_may_be_written() -> None:
    assert not found(
        workers=[
            worker(),
            worker(name="images", tasks={"min": 1, "max": 4}, cpu=512, memory=1024),
            worker(name="off", tasks={"min": 0}),
        ],
        service={"release": ["python", "-m", "app.migrate"]},
    )
