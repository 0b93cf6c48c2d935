from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from underpass.twin.region.state_names import folder_name, state_name


def test_stack_and_logical_id_outlast_the_identifier() -> None:
    tags = [
        {"Key": "aws:cloudformation:stack-name", "Value": "notes-foundation"},
        {"Key": "aws:cloudformation:logical-id", "Value": "Files"},
        {"Key": "Name", "Value": "x"},
    ]
    assert state_name(tags, "fs-1") == state_name(tags, "fs-2") == "notes-foundation-Files"
    assert state_name(tags[1:], "fs-1") == "fs-1"


@given(st.text(), st.text())
def test_any_text_names_one_folder_of_its_own(one: str, other: str) -> None:
    names = [folder_name(one), folder_name(other)]
    for name in names:
        assert name
        assert not {"/", "\0"} & set(name)
        assert name not in {".", ".."}
        assert len(name.encode()) <= 255
    assert (names[0] == names[1]) == (one == other)
