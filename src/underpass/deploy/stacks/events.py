"""A stack's events as they happen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

STACK_TYPE = "AWS::CloudFormation::Stack"


@dataclass(frozen=True)
class StackEvent:
    """One event of a stack or of one of its resources."""

    id: str
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str = ""

    @property
    def failed(self) -> bool:
        """Whether it tells why the stack fails: not that a resource stopped because another failed."""
        return (
            self.status.endswith("_FAILED")
            and self.type != STACK_TYPE
            and "cancelled" not in self.reason.lower()
        )


class Stream:
    """Gives the events of one stack that were not given before; starts with those after its making."""

    def __init__(self, cloudformation: Any, stack_id: str) -> None:
        self._cloudformation = cloudformation
        self._stack_id = stack_id
        self._last = ""
        newest = self._page(None)["StackEvents"][:1]
        self._last = newest[0]["EventId"] if newest else ""

    def new(self) -> tuple[StackEvent, ...]:
        """Return what happened since the last call, the oldest first."""
        found: list[dict[str, Any]] = []
        token = None
        while True:
            page = self._page(token)
            for event in page["StackEvents"]:
                if event["EventId"] == self._last:
                    return self._given(found)
                found.append(event)
            token = page.get("NextToken")
            if not token:
                return self._given(found)

    def _page(self, token: str | None) -> Any:
        more = {"NextToken": token} if token else {}
        return self._cloudformation.describe_stack_events(StackName=self._stack_id, **more)

    def _given(self, newest_first: list[dict[str, Any]]) -> tuple[StackEvent, ...]:
        if newest_first:
            self._last = newest_first[0]["EventId"]
        return tuple(
            StackEvent(
                event["EventId"],
                event["LogicalResourceId"],
                event.get("PhysicalResourceId", ""),
                event["ResourceType"],
                event["ResourceStatus"],
                event.get("ResourceStatusReason", ""),
            )
            for event in reversed(newest_first)
        )
