"""The engine's values as boto3 shapes them, and pages of them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from underpass.cloudformation.difference import Change, PropertyChange
from underpass.cloudformation.intrinsics import text
from underpass.cloudformation.parameters import Value
from underpass.twin.services.cloudformation.model import (
    ChangeSet,
    Event,
    Output,
    Record,
    Stack,
    invalid,
)

T = TypeVar("T")
PAGE = 100
EVENTS = 20  # who follows a stack asks for them over and over, and wants the newest
Shape = dict[str, Any]


def page(
    items: Sequence[T], token: str | None, key: Callable[[T], str], size: int = PAGE
) -> tuple[Sequence[T], Shape]:
    """Return the items after ``token``, and the ``NextToken`` entry when more follow.

    The token names the last item seen, not a place in the list: what is added meanwhile shifts nothing.
    """
    start = 0
    if token:
        try:
            last = base64.urlsafe_b64decode(token.encode()).decode()
            start = next(logical for logical, item in enumerate(items) if key(item) == last) + 1
        except (ValueError, StopIteration):
            raise invalid("The specified NextToken is not valid.") from None
    chosen = items[start : start + size]
    if start + size >= len(items):
        return chosen, {}
    return chosen, {"NextToken": base64.urlsafe_b64encode(key(chosen[-1]).encode()).decode()}


def present(shape: Shape) -> Shape:
    """Return a shape without what has no value."""
    return {key: value for key, value in shape.items() if value not in (None, "")}


def pairs(tags: Mapping[str, str]) -> list[Shape]:
    """Return tags as a list."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def parameters(values: Mapping[str, Value]) -> list[Shape]:
    """Return parameters, those that must not be shown masked."""
    return [
        {"ParameterKey": name, "ParameterValue": value.shown()}
        | ({"ResolvedValue": _listed(value.resolved)} if value.stored and not value.hidden else {})
        for name, value in values.items()
    ]


def _listed(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)


def stack(item: Stack) -> Shape:
    """Return a stack as DescribeStacks does."""
    return present(
        {
            "StackId": item.id,
            "StackName": item.name,
            "ChangeSetId": item.change_set_id,
            "Description": item.template.description if item.template else None,
            "Parameters": parameters(item.parameters),
            "CreationTime": item.created,
            "DeletionTime": item.deleted,
            "LastUpdatedTime": item.updated,
            "RollbackConfiguration": {},
            "StackStatus": item.status,
            "StackStatusReason": item.reason,
            "DisableRollback": item.settings.on_failure == "DO_NOTHING",
            "NotificationARNs": [],
            "Capabilities": list(item.settings.capabilities),
            "Outputs": [_output(output) for output in item.outputs],
            "RoleARN": item.settings.role_arn,
            "Tags": pairs(item.settings.tags),
            "EnableTerminationProtection": item.protected,
            "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
        }
    )


def summary(item: Stack) -> Shape:
    """Return a stack as ListStacks does."""
    whole = stack(item)
    kept = (
        "StackId",
        "StackName",
        "CreationTime",
        "LastUpdatedTime",
        "DeletionTime",
        "StackStatus",
    )
    return {
        key: whole[key] for key in (*kept, "StackStatusReason", "DriftInformation") if key in whole
    } | ({"TemplateDescription": whole["Description"]} if "Description" in whole else {})


def _output(item: Output) -> Shape:
    return present(
        {
            "OutputKey": item.key,
            "OutputValue": item.value,
            "Description": item.description,
            "ExportName": item.export,
        }
    )


def event(owner: Stack, item: Event) -> Shape:
    """Return an event as DescribeStackEvents does."""
    return present(
        {
            "StackId": owner.id,
            "EventId": item.id,
            "StackName": owner.name,
            "LogicalResourceId": item.logical_id,
            "PhysicalResourceId": item.physical_id,
            "ResourceType": item.type,
            "Timestamp": item.timestamp,
            "ResourceStatus": item.status,
            "ResourceStatusReason": item.reason,
            "ResourceProperties": item.properties,
            "ClientRequestToken": item.token,
        }
    )


def resource(owner: Stack, item: Record, time_key: str = "Timestamp") -> Shape:
    """Return a resource; the actions differ in what they call its time."""
    return present(
        {
            "StackName": owner.name,
            "StackId": owner.id,
            "LogicalResourceId": item.logical_id,
            "PhysicalResourceId": item.physical.id if item.physical else None,
            "ResourceType": item.type,
            time_key: item.timestamp,
            "ResourceStatus": item.status,
            "ResourceStatusReason": item.reason,
            "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
        }
    )


def change_set_summary(item: ChangeSet, owner: Stack) -> Shape:
    """Return a change set as ListChangeSets does."""
    return present(
        {
            "ChangeSetId": item.id,
            "ChangeSetName": item.name,
            "StackId": owner.id,
            "StackName": owner.name,
            "ExecutionStatus": item.execution,
            "Status": item.status,
            "StatusReason": item.reason,
            "CreationTime": item.created,
            "Description": item.description,
        }
    )


def change_set(item: ChangeSet, owner: Stack) -> Shape:
    """Return a change set as DescribeChangeSet does, without its changes."""
    return change_set_summary(item, owner) | {
        "Parameters": parameters(item.plan.parameters),
        "Capabilities": list(item.settings.capabilities),
        "Tags": pairs(item.settings.tags),
        "NotificationARNs": [],
        "RollbackConfiguration": {},
        "IncludeNestedStacks": False,
        "OnStackFailure": item.settings.on_failure,
    }


def change(item: Change, record: Record | None, planned: ChangeSet, *, values: bool) -> Shape:
    """Return one change; with ``values`` also the properties before and after, masked."""
    shape: Shape = {
        "Action": item.action,
        "LogicalResourceId": item.logical_id,
        "PhysicalResourceId": record.physical.id if record and record.physical else None,
        "ResourceType": item.type,
        "Replacement": item.replacement,
        "Scope": list(item.scope),
        "Details": [_detail(detail) for detail in item.properties]
        + [
            {"Target": {"Attribute": name, "RequiresRecreation": "Never"}, "Evaluation": "Static"}
            | {"ChangeSource": "DirectModification"}
            for name in item.scope
            if name not in {"Properties", "Tags"}
        ],
        "PolicyAction": _policy_action(item, record, planned),
    }
    if values:
        shape["BeforeContext"] = _context(record.shown) if record else None
        after = planned.plan.shown.get(item.logical_id)
        shape["AfterContext"] = _context(after) if after is not None else None
    return {"Type": "Resource", "ResourceChange": present(shape)}


def _context(properties: Mapping[str, Any]) -> str:
    return json.dumps({"Properties": properties}, default=text)


def _detail(item: PropertyChange) -> Shape:
    cause = min(item.causes, default=None)
    target = {
        "Attribute": "Tags" if item.name == "Tags" else "Properties",
        "Name": item.name,
        "RequiresRecreation": "Always" if item.recreates else "Never",
    }
    source = "DirectModification"
    if cause is not None:
        source = "ResourceAttribute" if "." in cause else "ResourceReference"
    return present(
        {
            "Target": target,
            "Evaluation": "Static" if cause is None else "Dynamic",
            "ChangeSource": source,
            "CausingEntity": cause,
        }
    )


def _policy_action(item: Change, record: Record | None, planned: ChangeSet) -> str | None:
    if item.action == "Remove" and record:
        policy = record.deletion_policy
        return "Retain" if policy.startswith("Retain") else policy
    if item.action == "Modify" and item.replacement == "True":
        policy = planned.plan.template.resources[item.logical_id].update_replace_policy
        return f"ReplaceAnd{policy}"
    return None
