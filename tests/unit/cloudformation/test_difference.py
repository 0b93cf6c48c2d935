from collections.abc import Mapping
from typing import Any

import pytest

from underpass.cloudformation.difference import (
    Change,
    Existing,
    PropertyChange,
    difference,
    reference,
)
from underpass.cloudformation.errors import TemplateError

RECREATING = frozenset({"Name", "VpcId"})


def between(before: dict[str, Any], after: dict[str, Any]) -> tuple[Change, ...]:
    """``after`` in order; a property may be a function of the changes found so far."""

    def resolve(name: str, changes: Mapping[str, Change]) -> Existing:
        made = {
            key: value(changes) if callable(value) else value for key, value in after[name].items()
        }
        return Existing("T", made)

    existing = {name: Existing("T", properties) for name, properties in before.items()}
    return difference(existing, after, resolve, lambda _: RECREATING)


def test_nothing_changes() -> None:
    assert between({"A": {"Size": 1}}, {"A": {"Size": 1}}) == ()


def test_add_modify_remove() -> None:
    assert between({"A": {"Size": 1}, "Old": {}}, {"A": {"Size": 2, "Extra": 0}, "New": {}}) == (
        Change(
            "Modify",
            "A",
            "T",
            "False",
            ("Properties",),
            (
                PropertyChange("Extra", None, 0, recreates=False),
                PropertyChange("Size", 1, 2, recreates=False),
            ),
        ),
        Change("Add", "New", "T"),
        Change("Remove", "Old", "T"),
    )


def test_tags_are_a_scope_of_their_own() -> None:
    (change,) = between({"A": {"Tags": [1]}}, {"A": {"Tags": [2]}})
    assert (change.scope, change.replacement) == (("Tags",), "False")


def test_a_replaced_resource_may_replace_its_users_and_a_modified_one_does_not() -> None:
    before = {
        "Vpc": {"Name": "a"},
        "Subnet": {"VpcId": "vpc-1"},
        "Group": {"VpcId": "vpc-1", "Text": "vpc-1"},
    }

    def vpc(changes: Mapping[str, Change]) -> Any:
        return reference(changes.get("Vpc"), "vpc-1", "Vpc")

    after: dict[str, Any] = {
        "Vpc": {"Name": "b"},
        "Subnet": {"VpcId": vpc},
        "Group": {"VpcId": "vpc-1", "Text": vpc},
    }
    changes = {change.logical_id: change for change in between(before, after)}
    assert changes["Vpc"].replacement == "True"
    assert changes["Subnet"].replacement == "Conditional"
    assert changes["Subnet"].properties[0].causes == {"Vpc"}
    assert changes["Group"].replacement == "False"
    after["Vpc"] = {"Name": "a", "Size": 2}
    assert [change.logical_id for change in between(before, after)] == ["Vpc"]


def test_an_attribute_of_a_modified_resource_may_change() -> None:
    modified = Change("Modify", "A", "T", "False")
    assert reference(modified, "x", "A") == "x"
    assert str(reference(modified, "x", "A", "Arn")).startswith("{{changeSet")
    assert reference(None, "x", "A", "Arn") == "x"


def test_a_static_replacement_outweighs_a_conditional_one() -> None:
    (_, change) = between(
        {"A": {"Name": "x", "VpcId": "v"}},
        {"V": {}, "A": {"Name": "y", "VpcId": lambda changes: reference(changes["V"], "", "V")}},
    )
    assert change.replacement == "True"


def test_resource_attributes_beside_the_properties() -> None:
    before = {"A": Existing("T", {}, {"DeletionPolicy": "Delete", "Metadata": {}})}
    after = Existing("T", {}, {"DeletionPolicy": "Retain", "Metadata": {}})
    (change,) = difference(before, ["A"], lambda *_: after, lambda _: RECREATING)
    assert (change.scope, change.replacement) == (("DeletionPolicy",), "False")


def test_the_type_of_a_resource_cannot_change() -> None:
    with pytest.raises(
        TemplateError, match=r"Update of resource type is not permitted.*\[A\] \(T to U\)"
    ):
        difference(
            {"A": Existing("T", {})}, ["A"], lambda *_: Existing("U", {}), lambda _: RECREATING
        )
