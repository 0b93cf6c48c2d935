"""Whatever a template says, the only answer besides a result is a TemplateError."""

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from underpass.cloudformation.dynamic import check
from underpass.cloudformation.errors import TemplateError
from underpass.cloudformation.graph import dependencies
from underpass.cloudformation.intrinsics import resolve
from underpass.cloudformation.parameters import values
from underpass.cloudformation.scope import TemplateScope
from underpass.cloudformation.template import parse

WHOLE: dict[str, Any] = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Parameters": {
        "Size": {
            "Type": "Number",
            "Default": 3,
            "MinValue": 1,
            "MaxValue": 9,
            "AllowedValues": [3, 4],
        },
        "Name": {
            "Type": "String",
            "Default": "n",
            "AllowedPattern": "[a-z]*",
            "MinLength": 1,
            "NoEcho": True,
        },
        "Zones": {"Type": "List<String>", "Default": "a,b"},
    },
    "Mappings": {"M": {"top": {"second": "x"}}},
    "Conditions": {
        "Big": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Size"}, "3"]}]},
        "Also": {"Condition": "Big"},
    },
    "Resources": {
        "A": {
            "Type": "X::Y::Z",
            "Condition": "Also",
            "DependsOn": ["B"],
            "Metadata": {},
            "DeletionPolicy": "Retain",
            "Properties": {"J": {"Fn::Join": ["-", ["a", {"Ref": "Name"}]]}},
        },
        "B": {
            "Type": "X::Y::Z",
            "Properties": {
                "S": {"Fn::Sub": ["${V}-${C.Arn}", {"V": {"Fn::Select": [0, {"Ref": "Zones"}]}}]},
                "I": {
                    "Fn::If": ["Big", {"Fn::GetAZs": ""}, {"Fn::FindInMap": ["M", "top", "second"]}]
                },
                "C": {"Fn::Cidr": ["10.0.0.0/16", 4, 8]},
                "T": [{"Fn::Split": [",", "a,b"]}, {"Fn::Base64": "x"}, {"Fn::ImportValue": "e"}],
                "D": "{{resolve:ssm:x:1}}",
            },
        },
        "C": {"Type": "X::Y::Z", "Properties": {"G": {"Ref": "AWS::NoValue"}}},
    },
    "Outputs": {
        "O": {"Value": {"Fn::GetAtt": ["C", "Arn"]}, "Export": {"Name": "o"}, "Condition": "Big"}
    },
}

junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 300)
    | st.sampled_from(["", "A", "${", "a.b", "[", "10.0.0.0/8"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Ref", "Fn::Sub", "Fn::If", "Fn::GetAtt", "Condition", "x"]),
            inner,
            max_size=2,
        )
    ),
    max_leaves=4,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [path] * bool(path) + [
        place for key, item in items for place in places(item, (*path, key))
    ]


PLACES = places(WHOLE)


@settings(max_examples=250)
@given(where=st.sampled_from(PLACES), what=junk)
def test_any_value_anywhere_is_used_or_refused(where: tuple[Any, ...], what: Any) -> None:
    document = copy.deepcopy(WHOLE)
    holder = document
    for key in where[:-1]:
        holder = holder[key]
    holder[where[-1]] = what
    try:
        template = parse(json.dumps(document))
        scope = TemplateScope(
            template=template,
            parameters=values(template.parameters, {}, str),
            pseudo={"AWS::Region": "r"},
            zones_of=lambda _: ["r-a"],
            exported=str,
        ).with_conditions()
        for name in dependencies(template, scope.conditions):
            check(resolve(template.resources[name].properties, scope))
        resolve([output.value for output in template.outputs.values()], scope)
    except TemplateError:
        pass
