"""``[[jobs]]``: what ``check`` says of them, offline, and what it lets through."""

from __future__ import annotations

from pathlib import Path

import pytest

from underpass.config.loader import parse

FILE = Path("underpass.toml")
HEAD = """\
name = "notes"
service = { port = 8000, build = "." }
capacity = { provider = "ec2" }
[[jobs]]
name = "report"
command = ["python", "-m", "app.report"]
schedule = "cron(0 5 * * ? *)"
"""


def told(*changes: tuple[str, str], more: str = "") -> list[str]:
    text = HEAD + more
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    _, problems = parse(text, FILE)
    return [f"{one.line}: {one.key}: {one.message}; {one.suggestion}" for one in problems]


def test_a_job_is_the_services_size_and_in_utc_unless_it_says_otherwise() -> None:
    config, problems = parse(HEAD, FILE)
    assert config
    assert not problems
    (job,) = config.jobs
    assert (job.cpu, job.memory, job.timezone, job.environment) == (None, None, "UTC", {})
    assert job.title == "JobReport"


@pytest.mark.parametrize(
    ("schedule", "instead"),
    [
        ("0 5 * * *", 'write "cron(0 5 * * ? *)"'),
        ("cron(0 5 * * *)", 'write "cron(0 5 * * ? *)"'),
        ("0 5 * * 1-5", 'write "cron(0 5 ? * 2-6 *)"'),  # crontab's week begins with 0
        ("cron(0 5 * * * *)", 'write "cron(0 5 * * ? *)"'),
        ("cron(0 5 * * MON *)", 'write "cron(0 5 ? * MON *)"'),
        ("cron(0 5 1 * * *)", 'write "cron(0 5 1 * ? *)"'),
        ("rate(1 hours)", 'write "rate(1 hour)"'),
        ("rate(5 minute)", 'write "rate(5 minutes)"'),
        ("30 minutes", 'write "rate(30 minutes)"'),
        ("rate(30 seconds)", "a rate is of minutes, hours or days"),
        ("at(2030-01-31T05:00:00)", "underpass run --job"),
        ("cron(60 5 * * ? *)", 'write one such as "cron(0 5 * * ? *)"'),
        ("cron(0 5 30 2 ? *)", "name a day there is"),
        ("daily", "every day at 5:00"),
    ],
)
def test_an_expression_eventbridge_would_refuse_is_told_with_its_line_and_a_right_one(
    schedule: str, instead: str
) -> None:
    (fault,) = told(("cron(0 5 * * ? *)", schedule))
    assert fault.startswith("7: jobs[0].schedule: ")
    assert instead in fault


@pytest.mark.parametrize(
    ("zone", "instead"),
    [
        ("Europe/Berln", 'did you mean "Europe/Berlin"?'),
        ("europe/berlin", 'did you mean "Europe/Berlin"?'),
        ("../passwd", "write one such as"),
        ("posix/UTC", ""),
        ("/UTC", ""),
    ],
)
def test_a_time_zone_there_is_not(zone: str, instead: str) -> None:
    (fault,) = told(more=f'timezone = "{zone}"\n')
    assert fault.startswith(f'8: jobs[0].timezone: there is no time zone "{zone}"')
    assert instead in fault


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"])
def test_a_time_zone_there_is(zone: str) -> None:
    assert told(more=f'timezone = "{zone}"\n') == []


def test_names_are_the_jobs_own() -> None:
    assert "is the application itself" in told(('"report"', '"notes"'))[0]
    again = '[[jobs]]\nname = "rep-ort"\ncommand = ["x"]\nschedule = "rate(1 day)"\n'
    assert told(more=again) == []
    (fault,) = told(more=again.replace("rep-ort", "report"))
    assert fault.startswith('9: jobs[1].name: jobs[0] is called "report"; choose')
    one, other = ('"report"', '"job-1"'), again.replace("rep-ort", "job1")
    (fault,) = told(one, more=other)  # one logical id for both
    assert fault.startswith('9: jobs[1].name: jobs[0] is called "job-1", and "job1" differs')


@pytest.mark.parametrize(
    ("command", "instead"),
    [
        ("[]", "the image's own command is the service"),
        ('["python -m app.report"]', 'write ["python", "-m", "app.report"]'),
        ('["{python}", "-m", "app.report"]', 'write "python"'),
        ('["x", "{{resolve:secretsmanager:a}}"]', "secret"),
    ],
)
def test_a_command_that_would_not_run(command: str, instead: str) -> None:
    (fault,) = told(('["python", "-m", "app.report"]', command))
    assert fault.startswith("6: jobs[0].command")
    assert instead in fault


def test_what_it_is_given_is_looked_at_as_the_services() -> None:
    (fault,) = told(more='environment = { AWS_REGION = "x" }\n')
    assert fault.startswith("8: jobs[0].environment.AWS_REGION: underpass sets it itself")
    (fault,) = told(more='environment = { A = "{{resolve:ssm-secure:x}}" }\n')
    assert fault.startswith("8: jobs[0].environment.A: puts a secret")
    (fault,) = told(more=f'environment = {{ A = "{"x" * 60_000}" }}\n')
    assert fault.startswith("8: jobs[0].environment: has ")


def test_its_size_is_one_there_is() -> None:
    (fault,) = told(("ec2", "fargate"), more="cpu = 300\n")
    assert fault.startswith("8: jobs[0].cpu: Fargate has no size of 300 CPU units; write 256")
    (fault,) = told(("ec2", "fargate"), more="memory = 3000\n")
    assert fault.startswith("8: jobs[0].memory: Fargate has no 3000 MiB with 256 CPU units")
    (fault,) = told(more="cpu = 4096\n")
    assert "a t3.medium has 2048 CPU units, and a task asks for 4096" in fault
    assert told(("ec2", "fargate"), more="cpu = 1024\nmemory = 4096\n") == []


def test_what_is_missing_is_told_with_an_example() -> None:
    faults = told(('schedule = "cron(0 5 * * ? *)"', ""), ('name = "report"\n', ""))
    assert [fault.partition(": ")[2] for fault in faults] == [
        'jobs[0].name: is missing: What to call it; add name = "report"',
        (
            "jobs[0].schedule: is missing: When: cron(minutes hours day-of-month month day-of-week year), "
            'one of the two day fields ?, or rate(30 minutes); add schedule = "cron(0 5 * * ? *)"'
        ),
    ]
