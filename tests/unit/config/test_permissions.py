"""``[service] permissions`` and ``policies``: what is refused, what is warned of, and what passes."""

from __future__ import annotations

from typing import Any

import pytest

from underpass.config import rules
from underpass.config.facts import actions
from underpass.config.model import Config

QUEUE = "arn:aws:sqs:us-east-1:111111111111:jobs"
POLICY = "arn:aws:iam::111111111111:policy/notes"


def config(*permissions: dict[str, Any], policies: list[str] | None = None, **more: Any) -> Config:
    service = {
        "port": 80,
        "build": ".",
        "permissions": [
            {"actions": ["sqs:SendMessage"], "resources": [QUEUE]} | one for one in permissions
        ],
        "policies": policies or [],
    }
    return Config.model_validate({"name": "notes", "service": service, **more})


def told(one: Config) -> list[str]:
    return [
        f"{'.'.join(map(str, f.keys[0]))}: {f.message}; {f.suggestion}" for f in rules.check(one)
    ]


def warned(one: Config) -> list[str]:
    return [
        f"{'.'.join(map(str, f.keys[0]))}: {f.message}; {f.suggestion}" for f in rules.advise(one)
    ]


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("s3:Putobject", 'write "s3:PutObject"'),
        ("S3:PutObject", 'write "s3:PutObject"'),
        ("s3:PutObjekt", 'did you mean "s3:PutObject"?'),
        ("dynamo:GetItem", 'did you mean "dynamodb:GetItem"?'),
        ("zzz:GetItem", 'no service of AWS has actions that start with "zzz:"'),
        ("PutObject", 'write it like "s3:PutObject"'),
        ("s3:Putt*", "stands for no action"),
        ("s*:PutObject", "is no action"),
    ],
)
def test_an_action_that_is_none_is_told_with_the_one_meant(action: str, expected: str) -> None:
    (said,) = told(config({"actions": ["sqs:SendMessage", action]}))
    assert said.startswith("service.permissions.0.actions.1: ")
    assert expected in said


@pytest.mark.parametrize(
    "action", ["s3:Get*", "sqs:*", "*", "s3:GetObject?ersion", "sqs:SendMessage"]
)
def test_an_action_that_is_one_passes(action: str) -> None:
    assert told(config({"actions": [action]})) == []


def test_an_action_newer_than_the_facts_is_a_warning() -> None:
    one = config({"actions": ["sqs:RecombobulateEverything"]})
    assert told(one) == []
    assert "does not know sqs:RecombobulateEverything" in warned(one)[0]


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("jobs", 'write it like "arn:aws:sqs:REGION:ACCOUNT:NAME", or "*"'),
        ("arn:aws:sqs:jobs", "is no ARN"),
        (QUEUE.replace("arn:aws:", "arn:aws-cn:"), "is of another partition of AWS"),
        ("{assets}/*", "add [assets]"),
        ("{file}", "there are {key}"),
        ("{files}", "add [files]"),
        ("{jobs.QueueArn}", "stands for nothing here"),
        ("arn:aws:s3:::{key}", "{key} is a whole ARN"),
        ("arn:${AWS::Partition}:s3:::a", "has a parameter of CloudFormation's"),
    ],
)
def test_a_resource_that_is_none_is_told(resource: str, expected: str) -> None:
    (said,) = told(config({"resources": [resource]}))
    assert said.startswith("service.permissions.0.resources.0: ")
    assert expected in said


@pytest.mark.parametrize("resource", ["*", "{key}", "{assets}/${aws:username}/*", f"{QUEUE}*"])
def test_a_resource_that_is_one_passes(resource: str) -> None:
    assert told(config({"resources": [resource]}, assets={"source": "s"})) == []


def test_what_is_done_to_objects_is_not_named_for_the_bucket() -> None:
    put = {"actions": ["s3:PutObject"]}
    assert (
        'write "{assets}/*"'
        in told(config(put | {"resources": ["{assets}"]}, assets={"source": "s"}))[0]
    )
    both = {"resources": ["{assets}", "{assets}/*"]}
    assert told(config(put | both, assets={"source": "s"})) == []


def test_a_permission_names_actions_and_resources() -> None:
    (said,) = told(config({"actions": []}))
    assert said.startswith("service.permissions.0.actions: is missing")
    (said,) = told(config({"resources": []}))
    assert said.startswith("service.permissions.0.resources: is missing")


def test_conditions_have_operators_of_iams_and_may_name_what_stands_in_braces() -> None:
    one = {
        "conditions": {"ForAnyValue:StringLikeIfExists": {"aws:a": "b"}, "Null": {"c": ["true"]}}
    }
    assert told(config(one)) == []
    (said,) = told(config({"conditions": {"StringEqual": {"aws:a": "b"}}}))
    assert "did you mean StringEquals?" in said
    (said,) = told(config({"conditions": {"ArnLike": {"aws:SourceArn": "{keys}"}}}))
    assert "did you mean {key}?" in said


def test_more_than_a_role_has_room_for_is_refused() -> None:
    one = {"resources": [f"{QUEUE}{number}" for number in range(300)]}
    (said,) = told(config(one))
    assert "put some of them into a managed policy" in said


@pytest.mark.parametrize(
    ("permission", "expected"),
    [
        ({"actions": ["*"], "resources": ["*"]}, 'everything AWS has ("*"), on every resource'),
        ({"actions": ["iam:*"], "resources": ["*"]}, "make itself administrator"),
        ({"actions": ["iam:PassRole"], "resources": ["*"]}, "hands any role of the account"),
        ({"actions": ["s3:*"], "resources": ["arn:aws:s3:::a/*"]}, 'everything s3 has ("s3:*")'),
        ({"resources": ["*"]}, 'sqs:SendMessage on every resource of the account ("*")'),
    ],
)
def test_what_opens_much_is_said_in_words_once(permission: dict[str, Any], expected: str) -> None:
    one = config({}, permission)
    assert told(one) == []
    (said,) = warned(one)
    assert said.startswith("service.permissions.1: the application may then ")
    assert expected in said


def test_what_knows_no_resources_is_named_for_all_of_them_without_a_word() -> None:
    assert warned(config({"actions": ["ecr:GetAuthorizationToken"], "resources": ["*"]})) == []


def test_what_no_endpoint_leads_to_is_warned_of() -> None:
    alone: dict[str, Any] = {"egress": "endpoints"}
    assert 'add "sqs" to [network] endpoints' in warned(config({}, network=alone))[0]
    assert warned(config({}, network=alone | {"endpoints": ["sqs"]})) == []
    other = {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::models/*", "{assets}/*"]}
    here: dict[str, Any] = {"assets": {"source": "s"}}
    assert "through to models" in warned(config(other, network=alone, **here))[0]
    assert warned(config(other, network=alone | {"buckets": ["models"]}, **here)) == []


@pytest.mark.parametrize(
    ("policies", "key"),
    [
        ([POLICY, POLICY], "service.policies.1"),
        ([POLICY, POLICY.replace("111111111111", "222222222222")], "service.policies.1"),
        (["arn:aws-cn:iam::aws:policy/ReadOnlyAccess"], "service.policies.0"),
        ([f"{POLICY}{number}" for number in range(21)], "service.policies"),
    ],
)
def test_policies_a_role_does_not_take_are_refused(policies: list[str], key: str) -> None:
    (said,) = told(config(policies=policies))
    assert said.startswith(f"{key}: ")


def test_policies_that_open_much_are_warned_of() -> None:
    aws = "arn:aws:iam::aws:policy/"
    assert "everything in the account" in warned(config(policies=[f"{aws}AdministratorAccess"]))[0]
    assert "AmazonSQSFullAccess" in warned(config(policies=[f"{aws}AmazonSQSFullAccess"]))[0]
    assert warned(config(policies=[f"{aws}AmazonSQSReadOnlyAccess", POLICY])) == []
    assert "are 11" in warned(config(policies=[f"{POLICY}{number}" for number in range(11)]))[0]


def test_the_facts_are_read_for_permissions_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "stored", lambda _: pytest.fail("read"))
    assert told(config(policies=[POLICY])) == []
    assert warned(config(policies=[POLICY])) == []
