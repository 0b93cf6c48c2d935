import ipaddress
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underpass.cloudformation.errors import TemplateError
from underpass.cloudformation.intrinsics import NO_VALUE, Unknown, resolve, unknowns
from underpass.cloudformation.parameters import Value
from underpass.cloudformation.scope import TemplateScope
from underpass.cloudformation.template import from_document

DOCUMENT = {
    "Parameters": {name: {"Type": "String"} for name in ("Size", "Zones")},
    "Mappings": {"Sizes": {"big": {"Gib": 8, "Names": ["x", "y"]}}},
    "Conditions": {
        "Big": {"Fn::Equals": [{"Ref": "Size"}, "big"]},
        "Small": {"Fn::Not": [{"Condition": "Big"}]},
        "Both": {"Fn::And": [{"Condition": "Big"}, {"Condition": "Small"}]},
        "Either": {"Fn::Or": [{"Condition": "Big"}, {"Condition": "Small"}]},
    },
    "Resources": {"Db": {"Type": "X"}, "Vpc": {"Type": "X"}},
}


def scope(**known: Any) -> TemplateScope:
    def exported(name: str) -> str:
        if name != "net-VpcId":
            raise TemplateError(f"No export named {name} found.")
        return "vpc-1"

    return TemplateScope(
        template=from_document(DOCUMENT),
        parameters={"Size": Value("big", "big"), "Zones": Value("a,b", ["a", "b"])},
        pseudo={"AWS::Region": "us-east-1", "AWS::StackName": "net"},
        zones_of=lambda region: [f"{region}a", f"{region}b"],
        exported=exported,
        **known,
    ).with_conditions()


KNOWN = scope(
    resource=lambda name: f"id-{name}", attribute_of=lambda name, attribute: f"{name}/{attribute}"
)
PLANNED = scope()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Db"}, "id-Db"),
        ({"Ref": "AWS::Region"}, "us-east-1"),
        ({"Ref": "Zones"}, ["a", "b"]),
        ({"Ref": "AWS::NoValue"}, NO_VALUE),
        ({"Fn::GetAtt": ["Db", "Endpoint.Address"]}, "Db/Endpoint.Address"),
        ({"Fn::GetAtt": "Db.Endpoint.Address"}, "Db/Endpoint.Address"),
        ({"Fn::GetAtt": ["Db", {"Ref": "Size"}]}, "Db/big"),
        (
            {"Fn::Sub": "a ${Db} ${Db.Arn} ${!Db} $Db ${AWS::Region}"},
            "a id-Db Db/Arn ${Db} $Db us-east-1",
        ),
        ({"Fn::Sub": ["${V}/${Size}", {"V": {"Ref": "Vpc"}}]}, "id-Vpc/big"),
        (
            {"Fn::Join": ["-", ["a", 1, True, {"Ref": "AWS::NoValue"}, {"Ref": "Db"}]]},
            "a-1-true-id-Db",
        ),
        ({"Fn::Join": [",", {"Ref": "Zones"}]}, "a,b"),
        ({"Fn::Select": ["1", {"Ref": "Zones"}]}, "b"),
        ({"Fn::Select": [0, {"Fn::GetAZs": ""}]}, "us-east-1a"),
        ({"Fn::GetAZs": {"Ref": "AWS::Region"}}, ["us-east-1a", "us-east-1b"]),
        ({"Fn::Split": [":", "a:b:c"]}, ["a", "b", "c"]),
        ({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, ["10.0.0.0/24", "10.0.1.0/24"]),
        ({"Fn::Cidr": ["10.0.0.0/24", "3", "5"]}, ["10.0.0.0/27", "10.0.0.32/27", "10.0.0.64/27"]),
        ({"Fn::Cidr": ["2001:db8::/56", 1, 64]}, ["2001:db8::/64"]),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "Size"}, "Gib"]}, 8),
        ({"Fn::FindInMap": ["Sizes", "big", "Names"]}, ["x", "y"]),
        ({"Fn::ImportValue": {"Fn::Sub": "${AWS::StackName}-VpcId"}}, "vpc-1"),
        ({"Fn::Base64": {"Fn::Sub": "hi ${Size}"}}, "aGkgYmln"),
        ({"Fn::If": ["Big", "yes", {"Ref": "Nowhere"}]}, "yes"),
        ({"A": {"Fn::If": ["Small", 1, {"Ref": "AWS::NoValue"}]}, "B": 1}, {"B": 1}),
        ([1, {"Ref": "AWS::NoValue"}, None], [1, None]),
        ({"Condition": {"StringEquals": 1}}, {"Condition": {"StringEquals": 1}}),
    ],
)
def test_functions(value: Any, expected: Any) -> None:
    assert resolve(value, KNOWN) == expected


def test_conditions() -> None:
    assert KNOWN.conditions == {"Big": True, "Small": False, "Both": False, "Either": True}


@pytest.mark.parametrize(
    ("value", "sources"),
    [
        ({"Ref": "Vpc"}, {"Vpc"}),
        ({"Fn::Sub": "${Vpc.Arn}-${Db}"}, {"Vpc.Arn", "Db"}),
        ({"Fn::Join": ["", ["a", {"Ref": "Vpc"}]]}, {"Vpc"}),
        ({"Fn::Select": [0, {"Fn::Split": ["/", {"Ref": "Vpc"}]}]}, {"Vpc"}),
        ({"Fn::Cidr": [{"Fn::GetAtt": "Vpc.CidrBlock"}, 1, 8]}, {"Vpc.CidrBlock"}),
        ({"Fn::Base64": {"Ref": "Db"}}, {"Db"}),
        ({"Fn::Select": [1, [{"Ref": "Vpc"}, "known"]]}, set()),
        ({"K": [{"Ref": "Vpc"}]}, {"Vpc"}),
    ],
)
def test_what_depends_on_resources_to_come_is_unknown(value: Any, sources: set[str]) -> None:
    assert unknowns(resolve(value, PLANNED)) == sources


def test_an_unknown_says_so_where_it_is_shown() -> None:
    assert str(Unknown(frozenset({"Vpc"}))) == "{{changeSet:KNOWN_AFTER_APPLY}}"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"Ref": "Nowhere"}, "[Nowhere]"),
        ({"Ref": ["Db"]}, "single String"),
        ({"Fn::GetAtt": ["Nowhere", "Arn"]}, "undefined resource Nowhere"),
        ({"Fn::GetAtt": "Db"}, "two non-empty parameters"),
        ({"Fn::Sub": "${Nowhere}"}, "[Nowhere]"),
        ({"Fn::Sub": "${Zones}"}, "does not resolve to a string"),
        ({"Fn::Sub": ["x"]}, "Fn::Sub"),
        ({"Fn::Join": ["a"]}, "Fn::Join"),
        ({"Fn::Join": ["", [["a"]]]}, "list of strings"),
        ({"Fn::Select": [2, {"Ref": "Zones"}]}, "nonexistent value at index 2"),
        ({"Fn::Select": [-1, {"Ref": "Zones"}]}, "nonexistent value at index -1"),
        ({"Fn::Select": ["x", ["a"]]}, "integer index"),
        ({"Fn::Select": [0, "text"]}, "requires a list"),
        ({"Fn::Split": ["", "a"]}, "Fn::Split"),
        ({"Fn::Cidr": ["10.0.0.0/24", 9, 5]}, "does not hold 9 blocks of 5 bits"),
        ({"Fn::Cidr": ["10.0.0.0/24", 1, 9]}, "does not hold"),
        ({"Fn::Cidr": ["10.0.0.0/24", 257, 0]}, "does not hold"),
        ({"Fn::Cidr": ["10.0.0.0/24", 1]}, "Fn::Cidr"),
        ({"Fn::Cidr": ["nonsense", 1, 8]}, "Fn::Cidr"),
        (
            {"Fn::FindInMap": ["Sizes", "small", "Gib"]},
            "Unable to get mapping for Sizes::small::Gib",
        ),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "Db"}]}, "Fn::FindInMap"),
        ({"Fn::ImportValue": "other"}, "No export named other found."),
        ({"Fn::If": ["Huge", 1, 2]}, "Huge"),
        ({"Fn::If": ["Big", 1]}, "three elements"),
        ({"Fn::Base64": ["a"]}, "String-typed"),
        ({"Fn::Length": []}, "Fn::Length is not supported"),
    ],
)
def test_what_is_wrong_is_named(value: Any, message: str) -> None:
    with pytest.raises(TemplateError) as refused:
        resolve({"Property": value}, KNOWN)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        (
            {"A": {"Condition": "B"}, "B": {"Fn::Not": [{"Condition": "A"}]}},
            "conditions: [A, B, A]",
        ),
        ({"A": {"Condition": "C"}}, "Unresolved condition dependency C"),
        ({"A": {"Fn::And": [{"Fn::Equals": [1, 1]}]}}, "Fn::And"),
        ({"A": {"Ref": "Size"}}, "condition A"),
        ({"A": "yes"}, "condition A"),
        ({"A": {"Fn::Equals": [1]}}, "Fn::Equals"),
    ],
)
def test_conditions_that_make_no_sense(conditions: Any, message: str) -> None:
    from underpass.cloudformation.scope import evaluate

    with pytest.raises(TemplateError) as refused:
        evaluate(conditions, KNOWN)
    assert message in str(refused.value)


@given(prefix=st.integers(8, 24), bits=st.integers(0, 16), count=st.integers(1, 256))
def test_cidr_blocks_are_disjoint_and_inside(prefix: int, bits: int, count: int) -> None:
    block = ipaddress.ip_network(f"10.0.0.0/{prefix}")
    fits = 32 - bits >= prefix and count <= 1 << (32 - bits - prefix)
    try:
        made = [
            ipaddress.ip_network(item)
            for item in resolve({"Fn::Cidr": [str(block), count, bits]}, KNOWN)
        ]
    except TemplateError:
        assert not fits
        return
    assert fits
    assert len(made) == count
    assert all(item.prefixlen == 32 - bits and item.subnet_of(block) for item in made)  # type: ignore[arg-type]
    assert all(not left.overlaps(right) for left, right in pairwise(made))
