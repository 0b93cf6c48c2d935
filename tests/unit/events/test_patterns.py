"""Event patterns that EventBridge takes, and those it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.events.models import EventPattern

from underpass.twin.services.events.patterns import check


@pytest.mark.parametrize(
    "pattern",
    [
        {},
        {"source": ["aws.ec2"], "detail": {"eventName": ["A", None, True, 1]}},
        {"$or": [{"source": ["a"]}, {"detail": {"x": [{"numeric": [">", 0, "<=", 5]}]}}]},
        {"detail": {"a": [{"prefix": "x"}, {"suffix": {"equals-ignore-case": "y"}}]}},
        {"detail": {"a": [{"anything-but": ["x", 1]}, {"anything-but": {"prefix": ["x", "y"]}}]}},
        {"detail": {"a": [{"exists": False}, {"wildcard": "a*b"}, {"equals-ignore-case": "x"}]}},
        {"detail": {"ip": [{"cidr": "10.0.0.0/24"}]}},
    ],
)
def test_taken(pattern: Any) -> None:
    check(json.dumps(pattern))


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("{", "Invalid JSON"),
        ([], "is not an object"),
        ("x", "is not an object"),
        ({"source": "aws.ec2"}, "must be an object or an array"),
        ({"source": []}, "Empty arrays"),
        ({"detail": {}}, "must be an object or an array"),
        ({"$or": ["x"]}, "is not an object"),
        ({"source": [{}]}, "with one key"),
        ({"source": [["a"]]}, "with one key"),
        ({"source": [{"like": "a"}]}, "Unrecognized match type like"),
        ({"source": [{"prefix": 5}]}, "Value of prefix"),
        ({"source": [{"numeric": ["=", "x"]}]}, "Value of numeric"),
        ({"source": [{"numeric": ["about", 1]}]}, "Value of numeric"),
        ({"source": [{"exists": "yes"}]}, "Value of exists"),
        ({"source": [{"anything-but": {"near": "x"}}]}, "Value of anything-but"),
        ({"source": [{"cidr": "10.0.0.0/99"}]}, "Value of cidr"),
    ],
)
def test_refused(pattern: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check(pattern if pattern == "{" else json.dumps(pattern))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["$or", "a", "prefix", "suffix", "numeric", "anything-but", "wildcard", "cidr"]
            ),
            inner,
            max_size=2,
        )
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(_JSON, st.dictionaries(st.sampled_from(["a", "$or", "prefix"]), _JSON))
def test_what_is_taken_matches_any_event_or_none(pattern: Any, event: Any) -> None:
    try:
        check(json.dumps(pattern))
    except ValueError:
        return
    assert EventPattern("", pattern).matches_event(event) in (True, False)
