"""``check`` says what tasks get of add-ons; ``check --twin`` what the twin does not have of them."""

import json
from pathlib import Path

import pytest

from underpass.cli.main import main

FILE = """\
name = "notes"
[service]
build = "."
port = 8000
{process}
[[addons]]
template = "queue.yaml"
[[consumers]]
name = "analytics"
"""
PROCESS = 'process = ["{python}", "-m", "app"]'
QUEUE = """\
Resources:
  Queue: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: 30}}
Outputs:
  QueueUrl: {Value: !Ref Queue}
"""


def project(folder: Path, template: str = QUEUE, *, process: str = PROCESS) -> str:
    (folder / "underpass.toml").write_text(FILE.format(process=process))
    (folder / "queue.yaml").write_text(template)
    return str(folder)


@pytest.mark.parametrize("options", [(), ("--twin",)])
def test_what_tasks_get_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...]
) -> None:
    folder = project(tmp_path)
    assert main(["check", folder, *options]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "  add-on queue: tasks get QueueUrl as QUEUE_URL"
    ]
    assert main(["check", folder, "--json", *options]) == 0
    (told,) = json.loads(capsys.readouterr().out)["addons"]
    assert (told["name"], told["kind"], told["variable"]) == ("QueueUrl", "variable", "QUEUE_URL")


def test_every_type_and_property_the_twin_lacks_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    queue = "{Type: AWS::SQS::Queue, Properties: {DeduplicationScope: queue}}"
    more = f"  Bot: {{Type: AWS::Lex::Bot}}\n  Other: {queue}\n"
    folder = project(tmp_path, QUEUE.replace("Outputs:", f"{more}Outputs:"))
    assert main(["check", folder]) == 0
    assert main(["check", folder, "--twin"]) == 2
    told = capsys.readouterr().err
    assert "addons[0].template, queue.yaml: Bot: the twin does not know" in told
    assert "AWS::Lex::Bot" in told
    assert "would ignore property DeduplicationScope" in told


def test_other_refusals_of_the_twin_are_said_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", project(tmp_path, process=""), "--twin"]) == 2
    assert "the twin does not know how to start a task" in capsys.readouterr().err
