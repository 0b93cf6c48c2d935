"""Templates to stacks through change sets: made, waited for, executed, or dropped when empty.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from underpass.blueprint.stack import Stack
from underpass.deploy.clock import Clock, poll
from underpass.deploy.stacks import data_loss
from underpass.deploy.stacks import stack as existing
from underpass.deploy.stacks.changes import Change, described
from underpass.deploy.stacks.events import StackEvent, Stream
from underpass.deploy.stacks.stack import Description
from underpass.deploy.stacks.templates import Carry, in_request
from underpass.deploy.steps import Step
from underpass.errors import UnderpassError

_TIMEOUT_S = 600.0
_LOOKED_UP = "AWS::SSM::Parameter::Value<"
_NOTHING = object()  # for a parameter without a value, which CloudFormation refuses
_EMPTY = ("didn't contain changes", "no updates are to be performed")


@dataclass(frozen=True)
class ChangeSet:
    """A change set that can be executed, by its ARN: names are unique only within a stack."""

    arn: str
    stack_id: str
    changes: tuple[Change, ...]


class EmptyChangeSetError(UnderpassError):
    """The template and parameters are what the stack has already."""


class NotExecutableError(UnderpassError):
    """CloudFormation refuses the change set; the reason is its own."""


def deploy(
    cloudformation: Any,
    stack: Stack,
    parameters: Mapping[str, str],
    step: Step,
    watch: Callable[[tuple[StackEvent, ...]], None] = lambda _: None,
    tags: Mapping[str, str] | None = None,
    allowed: Collection[str] = (),
    carry: Carry = in_request,
) -> Description:
    """Bring a stack to what its template says, and return it with its outputs.

    Parameters
    ----------
    parameters
        What only a deployment knows; wins over what the stack brings. One that nobody gives keeps the
        value it has.
    watch
        See ``existing.follow``.
    tags
        Its tags besides those it brings; AWS puts all of them on its resources too.
    allowed
        Logical ids of resources that hold data and may be replaced or removed all the same.
    carry
        How its template gets to CloudFormation.

    Raises
    ------
    NotExecutableError
        When the template is refused; nothing was changed.
    DataLossError
        When it would take data away that is not ``allowed``; nothing was changed.
    MoveError
        When it would move the application to another VPC; nothing was changed.
    StackFailedError
        When a resource failed; CloudFormation rolls back.
    """
    before = existing.settled(cloudformation, stack.name, step)
    kept = before.parameters if before else {}
    declared = stack.template.get("Parameters", {})
    values: dict[str, str | None] = {
        **{name: None for name in declared if name in kept},
        **stack.parameters,
        **parameters,
    }
    try:
        change_set = create(cloudformation, stack, values, step.clock, tags or {}, before, carry)
    except EmptyChangeSetError:
        if before is None:
            raise
        step.outcome = "nothing to change"
        watch(())
        return before
    with _dropped_on_failure(cloudformation, change_set.arn):
        data_loss.check(stack.name, change_set.changes, allowed)
        stream = Stream(cloudformation, change_set.stack_id)
        cloudformation.execute_change_set(ChangeSetName=change_set.arn)
    total = len(change_set.changes)
    after = existing.follow(cloudformation, change_set.stack_id, stream, step, total, watch)
    step.outcome = f"{total} resource{'s' * (total != 1)} {'changed' if before else 'created'}"
    return after


def preview(
    cloudformation: Any,
    stack: Stack,
    parameters: Mapping[str, str | None],
    clock: Clock,
    tags: Mapping[str, str],
    there: Description,
    carry: Carry = in_request,
) -> tuple[Change, ...]:
    """Return what bringing the stack that is there to its template would do, and leave it as it is.

    Raises
    ------
    NotExecutableError
        When CloudFormation cannot say, with its reason.
    """
    try:
        made = create(cloudformation, stack, parameters, clock, tags, there, carry)
    except EmptyChangeSetError:
        return ()
    cloudformation.delete_change_set(ChangeSetName=made.arn)
    return made.changes


def create(
    cloudformation: Any,
    stack: Stack,
    parameters: Mapping[str, str | None],
    clock: Clock,
    tags: Mapping[str, str],
    there: Description | None,
    carry: Carry = in_request,
) -> ChangeSet:
    """Make a change set and return it once it can be executed; an unusable one is deleted.

    Parameters
    ----------
    parameters
        Their values; None for the one the stack has now.
    tags
        See ``deploy``.
    there
        The stack as it is, if it is.

    Raises
    ------
    EmptyChangeSetError
        When there is nothing to change.
    NotExecutableError
        When CloudFormation cannot make it.
    """
    tags = {**stack.tags, **tags}
    if there and _same(cloudformation, there, stack, parameters, tags):
        raise EmptyChangeSetError(f"there is nothing to change in {stack.name}")
    try:
        made = cloudformation.create_change_set(
            StackName=stack.name,
            ChangeSetName=f"underpass-{uuid.uuid4().hex[:16]}",
            ChangeSetType="UPDATE" if there else "CREATE",
            **carry(stack),
            Parameters=[_parameter(key, value) for key, value in parameters.items()],
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        raise NotExecutableError(
            f"CloudFormation refuses the template of {stack.name}",
            error.response["Error"]["Message"],
            "run `underpass check`",
        ) from error
    arn = made["Id"]

    def look() -> Any:
        now = cloudformation.describe_change_set(ChangeSetName=arn)
        return None if now["Status"] in ("CREATE_PENDING", "CREATE_IN_PROGRESS") else now

    with _dropped_on_failure(cloudformation, arn):
        found = poll(clock, look, timeout_s=_TIMEOUT_S, what=f"the change set of {stack.name}")
        if found["Status"] == "CREATE_COMPLETE" and found["ExecutionStatus"] == "AVAILABLE":
            return ChangeSet(arn, made["StackId"], _changes(cloudformation, arn, found))
    _drop(cloudformation, arn, made["StackId"], clock, with_stack=there is None)
    raise _unusable(stack.name, found)


def _same(
    cloudformation: Any,
    there: Description,
    stack: Stack,
    parameters: Mapping[str, str | None],
    tags: Mapping[str, str],
) -> bool:
    """Tell whether a stack was made of all this and nothing else; seconds sooner than a change set does.

    One with a parameter that AWS looks up anew each time is never the same.
    """
    declared = stack.template.get("Parameters", {})
    return (
        there.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
        and there.tags == tags
        and there.parameters.keys() == declared.keys() >= parameters.keys()
        and all(
            parameters.get(name, one.get("Default", _NOTHING)) in (None, there.parameters[name])
            and not one["Type"].startswith(_LOOKED_UP)
            for name, one in declared.items()
        )
        and existing.template(cloudformation, there.id) == stack.template
    )


@contextmanager
def _dropped_on_failure(cloudformation: Any, arn: str) -> Iterator[None]:
    """Delete a change set, as far as that can be done, when what it was made for fails or is stopped."""
    try:
        yield
    except BaseException:
        with suppress(BotoCoreError, ClientError):
            cloudformation.delete_change_set(ChangeSetName=arn)
        raise


def _changes(cloudformation: Any, arn: str, page: Any) -> tuple[Change, ...]:
    changes = list(page["Changes"])
    while token := page.get("NextToken"):
        page = cloudformation.describe_change_set(ChangeSetName=arn, NextToken=token)
        changes += page["Changes"]
    return described(changes)


def _parameter(key: str, value: str | None) -> dict[str, Any]:
    given = {"UsePreviousValue": True} if value is None else {"ParameterValue": value}
    return {"ParameterKey": key, **given}


def _drop(cloudformation: Any, arn: str, stack_id: str, clock: Clock, *, with_stack: bool) -> None:
    cloudformation.delete_change_set(ChangeSetName=arn)
    if with_stack:  # a change set that creates leaves an empty stack under review behind
        leftover = existing.describe(cloudformation, stack_id)
        if leftover and leftover.status == "REVIEW_IN_PROGRESS":
            existing.delete(cloudformation, leftover, clock)


def _unusable(name: str, found: Any) -> EmptyChangeSetError | NotExecutableError:
    reason = found.get("StatusReason", "")
    if any(phrase in reason.lower() for phrase in _EMPTY):
        return EmptyChangeSetError(f"there is nothing to change in {name}", reason)
    return NotExecutableError(
        f"CloudFormation cannot change {name}",
        reason or f"the change set is {found['Status']} and {found['ExecutionStatus']}",
        "change the configuration and run the command again",
    )
