"""Where an operation writes what it does, and why something failed, in words for a stack event."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from underpass.cloudformation.dynamic import substitute
from underpass.cloudformation.errors import TemplateError
from underpass.twin.services.cloudformation.lookups import Lookups
from underpass.twin.services.cloudformation.model import Output, Plan, Record, Stack
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    ProvisionError,
    ResourceType,
    known_as,
)
from underpass.twin.services.cloudformation.store import Store

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Journal:
    """The operation's view of its stack: resource types to work with, and the store to write to."""

    stack: Stack
    store: Store
    lookups: Lookups
    resource_types: Mapping[str, ResourceType]

    def status(self, status: str, reason: str = "", **fields: Any) -> None:
        """Give the stack a new status."""
        self.store.advance(self.stack.id, status, reason, **fields)

    def publish(self, status: str, plan: Plan, outputs: tuple[Output, ...]) -> list[str]:
        """Make the plan the stack's own and its outputs visible, or return why that may not be."""
        with self.store.locked():
            problems = self.store.export_conflicts(self.stack, outputs)
            if not problems:
                self.status(
                    status,
                    template=plan.template,
                    parameters=plan.parameters,
                    outputs=outputs,
                    imports=plan.imports,
                )
        return problems

    def resource(
        self, record: Record, status: str, reason: str = "", *, keep: bool = True, **fields: Any
    ) -> Record:
        """Give a resource a new status; without ``keep`` only the event is written."""
        return self.store.record(
            self.stack.id, replace(record, status=status, reason=reason, **fields), keep=keep
        )

    def logical(self, record: Record) -> LogicalResource:
        """Return where a resource stands."""
        return LogicalResource(self.stack.name, self.stack.id, record.logical_id, record.generation)

    def resource_type(self, record: Record) -> ResourceType:
        """Return what carries a resource out."""
        return self.resource_types[known_as(record.type)].of(self.logical(record), record.type)

    def reveal(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Return properties with their dynamic references replaced: what a resource type is given."""
        revealed: dict[str, Any] = substitute(properties, self.lookups.dynamic)
        return revealed


def reason_of(error: Exception) -> str:
    """Return why something failed, for a stack event."""
    from botocore.exceptions import ClientError

    if isinstance(error, ClientError):
        detail = error.response.get("Error", {})
        return f"{detail.get('Message', error)} ({detail.get('Code')} in {error.operation_name})"
    if isinstance(error, ProvisionError | TemplateError | TimeoutError):
        return str(error) or type(error).__name__
    log.error("a resource type failed", exc_info=error)
    return f"Internal failure: {type(error).__name__}: {error}"


def listed(verb: str, names: Iterable[str]) -> str:
    """Return AWS's sentence for resources that failed."""
    return f"The following resource(s) failed to {verb}: [{', '.join(sorted(names))}]."
