"""The evaluator that judges the roles, against AWS's own rules of evaluation."""

from typing import Any

import pytest
from tests.templates.evaluator import Call, allowed

BUCKET = "arn:aws:s3:::b/key"


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(**more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"} | more


DENY = {"Effect": "Deny", "Action": ["s3:Get*"], "Resource": "arn:aws:s3:::b/secret*"}


@pytest.mark.parametrize(
    ("action", "resource", "expected"),
    [
        ("s3:GetObject", BUCKET, True),
        ("S3:getobject", BUCKET, True),
        ("s3:PutObject", BUCKET, False),
        ("s3:GetObject", "arn:aws:s3:::b/secret/1", False),
    ],
)
def test_deny_wins_and_nothing_is_allowed_by_itself(
    action: str, resource: str, *, expected: bool
) -> None:
    assert allowed([policy(allow()), policy(DENY)], Call(action, resource)) is expected


def test_what_is_left_out_is_denied() -> None:
    assert not allowed([], Call("s3:GetObject", BUCKET))
    not_action = {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}
    assert allowed([policy(not_action)], Call("s3:GetObject"))
    assert not allowed([policy(not_action)], Call("iam:PassRole"))


@pytest.mark.parametrize(
    ("condition", "context", "expected"),
    [
        ({"StringEquals": {"aws:SourceAccount": "1"}}, {"aws:SourceAccount": "1"}, True),
        ({"StringEquals": {"aws:SourceAccount": "1"}}, {"AWS:sourceaccount": "1"}, True),
        ({"StringEquals": {"aws:SourceAccount": ["2", "1"]}}, {"aws:SourceAccount": "1"}, True),
        ({"StringEquals": {"aws:SourceAccount": "1"}}, {}, False),
        ({"StringEqualsIfExists": {"aws:SourceAccount": "1"}}, {}, True),
        ({"StringNotEquals": {"aws:SourceAccount": ["1", "2"]}}, {"aws:SourceAccount": "1"}, False),
        ({"StringNotEquals": {"aws:SourceAccount": "1"}}, {}, True),
        ({"Bool": {"aws:SecureTransport": False}}, {"aws:SecureTransport": "false"}, True),
        ({"Null": {"aws:SourceArn": "true"}}, {}, True),
        (
            {"ArnLike": {"aws:SourceArn": "arn:aws:ecs:*:1:cluster/*"}},
            {"aws:SourceArn": "arn:aws:ecs:r:1:cluster/a/b"},
            True,
        ),
        (
            {"ArnLike": {"aws:SourceArn": "arn:aws:*:cluster/*"}},
            {"aws:SourceArn": "arn:aws:ecs:r:1:cluster/a"},
            False,
        ),
        ({"ForAnyValue:StringLike": {"aws:TagKeys": "a*"}}, {"aws:TagKeys": ["b", "ab"]}, True),
        ({"ForAllValues:StringLike": {"aws:TagKeys": "a*"}}, {"aws:TagKeys": ["b", "ab"]}, False),
        ({"ForAllValues:StringLike": {"aws:TagKeys": "a*"}}, {}, True),
    ],
)
def test_conditions(condition: dict[str, Any], context: dict[str, Any], *, expected: bool) -> None:
    assert (
        allowed([policy(allow(Condition=condition))], Call("s3:GetObject", BUCKET, context))
        is expected
    )


def test_a_condition_that_does_not_hold_passes_the_statement_over() -> None:
    narrow = allow(Condition={"StringEquals": {"aws:SourceAccount": "1"}})
    assert allowed([policy(narrow, allow())], Call("s3:GetObject", BUCKET))


def test_an_operator_it_does_not_know_is_not_taken_to_hold() -> None:
    condition = {"DateLessThan": {"aws:CurrentTime": "2030-01-01"}}
    with pytest.raises(KeyError):
        allowed(
            [policy(allow(Condition=condition))],
            Call("s3:GetObject", BUCKET, {"aws:CurrentTime": "2026-01-01"}),
        )


@pytest.mark.parametrize(
    ("principal", "caller", "expected"),
    [
        ("*", "arn:aws:iam::1:role/r", True),
        ({"AWS": "arn:aws:iam::1:root"}, "arn:aws:iam::1:role/r", True),
        ({"AWS": "arn:aws:iam::2:root"}, "arn:aws:iam::1:role/r", False),
        ({"AWS": ["arn:aws:iam::1:role/r"]}, "arn:aws:iam::1:role/r", True),
        ({"Service": "vpce.amazonaws.com"}, "vpce.amazonaws.com", True),
        ({"Service": "vpce.amazonaws.com"}, "ecs.amazonaws.com", False),
    ],
)
def test_principals(principal: Any, caller: str, *, expected: bool) -> None:
    document = policy(allow(Principal=principal))
    assert allowed([document], Call("s3:GetObject", BUCKET, principal=caller)) is expected
