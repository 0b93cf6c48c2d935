from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underpass.cloudformation.errors import TemplateError
from underpass.cloudformation.graph import dependencies, order, reverse
from underpass.cloudformation.template import from_document


def graph(
    resources: dict[str, Any], conditions: dict[str, bool] | None = None
) -> dict[str, set[str]]:
    document = {
        "Parameters": {"P": {"Type": "String"}},
        "Conditions": {name: {"Fn::Equals": [1, 1]} for name in conditions or {}},
        "Resources": {name: {"Type": "X::Y::Z"} | fields for name, fields in resources.items()},
    }
    found = dependencies(from_document(document), conditions or {})
    return {name: set(needs) for name, needs in found.items()}


def test_every_kind_of_reference_is_a_dependency() -> None:
    assert graph(
        {
            "A": {},
            "B": {},
            "C": {
                "Properties": {"X": {"Ref": "A"}, "P": {"Ref": "P"}, "R": {"Ref": "AWS::Region"}}
            },
            "D": {"Properties": {"X": [{"Y": {"Fn::GetAtt": ["A", "Arn"]}}]}},
            "E": {"Properties": {"X": {"Fn::Sub": "${A.Arn} ${!B} ${P} ${AWS::StackName}"}}},
            "F": {"Properties": {"X": {"Fn::Sub": ["${V} ${B}", {"V": {"Fn::GetAtt": "A.Arn"}}]}}},
            "G": {"DependsOn": ["A", "B"]},
            "H": {"Properties": {"X": {"Fn::Join": ["", ["a", {"Ref": "B"}]]}}},
        }
    ) == {
        "A": set(),
        "B": set(),
        "C": {"A"},
        "D": {"A"},
        "E": {"A"},
        "F": {"A", "B"},
        "G": {"A", "B"},
        "H": {"B"},
    }


def test_what_a_condition_leaves_out_is_no_dependency() -> None:
    resources = {
        "A": {"Condition": "Off"},
        "B": {
            "DependsOn": "A",
            "Properties": {"X": {"Fn::If": ["Off", {"Ref": "A"}, {"Ref": "C"}]}},
        },
        "C": {},
    }
    assert graph(resources, {"Off": False}) == {"B": {"C"}, "C": set()}
    assert graph(resources, {"Off": True}) == {"A": set(), "B": {"A"}, "C": set()}


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        (
            {"A": {"Properties": {"X": {"Ref": "Nowhere"}}}},
            "[Nowhere] in the Resources block of the template: A (X::Y::Z)",
        ),
        ({"A": {"Properties": {"X": {"Fn::Sub": "${Gone.Arn}"}}}}, "[Gone]"),
        ({"A": {"DependsOn": "Nowhere"}}, "[Nowhere]"),
        ({"A": {"Condition": "Off"}, "B": {"Properties": {"X": {"Ref": "A"}}}}, "[A]"),
        ({"A": {"Condition": "Unheard"}}, "Unresolved condition dependency Unheard"),
        ({"A": {"DependsOn": "A"}}, "Circular dependency between resources: [A]"),
    ],
)
def test_references_to_nothing_are_named(resources: dict[str, Any], message: str) -> None:
    with pytest.raises(TemplateError) as refused:
        graph(resources, {"Off": False})
    assert message in str(refused.value)


def test_a_cycle_is_named_in_its_order() -> None:
    with pytest.raises(TemplateError, match=r"Circular dependency between resources: \[B, C, D\]"):
        graph(
            {
                "A": {"DependsOn": "B"},
                "B": {"DependsOn": "C"},
                "C": {"DependsOn": "D"},
                "D": {"DependsOn": "B"},
            }
        )


graphs = st.integers(1, 12).flatmap(
    lambda size: st.lists(
        st.frozensets(st.integers(0, size - 1), max_size=4), min_size=size, max_size=size
    )
)


@given(graphs)
def test_order_puts_everything_after_what_it_needs_or_names_a_cycle(
    needs: list[frozenset[int]],
) -> None:
    nodes = {str(place): frozenset(map(str, targets)) for place, targets in enumerate(needs)}
    try:
        ordered = order(nodes)
    except TemplateError as error:
        cycle = str(error).partition("[")[2].rstrip("]").split(", ")
        assert all(
            after in nodes[before]
            for before, after in zip(cycle, [*cycle[1:], cycle[0]], strict=True)
        )
        return
    assert sorted(ordered) == sorted(nodes)
    assert all(
        ordered.index(target) < ordered.index(name) for name in nodes for target in nodes[name]
    )
    assert reverse(reverse(nodes)) == nodes
