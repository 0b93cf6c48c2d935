"""A job that is run now, and what is told of all of them; AWS is played by records."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.blueprint.configs import JOBS, config
from tests.unit.deploy.fakes import FakeClock

from underpass.deploy import jobs as running
from underpass.deploy.observe import jobs
from underpass.errors import UnderpassError

CONFIG = config(jobs=JOBS)
NOW = datetime(2030, 1, 31, 12, tzinfo=UTC)
TASK = "arn:aws:ecs:us-east-1:1:task/app/0123"


class NotFoundError(Exception):
    """What a client raises for what is not there."""


class Aws:
    """Clients of every service, over what one deployment has."""

    def __init__(self, *states: dict[str, Any], deployed: bool = True) -> None:
        self.states = list(states)  # of the task, one after another
        self.deployed = deployed
        self.asked: dict[str, Any] = {}
        self.refusal = ""
        self.lines = ["one", "two"]
        self.exceptions = SimpleNamespace(
            ResourceNotFoundException=NotFoundError, ClusterNotFoundException=NotFoundError
        )

    def client(self, _: str) -> Any:
        return self

    def describe_stack_resources(self, StackName: str) -> dict[str, Any]:
        names = {"JobGroup": "group", "JobReportSchedule": "schedule"} if self.deployed else {}
        assert StackName == "notes-service"
        return {
            "StackResources": [
                {
                    "LogicalResourceId": logical,
                    "PhysicalResourceId": physical,
                    "ResourceStatus": "CREATE_COMPLETE",
                }
                for logical, physical in names.items()
            ]
        }

    def get_schedule(self, Name: str, GroupName: str) -> dict[str, Any]:
        assert (Name, GroupName) == ("schedule", "group")
        network = {
            "Subnets": ["subnet-1"],
            "SecurityGroups": ["sg-1"],
            "AssignPublicIp": "DISABLED",
        }
        return {
            "ScheduleExpression": "cron(0 5 * * ? *)",
            "ScheduleExpressionTimezone": "Europe/Berlin",
            "State": "ENABLED",
            "Target": {
                "Arn": "arn:cluster",
                "EcsParameters": {
                    "TaskDefinitionArn": "arn:definition:7",
                    "CapacityProviderStrategy": [{"capacityProvider": "hosts", "weight": 1}],
                    "NetworkConfiguration": {"awsvpcConfiguration": network},
                    "Group": "report",
                    "PropagateTags": "TASK_DEFINITION",
                    "EnableECSManagedTags": True,
                },
            },
        }

    def run_task(self, **asked: Any) -> dict[str, Any]:
        self.asked = asked
        if self.refusal:
            return {"tasks": [], "failures": [{"reason": self.refusal}]}
        return {"tasks": [task("PROVISIONING")], "failures": []}

    def list_tasks(self, family: str, desiredStatus: str, **_: Any) -> dict[str, Any]:
        ours = family == "notes_report" and desiredStatus == "STOPPED"
        return {"taskArns": [one["taskArn"] for one in self.states] if ours else []}

    def describe_tasks(self, cluster: str, tasks: list[str]) -> dict[str, Any]:
        return {"tasks": self.states if len(tasks) > 1 else [self.states.pop(0)]}

    def get_log_events(self, logStreamName: str, nextToken: str = "", **_: Any) -> dict[str, Any]:
        assert logStreamName == "report/report/0123"
        events = [{"message": f"{self.lines.pop(0)}\n"}] if self.lines else []
        return {"events": events, "nextForwardToken": nextToken + "." * len(events)}


def task(status: str, code: int | None = None, **more: Any) -> dict[str, Any]:
    own = {"name": "report"} | ({} if code is None else {"exitCode": code})
    # What is beside it counts for nothing: it ends as it can when the job has ended.
    beside = {"name": "beside", "exitCode": 143}
    return {
        "taskArn": TASK,
        "clusterArn": "arn:cluster",
        "lastStatus": status,
        "createdAt": NOW,
        "containers": [beside, own],
        **more,
    }


def run(aws: Aws, name: str = "report") -> tuple[jobs.Run, list[str]]:
    said: list[str] = []
    ended = running.run(CONFIG, aws, name, FakeClock(), started=said.append, say=said.append)
    return ended, said


def test_it_runs_what_the_schedule_runs_and_tells_its_log_to_the_end() -> None:
    aws = Aws(task("RUNNING"), task("STOPPED", 0, stoppedReason="Essential container"))
    ended, said = run(aws)
    assert said == ["0123", "one", "two"]
    assert (ended.exit_code, ended.state) == (0, "stopped")
    assert aws.asked == {
        "cluster": "arn:cluster",
        "taskDefinition": "arn:definition:7",
        "capacityProviderStrategy": [{"capacityProvider": "hosts", "weight": 1}],
        "networkConfiguration": {
            "awsvpcConfiguration": {
                "subnets": ["subnet-1"],
                "securityGroups": ["sg-1"],
                "assignPublicIp": "DISABLED",
            }
        },
        "group": "report",
        "propagateTags": "TASK_DEFINITION",
        "enableECSManagedTags": True,
        "startedBy": "underpass",
    }


def test_the_exit_code_is_the_jobs_own() -> None:
    ended, _ = run(Aws(task("STOPPED", 3, stoppedReason="Essential container in task exited")))
    assert (ended.exit_code, ended.reason) == (3, "Essential container in task exited")


def test_what_did_not_start_has_no_exit_code_and_a_reason() -> None:
    ended, _ = run(Aws(task("STOPPED", stoppedReason="CannotPullContainerError: none")))
    assert (ended.exit_code, ended.reason) == (None, "CannotPullContainerError: none")


@pytest.mark.parametrize(
    ("aws", "name", "says"),
    [
        (Aws(), "nobody", "there is no job nobody: underpass.toml has report, tidy-up"),
        (Aws(deployed=False), "report", "the job report is not deployed"),
    ],
)
def test_what_cannot_be_run_is_said(aws: Aws, name: str, says: str) -> None:
    with pytest.raises(UnderpassError) as raised:
        run(aws, name)
    assert says in f"{raised.value.what}: {raised.value.why}"


def test_what_ecs_does_not_take_is_said_in_its_words() -> None:
    aws = Aws()
    aws.refusal = "RESOURCE:MEMORY"
    with pytest.raises(UnderpassError) as raised:
        run(aws)
    assert raised.value.why == "RESOURCE:MEMORY"


def test_status_tells_of_each_job() -> None:
    older = task("STOPPED", 1, createdAt=NOW - timedelta(minutes=5))
    aws = Aws(older, task("STOPPED", 0))
    report, tidy = jobs.statuses(CONFIG, aws, "cluster", NOW)
    assert report.next_run == "2030-02-01T04:00:00+00:00"  # five o'clock in Berlin
    assert report.last_run
    assert report.last_run.exit_code == 0
    assert (tidy.next_run, tidy.last_run) == (None, None)  # it has no schedule yet


def test_a_rate_is_counted_from_the_schedules_last_change() -> None:
    changed = NOW - timedelta(minutes=100)
    described = {"ScheduleExpression": "rate(1 hour)", "LastModificationDate": changed}
    assert jobs.next_run(described, NOW) == NOW + timedelta(minutes=20)
    assert jobs.next_run(described | {"State": "DISABLED"}, NOW) is None


def test_a_jobs_task_is_none_of_those_that_serve() -> None:
    assert jobs.is_run(CONFIG, {"group": "report"})
    assert not jobs.is_run(CONFIG, {"group": "service:notes"})
    assert not jobs.is_run(config(), {"group": "report"})
