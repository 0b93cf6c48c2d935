"""A stack's events: each given once, in order, however they are cut into pages."""

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.deploy.fakes import FakeCloudFormation

from underpass.deploy.stacks.events import StackEvent, Stream


@given(st.integers(0, 10), st.lists(st.integers(0, 9), max_size=6))
def test_each_event_is_given_once_and_in_order(before: int, batches: list[int]) -> None:
    cloudformation = FakeCloudFormation()
    stack = cloudformation.has("notes", "CREATE_COMPLETE")

    def happen(count: int) -> list[str]:
        for _ in range(count):
            cloudformation._event(stack, "Vpc", "AWS::EC2::VPC", "CREATE_COMPLETE", "")
        return [event["EventId"] for event in stack.events[len(stack.events) - count :]]

    happen(before)
    stream = Stream(cloudformation, stack.id)
    for count in batches:
        expected = happen(count)
        assert [event.id for event in stream.new()] == expected


def test_a_resource_that_was_cancelled_is_no_reason() -> None:
    failed = StackEvent("1", "Db", "", "AWS::RDS::DBInstance", "CREATE_FAILED", "no capacity")
    cancelled = StackEvent("2", "Nat", "", "AWS::EC2::NatGateway", "CREATE_FAILED",
                           "Resource creation cancelled")  # fmt: skip
    stack = StackEvent(
        "3", "notes", "", "AWS::CloudFormation::Stack", "UPDATE_FAILED", "failed: Db"
    )
    assert [event.failed for event in (failed, cancelled, stack)] == [True, False, False]
