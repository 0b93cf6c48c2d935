"""Each operator, as "IAM JSON policy elements: Condition operators" and "set operators" describe it."""

from __future__ import annotations

import pytest

from underpass.policies.conditions import _OPERATORS, holds
from underpass.policies.document import Condition
from underpass.policies.request import Context

KEY = "aws:Thing"


def held(
    operator: str, wanted: str | tuple[str, ...], values: tuple[str, ...] | None
) -> bool | None:
    known = {} if values is None else {KEY: values}
    many = (wanted,) if isinstance(wanted, str) else wanted
    return holds(Condition(operator, KEY.lower(), many), Context(known), variables=True)


@pytest.mark.parametrize(
    ("operator", "wanted", "value", "expected"),
    [
        # As written: "Exact matching, case sensitive"
        ("StringEquals", "a*", "a*", True),
        ("StringEquals", "a*", "ab", False),
        ("StringEquals", "A", "a", False),
        ("StringNotEquals", "A", "a", True),
        # As written: "Exact matching, ignoring case"
        ("StringEqualsIgnoreCase", "A", "a", True),
        ("StringNotEqualsIgnoreCase", "A", "a", False),
        # As written: "multi-character match wildcards (*) and single-character match wildcards (?)"
        ("StringLike", "a?c*", "abcde", True),
        ("StringLike", "a?c", "ac", False),
        ("StringLike", "[a]", "a", False),
        ("StringNotLike", "a*", "abc", False),
        ("NumericEquals", "10", "10.0", True),
        ("NumericNotEquals", "10", "10", False),
        ("NumericLessThan", "10", "9", True),
        ("NumericLessThan", "10", "10", False),
        ("NumericLessThanEquals", "10", "10", True),
        ("NumericGreaterThan", "10", "10", False),
        ("NumericGreaterThan", "10", "11", True),
        ("NumericGreaterThanEquals", "10", "10", True),
        ("NumericEquals", "ten", "10", None),
        ("NumericLessThan", "10", "ten", None),
        ("NumericLessThan", "10", "NaN", None),
        ("NumericLessThan", "10", "-0.5", True),
        # As written: "one of the W3C implementations of the ISO 8601 date formats or in epoch (UNIX) time"
        ("DateGreaterThan", "2020-01-01T00:00:01Z", "2020-01-01T00:00:02Z", True),
        ("DateGreaterThanEquals", "2020", "2020-01-01T00:00:00Z", True),
        ("DateLessThan", "2020-02", "2020-01-31T23:59:59Z", True),
        ("DateLessThanEquals", "2020-01-01", "2020-01-02T00:00:00Z", False),
        ("DateEquals", "1577836800", "2020-01-01T00:00:00Z", True),
        ("DateNotEquals", "1577836800", "2020-01-01T00:00:00Z", False),
        ("DateEquals", "soon", "2020-01-01T00:00:00Z", None),
        ("DateGreaterThan", "1577836799", "1577836800", True),
        ("DateGreaterThan", "2019-12-31T23:59:59Z", "1577836800", True),
        ("DateGreaterThan", "1577836800", "2020-01-01T01:00:00+02:00", False),
        ("DateLessThan", "2009-06-30T12:00Z", "2009-06-30T11:59:59Z", True),
        ("Bool", "True", "true", True),
        ("Bool", "false", "true", False),
        ("Bool", "true", "yes", None),
        ("Bool", "1", "true", None),
        # As written: "byte for byte against a base-64 encoded representation"
        ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", True),
        ("BinaryEquals", "QmluYXJ5", "AAAA", False),
        ("BinaryEquals", "QmluYXJ5", "qmluyxj5", False),
        ("BinaryEquals", "QmluYXJ5", "not base64", None),
        # As written: "203.0.113.0/24 or 2001:DB8:1234:5678::/64"; "default prefix value of /32"
        ("IpAddress", "203.0.113.0/24", "203.0.113.9", True),
        ("IpAddress", "203.0.113.0/24", "203.0.114.9", False),
        ("IpAddress", "203.0.113.9", "203.0.113.9", True),
        ("IpAddress", "2001:DB8:1234:5678::/64", "2001:db8:1234:5678::1", True),
        ("IpAddress", "2001:DB8:1234:5678::/64", "203.0.113.9", False),
        ("IpAddress", "2001:db8::1", "2001:DB8:0::1", True),
        ("IpAddress", "2001:db8::1", "2001:db8::2", False),
        ("IpAddress", "::/0", "203.0.113.9", False),
        ("IpAddress", "203.0.113.0/24", "somewhere", None),
        ("NotIpAddress", "203.0.113.0/24", "203.0.113.9", False),
        ("NotIpAddress", "203.0.113.0/24", "2001:db8::1", True),
        # As written: "Each of the six colon-delimited components of the ARN is checked separately"
        ("ArnLike", "arn:aws:s:*:111122223333:f/*", "arn:aws:s:r:111122223333:f/d", True),
        ("ArnLike", "arn:aws:s:*:1:f/*", "arn:aws:s:r:9:store/abc:1:f/d", False),
        ("StringLike", "arn:aws:s:*:1:f/*", "arn:aws:s:r:9:store/abc:1:f/d", True),
        ("ArnEquals", "arn:aws:sns:*:1:*", "arn:aws:sns:r:1:t", True),
        ("ArnNotEquals", "arn:aws:sns:*:1:*", "arn:aws:sns:r:1:t", False),
        ("ArnNotLike", "arn:aws:sns:*:1:*", "arn:aws:sqs:r:1:t", True),
        ("ArnLike", "arn:aws:sns:r:1:T", "arn:aws:sns:r:1:t", False),
        (
            "ArnLike",
            "arn:aws:s:r:1:a:*",
            "arn:aws:s:r:1:a:b:c",
            True,
        ),  # after the fifth colon it is one part
        ("ArnLike", "arn:aws:*", "arn:aws:sns:r:1:t", False),
        ("StringLike", "arn:aws:*", "arn:aws:sns:r:1:t", True),
        ("ArnLike", "arn:aws:sns:r:1:t", "no ARN", False),
        ("StringResembles", "a", "a", None),
        ("Null", "true", "a", False),
        ("Null", "false", "a", True),
    ],
)
def test_an_operator(operator: str, wanted: str, value: str, expected: bool | None) -> None:
    assert held(operator, wanted, (value,)) is expected


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        # "is not present in the request context, the values do not match and the condition is false"
        ("StringEquals", False),
        ("ArnLike", False),
        ("Bool", False),
        ("IpAddress", False),
        # "the key is not matched, such as StringNotLike, and the right key is not present, … true"
        ("StringNotEquals", True),
        ("StringNotLike", True),
        ("ArnNotLike", True),
        ("NotIpAddress", True),
        # As written: "If the key is not present, evaluate the condition element as true"
        ("StringEqualsIfExists", True),
        ("StringNotEqualsIfExists", True),
        # ForAllValues "also returns true if there are no context keys in the request"
        ("ForAllValues:StringEquals", True),
        ("ForAllValues:StringNotEquals", True),
        ("ForAnyValue:StringEquals", False),
        ("ForAnyValue:StringNotEquals", False),
        ("ForAnyValue:StringEqualsIfExists", True),
    ],
)
def test_a_key_that_is_absent(operator: str, expected: bool) -> None:
    assert held(operator, "true", ()) is expected
    assert held(operator, "true", None) is None


@pytest.mark.parametrize("operator", sorted(_OPERATORS))
def test_every_operator_of_a_key_that_is_absent(operator: str) -> None:
    """ "If the key … is not present, … false", and true where the operator is a negated one."""
    negated = "Not" in operator
    assert held(operator, "1", ()) is negated
    assert held(f"{operator}IfExists", "1", ()) is True
    assert held(f"ForAllValues:{operator}", "1", ()) is True
    assert held(f"ForAnyValue:{operator}", "1", ()) is False
    for name in (operator, f"{operator}IfExists", f"ForAllValues:{operator}"):
        assert held(name, "1", None) is None


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        # The table of "Evaluation logic for condition set operators".
        ("ForAllValues:StringLike", ("PostDateTime", "UserName"), False),
        ("ForAllValues:StringLike", ("PostDateTime", "Tags"), True),
        ("ForAnyValue:StringEquals", ("UserName", "Message", "PostDateTime"), True),
        ("ForAnyValue:StringEquals", ("UserName",), False),
        ("ForAllValues:StringNotEquals", ("UserName", "Id"), True),
        ("ForAnyValue:StringNotEquals", ("Tags", "Id"), True),
        ("ForAnyValue:StringNotEquals", ("Tags",), False),
        # As written: "resolve to an empty data set (for example, an empty string)"
        ("ForAllValues:StringEquals", ("",), True),
        # "If a single negated matching operator includes multiple values, … a logical NOR"
        ("StringNotEquals", ("Tags",), False),
        ("StringNotEquals", ("Id",), True),
        # What many values mean without a set operator is not written anywhere.
        ("StringEquals", ("Tags", "Message"), None),
    ],
)
def test_sets(operator: str, values: tuple[str, ...], expected: bool | None) -> None:
    assert held(operator, ("PostDateTime", "Message", "Tags"), values) is expected


def test_null() -> None:
    assert held("Null", "true", ()) is True
    assert held("Null", "false", ()) is False
    assert held("Null", "true", None) is None


@pytest.mark.parametrize(
    ("wanted", "value", "expected"),
    [
        ("${aws:username}", "ann", True),
        ("${AWS:UserName}/*", "ann/x", True),
        ("${aws:star}", "b*", True),
        ("${aws:star}", "bcd", False),  # what a variable stands for is no wildcard
        ("a${*}", "a*", True),
        ("a${*}", "ab", False),
        ("a${?}", "a?", True),
        ("a${$}", "a$", True),
        ("${aws:none, 'anonymous'}", "anonymous", True),
        ("${aws:username, 'anonymous'}", "anonymous", False),
        ("${aws:none}", "x", False),
        ("${aws:unheard}", "x", None),
        ("${aws:two}", "x", None),  # "you cannot use multivalued keys as policy variables"
    ],
)
def test_variables(wanted: str, value: str, expected: bool | None) -> None:
    known = {KEY: (value,), "aws:username": ("ann",), "aws:star": ("b*",), "aws:two": ("x", "y")}
    context = Context(known, frozenset({"aws:none"}))
    assert holds(Condition("StringLike", KEY, (wanted,)), context, variables=True) is expected
    literal = holds(Condition("StringEquals", KEY, (wanted,)), context, variables=False)
    assert literal is (wanted == value)


def test_a_family_of_keys_may_be_absent() -> None:
    context = Context({"aws:RequestTag/A": ("1",)}, frozenset({"aws:RequestTag/*"}))
    assert context.find("AWS:requesttag/a") == ("1",)
    assert context.find("aws:RequestTag/b") == ()
    assert context.find("aws:PrincipalTag/b") is None
