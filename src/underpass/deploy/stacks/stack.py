"""Stacks as they are: what CloudFormation says of one, waiting for it to settle, clearing leftovers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from underpass.deploy.clock import Clock, poll
from underpass.deploy.stacks.events import STACK_TYPE, StackEvent, Stream
from underpass.deploy.steps import Step
from underpass.errors import UnderpassError

TIMEOUT_S = 5400.0  # a Multi-AZ database alone may take half an hour in AWS
# What only its owner can go on from, and how. Updates of ours never end in the second.
_STUCK = {"UPDATE_ROLLBACK_FAILED": "continue-update-rollback", "UPDATE_FAILED": "rollback-stack"}

# Never came to be, or came to nothing: nothing in it can be updated.
_LEFTOVERS = frozenset(
    {"REVIEW_IN_PROGRESS", "CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"}
)


@dataclass(frozen=True)
class Description:
    """A stack, as ``DescribeStacks`` tells it."""

    name: str
    id: str
    status: str
    reason: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def busy(self) -> bool:
        """Whether an operation is under way; a stack under review waits for somebody, not for AWS."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    @property
    def unusable(self) -> bool:
        """Whether nothing in it can be updated: it is deleted and made anew."""
        return self.status in _LEFTOVERS


class StackFailedError(UnderpassError):
    """A stack operation failed; CloudFormation has rolled it back or is about to."""


def describe(cloudformation: Any, name_or_id: str) -> Description | None:
    """Return the stack, or None if there is none of that name."""
    try:
        found = cloudformation.describe_stacks(StackName=name_or_id)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return _description(found)


def tagged(cloudformation: Any, **tags: str) -> list[Description]:
    """Return the stacks that have all of these tags."""
    pages = cloudformation.get_paginator("describe_stacks").paginate()
    found = [_description(stack) for page in pages for stack in page["Stacks"]]
    return [stack for stack in found if tags.items() <= stack.tags.items()]


def _description(found: Any) -> Description:
    return Description(
        found["StackName"],
        found["StackId"],
        found["StackStatus"],
        found.get("StackStatusReason", ""),
        {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])},
        {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])},
        {one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", [])},
    )


def template(cloudformation: Any, name_or_id: str) -> Mapping[str, Any]:
    """Return the template a stack has; empty when it is not JSON, so not of our making."""
    body = cloudformation.get_template(StackName=name_or_id)["TemplateBody"]
    return body if isinstance(body, Mapping) else {}  # boto3 has parsed it


def deployed(cloudformation: Any, name: str, step: Step) -> Mapping[str, Any]:
    """Return the template of a stack that can be worked on, see ``settled``; empty when there is none."""
    return template(cloudformation, name) if settled(cloudformation, name, step) else {}


def resources(cloudformation: Any, name_or_id: str) -> dict[str, str]:
    """Return the physical id of each resource that exists, by logical id; none without the stack."""
    return {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for resource in listed(cloudformation, name_or_id)
    }


def parts(cloudformation: Any, name: str) -> dict[str, str]:
    """Return the physical ids of what serves the application ``name``: path, capacity and service."""
    return {
        logical: physical
        for part in ("path", "capacity", "service")
        for logical, physical in resources(cloudformation, f"{name}-{part}").items()
    }


def listed(cloudformation: Any, name_or_id: str) -> list[Any]:
    """Return the resources that exist, as ``DescribeStackResources`` tells them; none without the stack."""
    try:
        found = cloudformation.describe_stack_resources(StackName=name_or_id)["StackResources"]
    except ClientError as error:
        if "does not exist" in str(error):
            return []
        raise
    return [
        resource
        for resource in found
        if resource.get("PhysicalResourceId") and resource["ResourceStatus"] != "DELETE_COMPLETE"
    ]


def at_rest(cloudformation: Any, name: str, step: Step) -> Description | None:
    """Return the stack once nothing is under way any more."""
    found = describe(cloudformation, name)
    if found and found.busy:
        step.tell("progress", f"{name} is {found.status}: waiting for that to end")
        found = _at_rest(cloudformation, found, step.clock, what=f"stack {name}")
    return found


def settled(cloudformation: Any, name: str, step: Step) -> Description | None:
    """Return the stack once it can be worked on: nothing under way, no leftover of an earlier failure.

    Raises
    ------
    UnderpassError
        When it is in a state only its owner can resolve.
    """
    found = at_rest(cloudformation, name, step)
    if found and found.unusable:
        step.tell("progress", f"{name} is {found.status}: deleting it first")
        delete(cloudformation, found, step.clock)
        return None
    if found and found.status == "DELETE_COMPLETE":
        return None
    if found and found.status in _STUCK:
        raise UnderpassError(
            f"stack {name} is {found.status}",
            found.reason,
            f"run `aws cloudformation {_STUCK[found.status]} --stack-name {name}`; what cannot go back is "
            "named in the stack's events, and left as it is by --resources-to-skip",
        )
    return found


def delete(cloudformation: Any, stack: Description, clock: Clock) -> None:
    """Delete a stack and wait until it is gone.

    Raises
    ------
    StackFailedError
        When something of it cannot be deleted.
    """
    stream = Stream(cloudformation, stack.id)
    cloudformation.delete_stack(StackName=stack.id)
    after = _at_rest(cloudformation, stack, clock, what=f"deleting stack {stack.name}")
    if after.status != "DELETE_COMPLETE":
        raise failed(after, stream.new())


def follow(
    cloudformation: Any,
    stack_id: str,
    stream: Stream,
    step: Step,
    total: int,
    watch: Callable[[tuple[StackEvent, ...]], None],
) -> Description:
    """Tell a stack's events until its operation has ended, and return what has become of it.

    Parameters
    ----------
    stream
        Made before the operation began.
    total
        How many resources the operation changes.
    watch
        Called with each batch of events, empty ones too; what it raises ends the wait.

    Raises
    ------
    StackFailedError
        When it did not end as it should, with the reason of each resource that failed.
    """
    seen: list[StackEvent] = []
    done: set[str] = set()

    def look() -> str | None:
        events = stream.new()
        seen.extend(events)
        for event in events:
            if event.type != STACK_TYPE:
                done.update({event.logical_id} if event.status.endswith("_COMPLETE") else ())
                _tell(step, event, min(len(done), total), total)
        watch(events)
        last = [event.status for event in events if event.type == STACK_TYPE][-1:]
        return last[0] if last and not last[0].endswith("_IN_PROGRESS") else None

    poll(step.clock, look, timeout_s=TIMEOUT_S, what=f"stack {stack_id}")
    ended = describe(cloudformation, stack_id) or Description(stack_id, stack_id, "DELETE_COMPLETE")
    if ended.status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise failed(ended, seen)
    return ended


def failed(stack: Description, events: Iterable[StackEvent]) -> StackFailedError:
    """Return the error of an operation that ended badly."""
    reasons = [
        f"{event.logical_id} ({event.type}): {event.reason or event.status}"
        for event in events
        if event.failed
    ]
    return StackFailedError(
        f"stack {stack.name} failed: {stack.status}",
        "\n".join(reasons) or stack.reason,
        "change what is wrong and run the command again: it goes on from here",
    )


def _tell(step: Step, event: StackEvent, done: int, total: int) -> None:
    text = f"{event.logical_id} {event.status}"
    if event.failed:
        step.tell("warning", f"{text}: {event.reason}", done, total)
    else:
        step.tell("progress", text, done, total)


def _at_rest(cloudformation: Any, stack: Description, clock: Clock, what: str) -> Description:
    gone = Description(stack.name, stack.id, "DELETE_COMPLETE")

    def look() -> Description | None:
        now = describe(cloudformation, stack.id) or gone
        return None if now.busy else now

    return poll(clock, look, timeout_s=TIMEOUT_S, what=what)
