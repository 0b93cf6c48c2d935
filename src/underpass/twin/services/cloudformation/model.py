"""What the engine keeps: stacks, their resources, events and change sets, all frozen; and how it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from underpass.cloudformation.difference import Change, Existing
from underpass.cloudformation.graph import Graph
from underpass.cloudformation.parameters import Value
from underpass.cloudformation.template import Template
from underpass.twin.services.cloudformation.resource_type import Physical

STACK_TYPE = "AWS::CloudFormation::Stack"
GONE = frozenset({"DELETE_COMPLETE", "DELETE_SKIPPED"})
UNFINISHED = frozenset({"CREATE_FAILED", "UPDATE_FAILED"})  # failed, and what succeeded was kept
UPDATABLE = UNFINISHED | {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}


@dataclass(frozen=True)
class Record:
    """One resource of a stack.

    Attributes
    ----------
    physical
        What exists; None until it does.
    properties
        As the template resolves, dynamic references as written: what a new template is compared with.
    given
        As the resource type got them, dynamic references replaced.
    shown
        As events show them, ``NoEcho`` parameters masked.
    needs
        The logical ids it depends on.
    generation
        How many the stack made of this logical id before this one.
    """

    logical_id: str
    type: str
    status: str
    timestamp: datetime
    reason: str = ""
    physical: Physical | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    shown: Mapping[str, Any] = field(default_factory=dict)
    needs: frozenset[str] = frozenset()
    deletion_policy: str = "Delete"
    update_replace_policy: str = "Delete"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    generation: int = 0

    @property
    def alive(self) -> bool:
        """Whether the stack still holds it."""
        return self.physical is not None and self.status not in GONE

    @property
    def made(self) -> bool:
        """Whether it is more than what a failed creation left."""
        return self.alive and self.status != "CREATE_FAILED"

    def existing(self) -> Existing:
        """Return it as a new template is compared with it."""
        return Existing(self.type, self.properties, attributes_of(self))


def attributes_of(holder: Any) -> dict[str, Any]:
    """Return the resource attributes of a record or a template's resource, by their template names."""
    return {
        "Metadata": dict(holder.metadata),
        "DeletionPolicy": holder.deletion_policy,
        "UpdateReplacePolicy": holder.update_replace_policy,
    }


@dataclass(frozen=True)
class Output:
    """One output; ``export`` is its export name, if any. ``value`` may be Unknown in a plan."""

    key: str
    value: Any
    description: str = ""
    export: str | None = None


@dataclass(frozen=True)
class Event:
    """One line of a stack's history."""

    id: str
    logical_id: str
    physical_id: str
    type: str
    timestamp: datetime
    status: str
    reason: str = ""
    properties: str = ""
    token: str = ""


@dataclass(frozen=True)
class Plan:
    """What a change set or an update would do; made before anything is touched.

    Attributes
    ----------
    needs
        The dependency graph of the resources that will exist.
    shown
        The resolved properties by logical id, ``NoEcho`` parameters masked.
    problems
        Why it cannot be carried out; empty when it can.
    """

    template: Template
    parameters: Mapping[str, Value]
    needs: Graph
    changes: tuple[Change, ...]
    outputs: tuple[Output, ...]
    imports: frozenset[str]
    shown: Mapping[str, Mapping[str, Any]]
    problems: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """What a caller asks for beside template and parameters.

    Attributes
    ----------
    on_failure
        What becomes of a creation that fails: ROLLBACK, DELETE, or DO_NOTHING (also for updates).
    """

    tags: Mapping[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    on_failure: str = "ROLLBACK"
    role_arn: str | None = None
    token: str = ""


@dataclass(frozen=True)
class Stack:
    """A stack; a deleted one stays, and is found by its id alone."""

    id: str
    name: str
    created: datetime
    status: str
    reason: str = ""
    template: Template | None = None
    parameters: Mapping[str, Value] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    outputs: tuple[Output, ...] = ()
    imports: frozenset[str] = frozenset()
    updated: datetime | None = None
    deleted: datetime | None = None
    protected: bool = False
    change_set_id: str | None = None

    @property
    def busy(self) -> bool:
        """Whether an operation is under way."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"


@dataclass(frozen=True)
class ChangeSet:
    """A change set, ``kind`` CREATE or UPDATE."""

    id: str
    name: str
    stack_id: str
    created: datetime
    status: str
    execution: str
    plan: Plan
    settings: Settings
    reason: str = ""
    description: str = ""

    @property
    def executed(self) -> bool:
        """Whether it was executed; its name is free again then, and its id still finds it."""
        return self.execution == "EXECUTE_COMPLETE"


class ApiError(Exception):
    """An action that is refused.

    Parameters
    ----------
    code
        AWS's error code: ``ValidationError``, ``AlreadyExistsException``, ...
    message
        AWS's wording, where it has one.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def invalid(message: str) -> ApiError:
    """Return the error AWS gives for nearly everything."""
    return ApiError("ValidationError", message)
