"""The ``aws`` command works against the twin unchanged."""

from __future__ import annotations

import json
from pathlib import Path

from tests.functional.cloudformation_service.conftest import Aws, Twin

TEMPLATE = """
Parameters:
  Size: {Type: Number, Default: 1}
Resources:
  A:
    Type: Fake::World::Thing
    Properties: {Size: !Ref Size}
  B:
    Type: Fake::World::Thing
    Properties: {Uses: [!Ref A]}
Outputs:
  Arn: {Value: !GetAtt B.Arn, Export: {Name: !Sub "${AWS::StackName}-Arn"}}
"""


def test_deploy_describe_and_delete(twin: Twin, aws: Aws, tmp_path: Path) -> None:
    body = tmp_path / "template.yaml"
    body.write_text(TEMPLATE)
    deploy = ("cloudformation", "deploy", "--stack-name", "app", "--template-file", str(body))

    first = aws(*deploy)
    assert first.returncode == 0, first.stderr
    assert "Successfully created/updated stack - app" in first.stdout

    changed = aws(*deploy, "--parameter-overrides", "Size=5")
    assert changed.returncode == 0, changed.stderr
    assert twin.world.by_name()["A"]["Size"] == "5"

    again = aws(*deploy, "--no-fail-on-empty-changeset")
    assert (again.returncode, "No changes to deploy" in again.stdout) == (0, True), again.stderr

    stacks = aws("cloudformation", "describe-stacks", "--stack-name", "app")
    (stack,) = json.loads(stacks.stdout)["Stacks"]
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert stack["Outputs"][0]["ExportName"] == "app-Arn"

    events = aws("cloudformation", "describe-stack-events", "--stack-name", "app")
    assert json.loads(events.stdout)["StackEvents"][0]["ResourceStatus"] == "UPDATE_COMPLETE"

    template = aws(
        "cloudformation", "get-template", "--stack-name", "app", "--query", "TemplateBody"
    )
    assert json.loads(template.stdout) == TEMPLATE

    assert aws("cloudformation", "delete-stack", "--stack-name", "app").returncode == 0
    waited = aws(
        "cloudformation", "wait", "stack-delete-complete", "--stack-name", stack["StackId"]
    )
    assert waited.returncode == 0, waited.stderr
    assert twin.world.things == {}


def test_what_goes_wrong_is_told(twin: Twin, aws: Aws, tmp_path: Path) -> None:
    missing = aws("cloudformation", "describe-stacks", "--stack-name", "nowhere")
    assert missing.returncode != 0
    assert "(ValidationError)" in missing.stderr
    assert "Stack with id nowhere does not exist" in missing.stderr

    body = tmp_path / "template.yaml"
    body.write_text(TEMPLATE.replace("Size: !Ref Size", "Sise: 1"))
    failed = aws("cloudformation", "deploy", "--stack-name", "app", "--template-file", str(body))
    assert failed.returncode != 0
    assert "would ignore property Sise" in failed.stderr


def test_a_rollback_that_got_stuck_is_continued(twin: Twin, aws: Aws, tmp_path: Path) -> None:
    body = tmp_path / "template.yaml"
    body.write_text(TEMPLATE)
    deploy = ("cloudformation", "deploy", "--stack-name", "app", "--template-file", str(body))
    assert aws(*deploy).returncode == 0
    twin.world.fail(("update", "A"), ("update", "B"))
    assert aws(*deploy, "--parameter-overrides", "Size=5").returncode != 0
    assert twin.settled("app") == "UPDATE_ROLLBACK_FAILED"

    go_on = ("cloudformation", "continue-update-rollback", "--stack-name", "app")
    refused = aws(*go_on, "--resources-to-skip", "B")
    assert refused.returncode != 0
    assert "(ValidationError)" in refused.stderr
    assert "can not be skipped" in refused.stderr

    skipped = aws(*go_on, "--resources-to-skip", "A")
    assert skipped.returncode == 0, skipped.stderr
    waited = aws("cloudformation", "wait", "stack-rollback-complete", "--stack-name", "app")
    assert waited.returncode == 0, waited.stderr
    assert twin.settled("app") == "UPDATE_ROLLBACK_COMPLETE"
    again = aws(*go_on)
    assert "is in UPDATE_ROLLBACK_COMPLETE state" in again.stderr
