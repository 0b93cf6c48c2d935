from typing import Any

import pytest

from underpass.cloudformation.errors import TemplateError
from underpass.cloudformation.parameters import Parameter, Value, values

STORE = {"/ami": "ami-1", "/zones": "a, b"}


def value(given: str | None = None, **fields: Any) -> Value:
    parameter = Parameter("P", **fields)
    return values({"P": parameter}, {} if given is None else {"P": given}, STORE.__getitem__)["P"]


def test_scalars_stay_text_and_lists_are_split() -> None:
    assert value("7", type="Number").resolved == "7"
    assert value("a, b ,c", type="CommaDelimitedList").resolved == ["a", "b", "c"]
    assert value("1,2", type="List<Number>").resolved == ["1", "2"]
    assert value("", type="List<AWS::EC2::Subnet::Id>").resolved == []


def test_stored_parameters_are_looked_up() -> None:
    stored = value(default="/ami", type="AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>")
    assert (stored.given, stored.resolved) == ("/ami", "ami-1")
    assert value("/zones", type="AWS::SSM::Parameter::Value<List<String>>").resolved == ["a", "b"]


def test_a_given_value_wins_over_the_default_even_when_empty() -> None:
    assert value("", default="x").resolved == ""
    assert value(default="x").resolved == "x"
    assert value(default="").resolved == ""


def test_no_echo_is_not_shown() -> None:
    assert value("secret", no_echo=True).shown() == "****"


@pytest.mark.parametrize(
    ("given", "fields", "message"),
    [
        ("x", {"type": "Number"}, "Parameter 'P' must be a number"),
        ("1,x", {"type": "List<Number>"}, "Parameter 'P' must be a number"),
        ("1", {"type": "Number", "min_value": 2}, "must be a number not less than 2"),
        ("3", {"type": "Number", "max_value": 2}, "must be a number not greater than 2"),
        ("c", {"allowed_values": ("a", "b")}, "must be one of AllowedValues: [a, b]"),
        (
            "a,c",
            {"type": "CommaDelimitedList", "allowed_values": ("a",)},
            "must be one of AllowedValues",
        ),
        ("ab1", {"allowed_pattern": "[a-z]+"}, "must match pattern [a-z]+"),
        ("a", {"min_length": 2}, "must contain at least 2 characters"),
        ("abc", {"max_length": 2}, "must contain at most 2 characters"),
        (
            "abc",
            {"max_length": 2, "constraint_description": "short"},
            "failed to satisfy constraint: short",
        ),
    ],
)
def test_constraints(given: str, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(TemplateError, match="Parameter 'P'") as refused:
        value(given, **fields)
    assert message in str(refused.value)


def test_all_missing_and_all_unknown_are_named_at_once() -> None:
    declared = {"A": Parameter("A"), "B": Parameter("B")}
    with pytest.raises(TemplateError, match=r"Parameters: \[A, B\] must have values"):
        values(declared, {}, str)
    with pytest.raises(TemplateError, match=r"Parameters: \[X, Y\] do not exist in the template"):
        values(declared, {"X": "", "Y": "", "A": ""}, str)
