"""What a rule's target gets of an event."""

from __future__ import annotations

import json
from typing import Any

import pytest

from underpass.twin.services.events.transform import check, transformed

EVENT = json.dumps(
    {
        "time": "2030-01-31T05:00:03Z",
        "detail": {
            "group": "report",
            "containers": [{"name": "report", "exitCode": 3}],
            "stoppedReason": 'said "no"',
        },
    }
)
PATHS = {
    "job": "$.detail.group",
    "code": "$.detail.containers[0].exitCode",
    "reason": "$.detail.containers[0].reason",
    "why": "$.detail.stoppedReason",
}


def filled(template: str) -> str:
    return transformed(
        {"InputTransformer": {"InputPathsMap": PATHS, "InputTemplate": template}}, EVENT
    )


def test_a_target_gets_the_event_its_constant_input_or_a_part() -> None:
    assert transformed({}, EVENT) == EVENT
    assert transformed({"Input": '{"a": 1}'}, EVENT) == '{"a": 1}'
    assert transformed({"InputPath": "$.detail.containers[0].name"}, EVENT) == '"report"'
    assert json.loads(transformed({"InputPath": "$"}, EVENT)) == json.loads(EVENT)


def test_a_text_is_filled_with_what_is_there() -> None:
    told = filled('"The job <job> ended with <code><reason>: <why>"')
    assert told == '"The job report ended with 3: said \\"no\\""'
    assert json.loads(filled('{"job": <job>, "code": <code>}')) == {"job": "report", "code": 3}


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ({"InputPath": "detail"}, "is not a path"),
        ({"InputPath": "$.a[*]"}, "is not a path"),
        ({"InputTransformer": {"InputTemplate": '"<job>"'}}, "no such key"),
    ],
)
def test_what_the_twin_could_not_make_is_refused(target: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        check(target)
