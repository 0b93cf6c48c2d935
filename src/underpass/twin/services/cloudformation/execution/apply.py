"""Towards a plan: each resource created, updated or replaced."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from underpass.cloudformation.difference import changed
from underpass.cloudformation.errors import TemplateError
from underpass.cloudformation.scope import TemplateScope
from underpass.cloudformation.template import Resource
from underpass.twin.services.cloudformation.execution.journal import Journal, reason_of
from underpass.twin.services.cloudformation.execution.schedule import Call, Outcome
from underpass.twin.services.cloudformation.model import Plan, Record, attributes_of
from underpass.twin.services.cloudformation.resolving import masked, resolve_properties
from underpass.twin.services.cloudformation.resource_type import (
    LeftBehindError,
    Physical,
    ProvisionError,
    ResourceType,
    known_as,
)

log = logging.getLogger(__name__)

REPLACING = "Requested update requires the creation of a new physical resource; hence creating one."
RENAMED = "Requested update required the provider to create a new physical resource"

Step = Literal["create", "import", "update", "replace", "note", "keep"]
"""``import`` takes over what is there already. ``note`` is a change without effect on what runs: a tag,
metadata, a policy."""


@dataclass(frozen=True)
class Attempt:
    """What was begun for one resource: from ``before`` (None for a new one) to ``wanted``."""

    kind: Step
    before: Record | None
    wanted: Record

    @property
    def verb(self) -> str:
        """AWS's word: a replacement's creation is part of an update."""
        return {"create": "CREATE", "import": "IMPORT"}.get(self.kind, "UPDATE")


class Apply:
    """The work of a creation or an update; implements ``schedule.Work``.

    Parameters
    ----------
    preserving
        Whether what succeeds stays when something fails. Then nothing is replaced, as AWS has it, and what
        failed to update goes back to what it was.

    Attributes
    ----------
    records
        The stack's resources as they are now, by logical id.
    attempts
        What was begun, by logical id; a resource that needed no change is not there.
    given
        What resource types were given, by logical id, whether it succeeded or not.
    failures
        Who failed or was cancelled, by "create", "import" and "update".
    imported
        The logical ids of what was there before, and is to stay whatever comes of the stack.
    """

    def __init__(
        self,
        journal: Journal,
        plan: Plan,
        scope: TemplateScope,
        records: dict[str, Record],
        *,
        preserving: bool,
    ) -> None:
        self.records = records
        self.attempts: dict[str, Attempt] = {}
        self.given: dict[str, Mapping[str, Any]] = {}
        self.failures: dict[str, list[str]] = {"create": [], "import": [], "update": []}
        self.imported = frozenset(
            change.logical_id for change in plan.changes if change.action == "Import"
        )
        self._journal = journal
        self._plan = plan
        self._scope = scope
        self._masked = masked(scope, records)
        self._preserving = preserving
        self._cancelled: frozenset[str] = frozenset()

    def begin(self, name: str) -> Call | None:
        """Decide what the resource needs, and return the resource type's call for it."""
        resource = self._plan.template.resources[name]
        before = self.records.get(name)
        if before and before.alive and not before.made:  # deleted with the stack; another is made
            self._journal.store.leave(self._journal.stack.id, before)
        before = before if before and before.made else None
        wanted = self._wanted(resource, before)
        kind: Step = "create"
        try:
            wanted = replace(
                wanted, properties=self._properties(resource), shown=self._shown(resource)
            )
            resource_type = self._journal.resource_type(wanted)
            kind = decide(before, resource, wanted.properties, resource_type)
        except Exception:
            # What cannot be resolved still gets its events: the failure is the resource's own.
            self._start(Attempt("update" if before else "create", before, wanted))
            raise
        if kind == "keep":
            assert before is not None
            self._keep(replace(before, needs=wanted.needs, shown=wanted.shown))
            return None
        kind = "import" if kind == "create" and name in self.imported else kind
        if kind in {"create", "import", "replace"}:
            generation = self._journal.store.generation(self._journal.stack.id, name)
            wanted = replace(wanted, physical=None, generation=generation)
        attempt = Attempt(kind, before, wanted)
        self._start(attempt)
        if kind == "replace" and self._preserving:
            raise ProvisionError(
                "Replacement type updates not supported on stack with disable-rollback."
            )
        return None if kind == "note" else lambda: self._call(attempt)

    def _wanted(self, resource: Resource, before: Record | None) -> Record:
        name = resource.logical_id
        return Record(
            logical_id=name,
            type=resource.type,
            status="",
            timestamp=self._journal.store.now(),
            physical=before.physical if before else None,
            needs=self._plan.needs[name],
            deletion_policy=resource.deletion_policy,
            update_replace_policy=resource.update_replace_policy,
            metadata=resource.metadata,
            generation=before.generation if before else 0,
        )

    def _properties(self, resource: Resource) -> Mapping[str, Any]:
        problems: list[str] = []
        properties = resolve_properties(resource, self._scope, problems.append)
        if problems:
            raise TemplateError("; ".join(problems))
        resource_type = self._journal.resource_types[known_as(resource.type)]
        return resource_type.tagged(properties, self._plan.tags)

    def _shown(self, resource: Resource) -> Mapping[str, Any]:
        return resolve_properties(resource, self._masked, lambda _: None)

    def _start(self, attempt: Attempt) -> None:
        """Write the first event; until the end, an update's record stays what it was but for its status."""
        self.attempts[attempt.wanted.logical_id] = attempt
        held = attempt.before or attempt.wanted
        if attempt.kind in {"update", "note"}:
            held = replace(held, shown=attempt.wanted.shown)
        reason = {"import": "Resource import started.", "replace": REPLACING}.get(attempt.kind, "")
        self._keep(self._journal.resource(held, f"{attempt.verb}_IN_PROGRESS", reason))

    def _keep(self, record: Record) -> None:
        self.records[record.logical_id] = record
        self._journal.store.keep(self._journal.stack.id, record)

    def _call(self, attempt: Attempt) -> Physical:
        """Run in a thread of its own: return what exists afterwards."""
        wanted, before = attempt.wanted, attempt.before
        resource_type = self._journal.resource_type(wanted)
        given = self._journal.reveal(wanted.properties)
        if before is not None:
            resource_type.check_change(before.given, given)
        self.given[wanted.logical_id] = given
        logical = self._journal.logical(wanted)
        if attempt.kind == "update" and before is not None and before.physical is not None:
            try:
                return resource_type.update(logical, before.physical, before.given, given)
            except Exception:
                if self._preserving:
                    self._put_back(before, before.physical, given)
                raise
        if attempt.kind == "import":
            return _taken_over(resource_type, given)
        return resource_type.create(logical, given)

    def _put_back(self, before: Record, physical: Physical, given: Mapping[str, Any]) -> None:
        resource_type, logical = (
            self._journal.resource_type(before),
            self._journal.logical(before),
        )
        try:
            resource_type.update(logical, physical, given, before.given)
        except Exception as error:  # noqa: BLE001  why the update failed is what the user must know
            log.warning("%s is not what it was: %s", before.logical_id, reason_of(error))

    def end(self, name: str, outcome: Outcome) -> bool:
        """Note what became of the resource."""
        attempt = self.attempts.get(name)
        if outcome.error is None and attempt is None:
            return True  # it needed nothing
        if attempt is None:
            raise outcome.error or RuntimeError(name)
        if outcome.error is not None:
            return self._failed(attempt, outcome.error)
        made = attempt.wanted
        if attempt.kind == "note":
            assert attempt.before is not None
            made = replace(made, given=attempt.before.given)
        else:
            made = replace(made, physical=outcome.value, given=self.given[name])
            made = self._renamed(attempt, made)
        if name in self._cancelled:
            self._keep(
                replace(made, status=f"{attempt.verb}_FAILED", reason=self.records[name].reason)
            )
            return False
        if attempt.kind in {"create", "replace"}:
            self._journal.resource(
                made, f"{attempt.verb}_IN_PROGRESS", "Resource creation Initiated"
            )
        reason = "Resource import completed." if attempt.kind == "import" else ""
        self._keep(self._journal.resource(made, f"{attempt.verb}_COMPLETE", reason))
        return True

    def _renamed(self, attempt: Attempt, made: Record) -> Record:
        """Return what an update made as another resource, where it answered with another physical id."""
        before, name = attempt.before, made.logical_id
        if (
            attempt.kind != "update"
            or before is None
            or not self._journal.resource_type(made).may_replace
            or made.physical is None
            or before.physical is None
            or made.physical.id == before.physical.id
        ):
            return made
        made = replace(
            made, generation=self._journal.store.generation(self._journal.stack.id, name)
        )
        self._journal.resource(made, "UPDATE_IN_PROGRESS", RENAMED)
        if (
            self._preserving
        ):  # there may be no clean-up; with a rollback the old one is the stack's again
            self._journal.store.leave(self._journal.stack.id, before)
        return made

    def _failed(self, attempt: Attempt, error: Exception) -> bool:
        name, reason = attempt.wanted.logical_id, reason_of(error)
        record = self.records[name]
        if isinstance(error, LeftBehindError) and attempt.kind == "create":
            record = replace(record, physical=error.physical, given=self.given[name])
        if name in self._cancelled:
            self._keep(record)
        else:
            self.failures[attempt.verb.lower()].append(name)
            self._keep(self._journal.resource(record, f"{attempt.verb}_FAILED", reason))
        return False

    def replaced(self) -> frozenset[str]:
        """Return the logical ids that have a new physical resource beside the old one."""
        return frozenset(
            name
            for name, attempt in self.attempts.items()
            if attempt.before is not None
            and self.records[name].generation != attempt.before.generation
        )

    def cancel(self, running: frozenset[str]) -> None:
        """Write down those under way as cancelled; what they still bring about is kept for the rollback."""
        self._cancelled = frozenset(name for name in running if name in self.attempts)
        for name in sorted(self._cancelled):
            verb = self.attempts[name].verb
            self.failures[verb.lower()].append(name)
            what = "creation" if verb == "CREATE" else verb.lower()
            self._keep(
                self._journal.resource(
                    self.records[name], f"{verb}_FAILED", f"Resource {what} cancelled"
                )
            )


def _taken_over(resource_type: ResourceType, given: Mapping[str, Any]) -> Physical:
    found = resource_type.existing(given)
    if found is None:
        name = given.get(resource_type.identifier())
        raise ProvisionError(f"Resource {name} to be imported does not exist any more")
    return found


def decide(
    record: Record | None,
    resource: Resource,
    wanted: Mapping[str, Any],
    resource_type: ResourceType | type[ResourceType],
) -> Step:
    """Return what must happen so that ``record`` becomes ``resource`` with the properties ``wanted``."""
    if record is None or not record.made:
        return "create"
    differing = changed(record.properties, wanted)
    if differing & resource_type.replaces:
        return "replace"
    if differing - resource_type.inert:
        return "update"
    # What failed to update is what it was, and may now be as it is wanted: then it only says so.
    noted = differing or attributes_of(record) != attributes_of(resource)
    return "note" if noted or record.status == "UPDATE_FAILED" else "keep"
