"""What a resource's policy admits, and that what is no policy admits nobody."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underpass.policies.resource_policies import Act, policy_allows

QUEUE, RULE = "arn:aws:sqs:us-east-1:1:q", "arn:aws:events:us-east-1:1:rule/r"
ACT = Act("events.amazonaws.com", "sqs:SendMessage", QUEUE, {"aws:SourceArn": RULE})
GOOD = {
    "Effect": "Allow",
    "Principal": {"Service": "events.amazonaws.com"},
    "Action": "sqs:*",
    "Resource": "*",
    "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:events:*:*:rule/*"}},
}


@pytest.mark.parametrize("statements", [GOOD, [GOOD]])
def test_a_policy_and_its_text_say_the_same(statements: Any) -> None:
    assert policy_allows({"Statement": statements}, ACT)
    assert policy_allows(json.dumps({"Statement": statements}), ACT)
    assert policy_allows(json.dumps({"Statement": statements}).encode(), ACT)


@pytest.mark.parametrize("left_out", GOOD)
def test_without_one_of_its_parts_a_statement_admits_nobody(left_out: str) -> None:
    statement = {key: value for key, value in GOOD.items() if key != left_out}
    # Without "Resource" it is about what it stands at, as a repository's or a role's.
    expected = left_out in ("Condition", "Resource")
    assert policy_allows({"Statement": [statement]}, ACT) is expected


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "7", '"Allow"', '{"Statement": ["x"]}'])
def test_what_is_no_policy_admits_nobody(text: str) -> None:
    assert not policy_allows(text, ACT)


_ODD = st.none() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)


@given(st.sampled_from(sorted(GOOD)), _ODD)
def test_no_odd_value_is_more_than_a_refusal(key: str, value: Any) -> None:
    policy_allows({"Statement": [{**GOOD, key: value}]}, ACT)
