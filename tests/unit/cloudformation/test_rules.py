from typing import Any

import pytest

from underpass.cloudformation import rules
from underpass.cloudformation.errors import TemplateError
from underpass.cloudformation.parameters import Value
from underpass.cloudformation.scope import TemplateScope
from underpass.cloudformation.template import Template


def check(*assertions: Any, condition: Any = None, **given: str | list[str]) -> None:
    values = {
        name: Value(value if isinstance(value, str) else ",".join(value), value)
        for name, value in given.items()
    }
    scope = TemplateScope(Template({}), values, {}, lambda _: [], lambda _: "")
    rule: dict[str, Any] = {"Assertions": [{"Assert": one} for one in assertions]}
    rules.check({"R": rule | ({"RuleCondition": condition} if condition else {})}, scope)


IN = {"Fn::Contains": [["1", "2"], {"Ref": "P"}]}
ALL_IN = {"Fn::EachMemberIn": [{"Ref": "P"}, ["a", "b"]]}
ALL_A = {"Fn::EachMemberEquals": [{"Ref": "P"}, "a"]}
PROD = {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}


def test_what_rules_allow() -> None:
    check({"Fn::Not": [IN]}, P="33")
    check({"Fn::Or": [IN, {"Fn::Equals": [{"Ref": "P"}, "33"]}]}, P="33")
    check({"Fn::And": [ALL_IN, ALL_A]}, P=["a", "a"])
    check(IN, condition=PROD, P="33", Stage="test")


@pytest.mark.parametrize(
    ("assertion", "given"),
    [
        (IN, "33"),
        ({"Fn::Not": [IN]}, "2"),
        ({"Fn::And": [IN, PROD]}, "1"),
        (ALL_IN, ["a", "c"]),
        (ALL_A, ["a", "b"]),
    ],
)
def test_what_rules_forbid(assertion: Any, given: Any) -> None:
    with pytest.raises(TemplateError, match="rule R does not hold"):
        check(assertion, condition={"Fn::Not": [PROD]}, P=given, Stage="test")


@pytest.mark.parametrize(
    "assertion", [{"Fn::RefAll": "AWS::EC2::VPC::Id"}, {"Fn::Not": []}, "x", {"Fn::Equals": ["a"]}]
)
def test_what_is_not_understood_is_refused_by_name(assertion: Any) -> None:
    with pytest.raises(TemplateError, match=r"rule R: .* is not supported"):
        check(assertion)


@pytest.mark.parametrize("rule", [{}, {"Assertions": [{}]}, {"Assertions": [], "Other": 1}, "x"])
def test_a_malformed_rule_is_refused(rule: Any) -> None:
    scope = TemplateScope(Template({}), {}, {}, lambda _: [], lambda _: "")
    with pytest.raises(TemplateError, match="rule R"):
        rules.check({"R": rule}, scope)
