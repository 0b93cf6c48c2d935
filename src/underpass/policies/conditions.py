"""Whether a statement's conditions hold: IAM's operators, and what they make of absent keys.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from operator import eq, ge, gt, le, lt

from underpass.policies.document import Condition
from underpass.policies.kleene import Truth, no, some
from underpass.policies.patterns import Missing, arn_like, like, plain, resolve
from underpass.policies.request import Context

IF_EXISTS = "IfExists"
ALL, ANY = "ForAllValues:", "ForAnyValue:"


@dataclass(frozen=True)
class _Operator:
    """How values of request and policy are compared; ``negated`` ones hold where none matches."""

    matches: Callable[[str, str], bool]
    negated: bool = False
    variables: bool = False


def holds(condition: Condition, context: Context, *, variables: bool) -> Truth:
    """Return whether a condition holds; of an operator that does not exist it cannot be told."""
    quantifier = next((one for one in (ALL, ANY) if condition.operator.startswith(one)), "")
    name = condition.operator.removeprefix(quantifier)
    values = context.find(condition.key)
    if name == "Null" and not quantifier:
        return _is_null(values, condition.values)
    operator = _OPERATORS.get(name.removesuffix(IF_EXISTS))
    if operator is None or values is None:
        return None
    if quantifier and not any(values):  # an empty string is an empty set
        values = ()
    if not values:
        return _of_absent(operator, quantifier, if_exists=name.endswith(IF_EXISTS))
    return _of_values(operator, quantifier, values, _Wanted(condition.values, context, variables))


def _is_null(values: tuple[str, ...] | None, wanted: tuple[str, ...]) -> Truth:
    if values is None or not {one.lower() for one in wanted} <= {"true", "false"}:
        return None
    return any((one.lower() == "true") is not bool(values) for one in wanted)


def _of_absent(operator: _Operator, quantifier: str, *, if_exists: bool) -> bool:
    if if_exists or quantifier == ALL:
        return True
    return operator.negated and quantifier != ANY


@dataclass(frozen=True)
class _Wanted:
    """The values of the policy, and what their variables are to be read from."""

    values: tuple[str, ...]
    context: Context
    variables: bool


def _of_values(
    operator: _Operator, quantifier: str, values: tuple[str, ...], wanted: _Wanted
) -> Truth:
    results = [_matches(operator, value, wanted) for value in values]
    if quantifier == ALL:
        return no(some(no(one) for one in results))
    if quantifier == ANY:
        return some(results)
    # What AWS makes of many values without a set operator is not documented.
    return results[0] if len(results) == 1 else None


def _matches(operator: _Operator, value: str, wanted: _Wanted) -> Truth:
    """Return whether a value of the request matches one of the policy, or none where that is asked.

    "If AWS cannot resolve a variable, this might cause the entire statement to be invalid": then it holds for
    nobody, or the one value matches nothing.
    """
    tests: list[Truth] = []
    unresolved = False
    for one in wanted.values:
        pattern: str | Missing = one
        if "${" in one and wanted.variables:
            pattern = resolve(one, wanted.context) if operator.variables else Missing.UNKNOWN
        if pattern is Missing.ABSENT:
            unresolved = True
        else:
            tests.append(_test(operator, value, pattern))
    matched = some(tests)
    if unresolved and (operator.negated or matched):
        return None
    return no(matched) if operator.negated else matched


def _test(operator: _Operator, value: str, pattern: str | Missing) -> Truth:
    if isinstance(pattern, Missing):
        return None
    try:
        return operator.matches(value, pattern)
    except (ValueError, InvalidOperation, OverflowError):  # no number, date, address
        return None


def _equal(value: str, wanted: str) -> bool:
    return value == plain(wanted)


def _equal_ignoring_case(value: str, wanted: str) -> bool:
    return value.lower() == plain(wanted).lower()


def _bool(value: str, wanted: str) -> bool:
    truths = {"true": True, "false": False}
    try:
        return truths[value.lower()] is truths[wanted.lower()]
    except KeyError:
        raise ValueError(wanted) from None


def _binary(value: str, wanted: str) -> bool:
    return base64.b64decode(value, validate=True) == base64.b64decode(wanted, validate=True)


def _address(value: str, wanted: str) -> bool:
    return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)


def _number(compare: Callable[[Decimal, Decimal], bool]) -> Callable[[str, str], bool]:
    return lambda value, wanted: compare(Decimal(value), Decimal(wanted))


def _date(compare: Callable[[datetime, datetime], bool]) -> Callable[[str, str], bool]:
    return lambda value, wanted: compare(_moment(value), _moment(wanted))


def _moment(text: str) -> datetime:
    """Read a date of ISO 8601 or seconds since 1970; years alone are four digits."""
    if len(text) > len("2020") and text.replace(".", "", 1).isdigit():
        return datetime.fromtimestamp(float(text), UTC)
    whole = text + {len("2020"): "-01-01", len("2020-01"): "-01"}.get(len(text), "")
    moment = datetime.fromisoformat(whole)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_ORDERS: Mapping[str, Callable[..., bool]] = {
    "Equals": eq,
    "LessThan": lt,
    "LessThanEquals": le,
    "GreaterThan": gt,
    "GreaterThanEquals": ge,
}
_OPERATORS: Mapping[str, _Operator] = {
    "StringEquals": _Operator(_equal, variables=True),
    "StringNotEquals": _Operator(_equal, negated=True, variables=True),
    "StringEqualsIgnoreCase": _Operator(_equal_ignoring_case, variables=True),
    "StringNotEqualsIgnoreCase": _Operator(_equal_ignoring_case, negated=True, variables=True),
    "StringLike": _Operator(like, variables=True),
    "StringNotLike": _Operator(like, negated=True, variables=True),
    "ArnEquals": _Operator(arn_like, variables=True),
    "ArnNotEquals": _Operator(arn_like, negated=True, variables=True),
    "ArnLike": _Operator(arn_like, variables=True),
    "ArnNotLike": _Operator(arn_like, negated=True, variables=True),
    "Bool": _Operator(_bool),
    "BinaryEquals": _Operator(_binary),
    "IpAddress": _Operator(_address),
    "NotIpAddress": _Operator(_address, negated=True),
    "NumericNotEquals": _Operator(_number(eq), negated=True),
    "DateNotEquals": _Operator(_date(eq), negated=True),
    **{f"Numeric{name}": _Operator(_number(order)) for name, order in _ORDERS.items()},
    **{f"Date{name}": _Operator(_date(order)) for name, order in _ORDERS.items()},
}
