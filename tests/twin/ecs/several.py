"""What happens to tasks of several containers: functions run in a region of the test's own."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from functools import partial
from typing import Any

from tests.twin.ecs.region import GROUP, Place

from underpass.errors import UnderpassError

INIT = {"initProcessEnabled": True}
# Listens, and says who asked; ends at SIGTERM with a word.
SERVER = """
import signal, socket, sys
signal.signal(15, lambda *_: (print(sys.argv[1], 'ends', flush=True), sys.exit(0)))
with socket.create_server(("127.0.0.1", int(sys.argv[2]))) as server:
    print(sys.argv[1], 'listens', flush=True)
    while True:
        server.accept()[0].close()
"""
ASKS = "import socket; socket.create_connection(('127.0.0.1', {port})).close()"


def python(script: str, *arguments: str) -> list[str]:
    return ["python", "-c", script, *arguments]


def container(name: str, image: str, command: list[str], **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "image": image,
        "command": command,
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": GROUP,
                "awslogs-region": "us-east-1",
                "awslogs-stream-prefix": name,
            },
        },
        **more,
    }


def waits(**on: str) -> dict[str, Any]:
    return {"dependsOn": [{"containerName": k, "condition": v} for k, v in on.items()]}


def check(script: str) -> dict[str, Any]:
    command = ["CMD", *python(script)]
    return {"healthCheck": {"command": command, "interval": 5, "timeout": 5, "retries": 3}}


class Several:
    """A place, and tasks of several containers in it."""

    def __init__(self) -> None:
        self.place = Place()
        self.image = self.place.image("false")

    def run(self, *containers: Mapping[str, Any]) -> str:
        definition = self.place.ecs.register_task_definition(
            family="app",
            cpu="256",
            memory="512",
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            containerDefinitions=[*containers],
        )["taskDefinition"]["taskDefinitionArn"]
        made = self.place.ecs.run_task(
            cluster="app",
            taskDefinition=definition,
            launchType="FARGATE",
            networkConfiguration=self.place.network,
        )
        return str(made["tasks"][0]["taskArn"])

    def task(self, arn: str) -> dict[str, Any]:
        return dict(self.place.ecs.describe_tasks(cluster="app", tasks=[arn])["tasks"][0])

    def at(self, arn: str, status: str) -> dict[str, Any]:
        def there() -> dict[str, Any] | None:
            found = self.task(arn)
            return found if found["lastStatus"] == status else None

        return self.place.until(there)

    def stop(self, arn: str) -> dict[str, Any]:
        self.place.ecs.stop_task(cluster="app", task=arn)
        return self.at(arn, "STOPPED")

    def said(self, arn: str) -> list[list[Any]]:
        """Return what each container has said, the oldest first: (container, words, when)."""
        logs = self.place.region.clients("logs")
        events = logs.filter_log_events(logGroupName=GROUP)["events"]
        told = [
            (one["timestamp"], one["logStreamName"].split("/")[0], one["message"])
            for one in events
            if one["logStreamName"].endswith(arn.rpartition("/")[2])
        ]
        return [[name, words, when] for when, name, words in sorted(told, key=lambda one: one[0])]

    def enter(self, place: str, *argv: str) -> str:
        line = [*self.place.services.enter(place), *argv]
        return subprocess.run(line, capture_output=True, text=True, check=True).stdout.strip()

    def end(self, place: str) -> None:
        """End a container by its first process, with which whoever asks for it may be gone too."""
        line = [*self.place.services.enter(place), "kill", "1"]
        assert subprocess.run(line, capture_output=True, check=False).returncode in {0, 137}


def by_name(task: Mapping[str, Any], *fields: str) -> dict[str, Any]:
    return {one["name"]: [one.get(field) for field in fields] for one in task["containers"]}


def in_order() -> dict[str, Any]:
    """Start a migration, a proxy and an application, the last of which asks the proxy on localhost."""
    at = Several()
    app = container(
        "app",
        at.image,
        python(ASKS.format(port=9001) + f"\nprint('asked')\n{SERVER}", "app", "9000"),
        linuxParameters=INIT,
        **waits(migrate="SUCCESS", proxy="HEALTHY", notes="COMPLETE"),
    )
    migrate = container("migrate", at.image, python("print('moved')"), essential=False)
    notes = container("notes", at.image, ["sh", "-c", "echo noted; exit 3"], essential=False)
    proxy = container(
        "proxy",
        at.image,
        python(f"import time; time.sleep(0.7)\n{SERVER}", "proxy", "9001"),
        linuxParameters=INIT,
        **waits(migrate="SUCCESS"),
        **check(ASKS.format(port=9001)),
    )
    arn = at.run(app, migrate, notes, proxy)
    running = at.at(arn, "RUNNING")
    task_id = arn.rpartition("/")[2]
    names = [at.enter(place, "hostname") for place in (task_id, f"{task_id}/proxy")]
    beside = [
        at.enter(place, "sh", "-c", "tr '\\0' ' ' < /proc/1/cmdline")
        for place in (task_id, f"{task_id[:9]}/proxy")
    ]
    try:
        at.enter(f"{task_id}/migrate", "true")
    except UnderpassError as error:
        refused = str(error)
    at.place.until(lambda: [one for one in at.said(arn) if one[1] == "app listens"])
    stopped = at.stop(arn)
    at.place.until(lambda: len([one for one in at.said(arn) if one[1].endswith("ends")]) == 2)
    return {
        "running": by_name(running, "lastStatus", "exitCode", "healthStatus"),
        "task": [running["healthStatus"], stopped["stopCode"]],
        "one name": len(set(names)),
        "beside": ["app 9000" in beside[0], "proxy 9001" in beside[1]],
        "refused": refused,
        "stopped": by_name(stopped, "lastStatus", "exitCode"),
        "said": [words for _, words, _ in at.said(arn)],
    }


def essential_or_not() -> dict[str, Any]:
    """End a container that is not essential, and then one of two that are."""
    at = Several()
    brief = container("brief", at.image, ["sh", "-c", "exit 7"], essential=False)
    lost = container("lost", at.image, ["nonesuch"], essential=False)
    app = container("app", at.image, python(SERVER, "app", "9000"), linuxParameters=INIT)
    other = container("other", at.image, ["sh", "-c", "echo up; sleep 1; exit 5"])
    arn = at.run(app, brief, lost)
    running = at.at(arn, "RUNNING")
    at.place.until(lambda: by_name(at.task(arn), "exitCode")["brief"] == [7])
    after = at.task(arn)
    at.stop(arn)
    second = at.run(app, other)
    ended = at.at(second, "STOPPED")
    return {
        "went on": [running["lastStatus"], after["lastStatus"], after["desiredStatus"]],
        "lost": by_name(after, "lastStatus", "reason")["lost"],
        "ended": [ended["stopCode"], ended["stoppedReason"], by_name(ended, "exitCode")],
    }


def what_never_comes() -> dict[str, Any]:
    """Wait for what fails, what never gets well, and what has gone."""
    at = Several()
    app = partial(container, "app", at.image, python(SERVER, "app", "9000"))
    late = container(
        "late",
        at.image,
        ["sleep", "60"],
        essential=False,
        startTimeout=2,
        stopTimeout=2,
        **check("raise SystemExit(1)"),
    )
    cases = {
        "failed": [
            app(**waits(bad="SUCCESS")),
            container("bad", at.image, ["sh", "-c", "exit 9"], essential=False),
        ],
        "late": [app(**waits(late="HEALTHY")), late],
        "gone": [
            app(**waits(second="START")),
            container("second", at.image, ["true"], essential=False, **waits(first="SUCCESS")),
            container("first", at.image, ["false"], essential=False),
        ],
    }
    told = {}
    for name, containers in cases.items():
        task = at.at(at.run(*containers), "STOPPED")
        told[name] = [task["stopCode"], task["stoppedReason"], by_name(task, "exitCode", "reason")]
    return told


def an_optional_one_never_starts() -> dict[str, Any]:
    """Go on without a container that is not essential and waits for what failed."""
    at = Several()
    arn = at.run(
        container("app", at.image, python(SERVER, "app", "9000"), linuxParameters=INIT),
        container("bad", at.image, ["false"], essential=False),
        container("more", at.image, ["sleep", "60"], essential=False, **waits(bad="SUCCESS")),
    )
    running = at.at(arn, "RUNNING")
    at.stop(arn)
    return {"containers": by_name(running, "lastStatus", "exitCode")}


def services_with_sidecars() -> dict[str, Any]:
    """Serve although the one container that has a check is not essential; then lose an essential one."""
    at = Several()
    definition = at.place.ecs.register_task_definition(
        family="app",
        cpu="256",
        memory="512",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        containerDefinitions=[
            container("app", at.image, python(SERVER, "app", "9000"), linuxParameters=INIT),
            container(
                "sick", at.image, ["sleep", "60"], essential=False, **check("raise SystemExit(1)")
            ),
        ],
    )["taskDefinition"]["taskDefinitionArn"]
    at.place.serve(definition, 1)
    at.place.until(at.place.steady)
    (task,) = at.place.tasks()
    sick = at.place.until(
        lambda: (
            found
            if (found := at.task(task["taskArn"]))
            and by_name(found, "healthStatus")["sick"] == ["UNHEALTHY"]
            else None
        )
    )
    at.end(f"{task['taskArn'].rpartition('/')[2]}/app")
    at.at(task["taskArn"], "STOPPED")
    at.place.until(at.place.steady)
    at.place.ecs.update_service(cluster="app", service="app", desiredCount=0)
    return {"health": [sick["healthStatus"], sick["desiredStatus"]]}


def refusals() -> dict[str, str]:
    at = Several()
    told = {}
    for name, containers in {
        "essential": [
            container("app", at.image, ["true"], **waits(db="SUCCESS")),
            container("db", at.image, ["true"]),
        ],
        "unknown": [container("app", at.image, ["true"], **waits(db="START"))],
    }.items():
        try:
            at.run(*containers)
        except at.place.ecs.exceptions.ClientException as error:
            told[name] = str(error)
    return told
