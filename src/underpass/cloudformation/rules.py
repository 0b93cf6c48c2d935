"""A template's rules: what must hold of its parameters before anything is made.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from underpass.cloudformation.errors import TemplateError
from underpass.cloudformation.intrinsics import Scope, resolve, text


def check(rules: Mapping[str, Any], scope: Scope) -> None:
    """Refuse parameters that a rule forbids.

    Raises
    ------
    TemplateError
        Naming every assertion that fails, or the first rule that is malformed or needs a function that
        is not here (``Fn::RefAll``, ``Fn::ValueOf`` and ``Fn::ValueOfAll`` read the whole region).
    """
    broken = [why for name, rule in rules.items() for why in _broken(name, rule, scope)]
    if broken:
        raise TemplateError(f"Template validation error: {'; '.join(broken)}")


def _broken(name: str, rule: Any, scope: Scope) -> Iterator[str]:
    if not isinstance(rule, Mapping) or not isinstance(rule.get("Assertions"), list):
        raise TemplateError(f"Template format error: rule {name} must have a list of Assertions")
    if set(rule) - {"Assertions", "RuleCondition"}:
        raise TemplateError(f"Template format error: rule {name} has unsupported properties")
    if "RuleCondition" in rule and not _holds(name, rule["RuleCondition"], scope):
        return
    for assertion in rule["Assertions"]:
        if not isinstance(assertion, Mapping) or "Assert" not in assertion:
            raise TemplateError(
                f"Template format error: rule {name} has an assertion without Assert"
            )
        if not _holds(name, assertion["Assert"], scope):
            yield str(assertion.get("AssertDescription") or f"rule {name} does not hold")


def _holds(rule: str, expression: Any, scope: Scope) -> bool:
    single = isinstance(expression, Mapping) and len(expression) == 1
    function, argument = next(iter(expression.items())) if single else ("", None)
    items = argument if isinstance(argument, list) else []
    match function, len(items):
        case "Fn::Not", 1:
            return not _holds(rule, items[0], scope)
        case "Fn::And", count if count >= 2:
            return all(_holds(rule, item, scope) for item in items)
        case "Fn::Or", count if count >= 2:
            return any(_holds(rule, item, scope) for item in items)
        case (("Fn::Equals" | "Fn::Contains" | "Fn::EachMemberEquals" | "Fn::EachMemberIn"), 2):
            return _compares(function, *(_texts(resolve(item, scope)) for item in items))
    raise TemplateError(
        f"Template format error: rule {rule}: {function or expression!r} is not supported, or not with "
        "these arguments; it may be Fn::And, Fn::Or, Fn::Not, Fn::Equals, Fn::Contains, "
        "Fn::EachMemberEquals or Fn::EachMemberIn"
    )


def _compares(function: str, left: Any, right: Any) -> bool:
    if function == "Fn::Equals":
        return bool(left == right)
    if function == "Fn::Contains":
        return right in left
    return all(one in right if function == "Fn::EachMemberIn" else one == right for one in left)


def _texts(value: Any) -> Any:
    return [text(item) for item in value] if isinstance(value, list) else text(value)
