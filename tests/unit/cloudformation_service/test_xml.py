from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.loaders import create_loader
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from hypothesis import given
from hypothesis import strategies as st

from underpass.twin.services.cloudformation import xml

MODEL = ServiceModel(create_loader().load_service_model("cloudformation", "service-2"))
WHEN = datetime(2026, 11, 28, 12, 0, 0, 1000, tzinfo=UTC)
# What XML can carry; a carriage return is a line's end to every parser of it.
TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")
)


def read(action: str, result: Any) -> Any:
    """Return what botocore reads of the answer that was written."""
    parser = create_parser(MODEL.resolved_protocol)
    answer = {"status_code": 200, "headers": {}, "body": xml.written(action, result).encode()}
    found = parser.parse(answer, MODEL.operation_model(action).output_shape)
    del found["ResponseMetadata"]
    return found


@given(TEXT)
def test_text_is_read_as_it_was(text: str) -> None:
    described = {"Stacks": [{"StackName": "s", "Description": text}]}
    assert read("DescribeStacks", described) == described


def test_what_no_xml_can_carry_is_replaced_and_a_carriage_return_is_kept() -> None:
    described = {"Stacks": [{"StackName": "s", "Description": "a\x1b[0m\r\nb"}]}
    (stack,) = read("DescribeStacks", described)["Stacks"]
    assert stack["Description"] == "a\ufffd[0m\r\nb"


@pytest.mark.parametrize(
    ("action", "result"),
    [
        (
            "DescribeStackEvents",
            {"StackEvents": [{"EventId": "1", "Timestamp": WHEN}], "NextToken": "n"},
        ),
        ("DescribeStackEvents", {"StackEvents": []}),
        (
            "DescribeStacks",
            {"Stacks": [{"DisableRollback": True, "Tags": [{"Key": "a", "Value": ""}]}]},
        ),
        ("DescribeStacks", {"Stacks": [{"TimeoutInMinutes": 5, "Capabilities": ["A", "B"]}]}),
        ("DeleteStack", {}),
    ],
)
def test_every_kind_of_value_is_read_as_it_was(action: str, result: Any) -> None:
    assert read(action, result) == result
