"""Lines on their way to CloudWatch Logs: whole, in order, within its limits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from underpass.twin.services.logs.awslogs import (
    BATCH_BYTES,
    BATCH_EVENTS,
    BUFFERED_BYTES,
    EVENT_BYTES,
    Destination,
    Stream,
)

WHERE = Destination("group", "stream")


def stream() -> Stream:
    return Stream(-1, WHERE)


def messages(of: Stream) -> list[str]:
    found = []
    while events := of.batch():
        assert len(events) <= BATCH_EVENTS
        assert (
            sum(len(event["message"].encode()) + 26 for event in events)
            <= BATCH_BYTES + EVENT_BYTES
        )
        found += [event["message"] for event in events]
    return found


@given(
    st.lists(
        st.text(
            alphabet=st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), min_size=1
        )
    ),
    st.lists(st.integers(1, 50)),
)
def test_lines_arrive_whole_and_in_order_however_they_are_cut(
    lines: list[str], cuts: list[int]
) -> None:
    data, made = "".join(f"{line}\n" for line in lines).encode(), stream()
    for cut in cuts:
        made.feed(data[:cut], 1)
        data = data[cut:]
    made.feed(data, 2)
    made.end(3)
    assert messages(made) == lines


def test_what_came_without_a_newline_is_a_line_once_it_ends() -> None:
    made = stream()
    made.feed(b"half", 1)
    assert messages(made) == []
    made.end(2)
    assert messages(made) == ["half"]


def test_empty_lines_and_carriage_returns_are_left_out() -> None:
    made = stream()
    made.feed(b"\n\r\na\r\n\n", 1)
    assert messages(made) == ["a"]


def test_a_line_longer_than_an_event_is_cut() -> None:
    made = stream()
    made.feed(b"x" * (2 * EVENT_BYTES + 1), 1)
    made.feed(b"y\n", 1)
    assert [len(text) for text in messages(made)] == [EVENT_BYTES, EVENT_BYTES, 2]


def test_bytes_that_are_no_text_are_kept_as_well_as_can_be() -> None:
    made = stream()
    made.feed(b"caf\xc3\xa9 \xff\n", 1)
    assert messages(made) == ["café �"]


def test_too_much_loses_the_oldest_lines_and_says_how_many() -> None:
    made = stream()
    line = b"z" * 1023 + b"\n"
    for _ in range(BUFFERED_BYTES // 1023 + 10):
        made.feed(line, 1)
    first, *rest = messages(made)
    dropped = int(first.split()[0].strip("["))
    assert dropped >= 10
    assert len(rest) == BUFFERED_BYTES // 1023 + 10 - dropped


def test_without_a_destination_nothing_is_kept() -> None:
    made = Stream(-1, None)
    made.feed(b"x\n", 1)
    made.end(2)
    assert made.empty
