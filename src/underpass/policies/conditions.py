"""Whether a condition holds: IAM's operators, on what a request is known to say.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

from __future__ import annotations

import ipaddress
import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from underpass.policies.document import Condition
from underpass.policies.logic import Truth, every, negated, some
from underpass.policies.patterns import like, like_arn
from underpass.policies.request import Context

_IF_EXISTS = "IfExists"
Test = Callable[[str, str, Context, str], Truth]
"""(value of the request, value of the policy, context, version of the policy)."""


def holds(condition: Condition, context: Context, version: str) -> Truth:
    """Return whether ``condition`` holds."""
    *sets, name = condition.operator.split(":")
    base = name.removesuffix(_IF_EXISTS)
    found = context.find(condition.key)
    if base == "Null" and not sets:
        return _null(condition, found)
    operation = _OPERATORS.get(base)
    if operation is None or found is None or sets not in ([], ["ForAllValues"], ["ForAnyValue"]):
        return None
    test, positive = operation
    if not found and name != base:
        return True

    def passes(value: str) -> Truth:
        matched = some(test(value, one, context, version) for one in condition.values)
        return matched if positive else negated(matched)

    if sets:
        return (every if sets == ["ForAllValues"] else some)(passes(one) for one in found)
    if not found:
        return not positive
    return passes(found[0]) if len(found) == 1 else None  # AWS does not say what several are


def _null(condition: Condition, found: tuple[str, ...] | None) -> Truth:
    if found is None:
        return None
    return any((one.lower() == "true") == (not found) for one in condition.values)


def _equal(value: str, wanted: str, context: Context, version: str) -> Truth:
    return like(wanted, value, context, version, wild=False)


def _equal_ignoring_case(value: str, wanted: str, context: Context, version: str) -> Truth:
    lower = Context(
        {key: tuple(one.lower() for one in values) for key, values in context.values.items()},
        context.absent,
    )
    return like(wanted.lower(), value.lower(), lower, version, wild=False)


def _alike(value: str, wanted: str, context: Context, version: str) -> Truth:
    return like(wanted, value, context, version)


def _same_arn(value: str, wanted: str, context: Context, version: str) -> Truth:
    return like_arn(wanted, value, context, version)


def _same_truth(value: str, wanted: str, _context: Context, _version: str) -> Truth:
    return value.lower() == wanted.lower()


def _same_bytes(value: str, wanted: str, _context: Context, _version: str) -> Truth:
    return value == wanted


def _within(value: str, wanted: str, _context: Context, _version: str) -> Truth:
    try:
        address = ipaddress.ip_address(value)
        return address in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


def _number(compare: Callable[[float, float], bool]) -> Test:
    def test(value: str, wanted: str, _context: Context, _version: str) -> Truth:
        try:
            return compare(float(value), float(wanted))
        except ValueError:
            return False

    return test


def _date(compare: Callable[[datetime, datetime], bool]) -> Test:
    def test(value: str, wanted: str, _context: Context, _version: str) -> Truth:
        try:
            return compare(_moment(value), _moment(wanted))
        except (ValueError, OverflowError, OSError):
            return False

    return test


def _moment(text: str) -> datetime:
    """Read a date: ISO 8601, or seconds since 1970."""
    if text.replace(".", "", 1).isdigit():
        return datetime.fromtimestamp(float(text), UTC)
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


_ORDERS: Mapping[str, Callable[..., bool]] = {
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}
_OPERATORS: Mapping[str, tuple[Test, bool]] = {
    "StringEquals": (_equal, True),
    "StringNotEquals": (_equal, False),
    "StringEqualsIgnoreCase": (_equal_ignoring_case, True),
    "StringNotEqualsIgnoreCase": (_equal_ignoring_case, False),
    "StringLike": (_alike, True),
    "StringNotLike": (_alike, False),
    "ArnEquals": (_same_arn, True),
    "ArnLike": (_same_arn, True),
    "ArnNotEquals": (_same_arn, False),
    "ArnNotLike": (_same_arn, False),
    "Bool": (_same_truth, True),
    "BinaryEquals": (_same_bytes, True),
    "IpAddress": (_within, True),
    "NotIpAddress": (_within, False),
    "NumericEquals": (_number(operator.eq), True),
    "NumericNotEquals": (_number(operator.eq), False),
    "DateEquals": (_date(operator.eq), True),
    "DateNotEquals": (_date(operator.eq), False),
    **{f"Numeric{name}": (_number(order), True) for name, order in _ORDERS.items()},
    **{f"Date{name}": (_date(order), True) for name, order in _ORDERS.items()},
}
