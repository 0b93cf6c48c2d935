"""The two forms of a template: the one that is read, and the one that is deployed."""

import json

from hypothesis import given
from hypothesis import strategies as st
from troposphere import Template
from troposphere.serverless import SERVERLESS_TRANSFORM, Globals

from underpass.blueprint import Stack

RESOURCES = {"A": {"Type": "T", "Properties": {"P": ["x y", 1]}}, "B": {"Type": "T"}}
TEMPLATE = {"Description": "caf\u00e9 \x7f \U0001f511", "Parameters": {}, "Resources": RESOURCES}


def test_what_is_deployed_has_a_line_for_each_resource_and_no_other_blank() -> None:
    assert Stack("notes-service", TEMPLATE).body() == (
        "{\n"
        '"Description":"caf\\u00e9 \\u007f \U0001f511",\n'
        '"Parameters":{},\n'
        '"Resources":{\n'
        '"A":{"Type":"T","Properties":{"P":["x y",1]}},\n'
        '"B":{"Type":"T"}\n'
        "}\n"
        "}\n"
    )


def test_another_resource_is_another_line() -> None:
    more = TEMPLATE | {"Resources": {"A2": {"Type": "T"}, **RESOURCES}}
    before, after = (Stack("x", one).body().splitlines() for one in (TEMPLATE, more))
    assert [line for line in after if line not in before] == ['"A2":{"Type":"T"},']
    assert len(after) == len(before) + 1


_VALUES = st.recursive(
    st.text(max_size=5) | st.integers() | st.booleans(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=3), _VALUES, max_size=4))
def test_both_forms_say_the_same(template: dict[str, object]) -> None:
    stack = Stack("x", template)
    assert json.loads(stack.body()) == json.loads(stack.text()) == template


def test_the_template_library_writes_yaml_to_whoever_asks() -> None:
    assert Template(Description="notes").to_yaml().startswith("Description: notes\n")


def test_the_template_library_takes_sams_globals_from_whoever_has_them() -> None:
    template = Template()
    template.set_transform(SERVERLESS_TRANSFORM)
    template.set_globals(Globals())
    assert template.to_dict()["Globals"] == {}
