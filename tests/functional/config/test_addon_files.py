"""An add-on's template from its file: read, or what is wrong with it, at the line that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from underpass.config import ConfigError, addons, load

FILE = """\
name = "notes"
[service]
build = "."
port = 8000
[[addons]]
template = "{name}"
"""
SHORT = """\
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  Name: {Type: String}
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      Tags: [{Key: Name, Value: !Sub "${Name}-queue"}]
  Use:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Version: 2012-10-17
        Statement: [{Effect: Allow, Action: sqs:SendMessage, Resource: !GetAtt Queue.Arn}]
Outputs:
  QueueUrl: {Value: !Ref Queue}
  QueuePolicy: {Value: !Ref Use}
"""


def folder(where: Path, name: str, text: str | bytes | None) -> Path:
    (where / "underpass.toml").write_text(FILE.format(name=name), encoding="utf-8")
    if text is not None:
        body = text.encode() if isinstance(text, str) else text
        (where / name).write_bytes(body)
    return where


def problem(where: Path) -> str:
    with pytest.raises(ConfigError) as error:
        load(where)
    (found,) = error.value.problems
    assert (found.line, found.key) == (6, "addons[0].template")
    return f"{found.message}; {found.suggestion}"


def test_yaml_with_short_forms(tmp_path: Path) -> None:
    config = load(folder(tmp_path, "queue.yaml", SHORT))
    assert [(one.kind, one.variable) for one in addons.outputs(config)] == [
        ("variable", "QUEUE_URL"),
        ("policy", ""),
    ]
    document = config.documents["queue.yaml"]
    assert document["Outputs"]["QueueUrl"] == {"Value": {"Ref": "Queue"}}
    policy = document["Resources"]["Use"]["Properties"]["PolicyDocument"]
    assert policy["Version"] == "2012-10-17"
    assert policy["Statement"][0]["Resource"] == {"Fn::GetAtt": ["Queue", "Arn"]}


def test_json(tmp_path: Path) -> None:
    text = '{"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}'
    config = load(folder(tmp_path, "queue.json", text))
    assert config.documents["queue.json"]["Resources"].keys() == {"Queue"}


def test_outside_the_folder(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "queue.yaml").write_text(SHORT, encoding="utf-8")
    config = load(folder(tmp_path / "app", "../queue.yaml", None))
    assert config.addons[0].label == "queue"
    assert len(addons.outputs(config)) == 2


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "queue.yaml").write_text(SHORT, encoding="utf-8")
    assert problem(folder(tmp_path, "queu.yaml", None)) == (
        'there is no file "queu.yaml"; did you mean "queue.yaml"?'
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Resources: [", "is not a template: YAML not well-formed. (line 1, column"),
        ('{"Resources": }', "is not a template: JSON not well-formed. (line 1, column 15)"),
        ("- a", "is not a template: it is no mapping of sections"),
        ("Outputs: {}", "is not a template: At least one Resources member must be defined."),
        (
            "Resources: {A: {Type: X}}\nRules: {}",
            "it has the section Rules, which add-ons cannot have",
        ),
        ("Resources: {A: {Type: X, Properties: {A: .nan}}}", "cannot be said in JSON"),
        (b"\xff\xfe", "is not UTF-8; save it as UTF-8"),
        (
            "Resources: {}\nTransform: AWS::Serverless-2016-10-31\n",
            "has a macro in line 2: what it makes is known only within AWS",
        ),
        (
            "Resources:\n  A:\n    Type: X\n    Fn::Transform: {Name: AWS::Include}\n",
            "has a macro in line 4",
        ),
        ('{"Resources": {"A": {"Fn::Transform": {}}}}', "has a macro in line 1"),
    ],
)
def test_a_file_that_is_no_template(tmp_path: Path, text: str | bytes, told: str) -> None:
    assert told in problem(folder(tmp_path, "queue.yaml", text))


def test_the_documents_are_no_key_of_the_file(tmp_path: Path) -> None:
    where = folder(tmp_path, "queue.yaml", SHORT)
    file = where / "underpass.toml"
    file.write_text("documents = {}\n" + file.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(ConfigError, match="documents: is not a key of the file"):
        load(where)
