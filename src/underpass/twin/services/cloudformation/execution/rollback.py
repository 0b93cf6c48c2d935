"""The way back of an update that failed: may get stuck on a resource, and is then gone on with when told to.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-continueupdaterollback.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from underpass.twin.services.cloudformation.execution.apply import Apply
from underpass.twin.services.cloudformation.execution.journal import Journal, listed, reason_of
from underpass.twin.services.cloudformation.execution.remove import Remove, retained
from underpass.twin.services.cloudformation.execution.schedule import (
    Call,
    Outcome,
    Schedule,
    Spawn,
    drive,
)
from underpass.twin.services.cloudformation.model import Record
from underpass.twin.services.cloudformation.resource_type import Physical

Records = Mapping[str, Record]


class Rollback:
    """Leads a stack back to what it was before an update.

    Parameters
    ----------
    journal
        Holds the stack as it was.
    applied
        What the update did.
    before
        The stack's resources as they were.

    Attributes
    ----------
    stuck
        The logical ids that could not be led back; those may be skipped.
    """

    def __init__(self, journal: Journal, applied: Apply, before: Records, spawn: Spawn) -> None:
        self.stuck: frozenset[str] = frozenset()
        self._journal = journal
        self._applied = applied
        self._before = before
        self._spawn = spawn
        self._restored: frozenset[str] = frozenset()
        self._left: list[Record] = []

    def run(self, skipped: frozenset[str] = frozenset()) -> None:
        """Lead back what is not what it was yet, without ``skipped``; return when the stack has settled."""
        restoring = Restore(self._journal, self._applied, self._before, skipped)
        ended = drive(restoring.schedule(self._restored), restoring, self._spawn)
        self._restored, self.stuck = ended.done, frozenset(restoring.failures)
        replaced = self._replaced()
        self._leave_behind(replaced)
        if self.stuck:
            self._journal.status("UPDATE_ROLLBACK_FAILED", listed("update", self.stuck))
        else:
            self._journal.status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
            self._clean_up(replaced)
            self._complete()

    def _replaced(self) -> frozenset[str]:
        """Return who has two physical resources; one led back to what the update made has that alone."""
        current, made = self._journal.store.records(self._journal.stack.id), self._applied.records
        return frozenset(
            name
            for name in self._applied.replaced()
            if current[name].generation == made[name].generation
            or _id(current[name]) != _id(made[name])
        )

    def _leave_behind(self, replaced: frozenset[str]) -> None:
        """Remember those of the replaced that the stack does not list, in case it is deleted as it is now."""
        store, stack_id = self._journal.store, self._journal.stack.id
        for record in self._left:
            store.no_longer_left(stack_id, record)
        current = store.records(stack_id)
        self._left = [
            record
            for record in [*self._before.values(), *self._applied.records.values()]
            if record.logical_id in replaced
            and record.generation != current[record.logical_id].generation
        ]
        for record in self._left:
            store.leave(stack_id, record)

    def _clean_up(self, replaced: frozenset[str]) -> None:
        """Remove what the update made."""
        made = self._applied.records
        created = [
            made[name]
            for name, attempt in self._applied.attempts.items()
            if attempt.kind in {"create", "import"}
        ]
        removal = Remove(
            self._journal,
            [*created, *(made[name] for name in replaced)],
            staying=retained(created, creating=True) | self._applied.imported,
            after_update=True,
        )
        drive(removal.schedule(), removal, self._spawn)

    def _complete(self) -> None:
        old = self._journal.stack
        settings = replace(self._journal.store.stack(old.id).settings, tags=old.settings.tags)
        self._journal.status("UPDATE_ROLLBACK_COMPLETE", imports=old.imports, settings=settings)


def _id(record: Record) -> str:
    return record.physical.id if record.physical else ""


class Restore:
    """The work of undoing an ``Apply``; implements ``schedule.Work``.

    A resource that was updated, or may have been, is updated back; one that was replaced gets its old
    physical resource again, which is still there. What is new is left to the clean-up.

    Parameters
    ----------
    skipped
        Who only counts as led back: the stack says that it is, and it stays as it is.
    """

    def __init__(
        self,
        journal: Journal,
        applied: Apply,
        before: Mapping[str, Record],
        skipped: frozenset[str] = frozenset(),
    ) -> None:
        self.failures: list[str] = []
        self._journal = journal
        self._applied = applied
        self._before = before
        self._skipped = skipped

    def schedule(self, restored: frozenset[str] = frozenset()) -> Schedule:
        """Return the order: what was used before its users; those ``restored`` are what they were."""
        needs = {name: record.needs for name, record in self._before.items() if record.alive}
        return Schedule(needs, done=restored)

    def begin(self, name: str) -> Call | None:
        """Note the beginning and return the resource type's call, if there is something to undo."""
        attempt = self._applied.attempts.get(name)
        if attempt is None:
            self._journal.store.keep(self._journal.stack.id, self._before[name])
            return None
        if name in self._skipped:
            return None
        current = self._applied.records[name]
        self._journal.resource(
            replace(current, shown=self._before[name].shown), "UPDATE_IN_PROGRESS"
        )
        given = self._applied.given.get(name)
        if attempt.kind != "update" or given is None:  # the resource type never heard of it
            return None
        return lambda: self._undo(current, given)

    def _undo(self, current: Record, given: Mapping[str, Any]) -> Physical:
        before = self._before[current.logical_id]
        assert current.physical is not None
        resource_type = self._journal.resource_type(before)
        return resource_type.update(
            self._journal.logical(before), current.physical, given, before.given
        )

    def end(self, name: str, outcome: Outcome) -> bool:
        """Note what became of the resource."""
        if name not in self._applied.attempts:
            return True
        before = self._before[name]
        if outcome.error is not None:
            self.failures.append(name)
            self._journal.resource(
                self._applied.records[name], "UPDATE_FAILED", reason_of(outcome.error)
            )
            return False
        physical = outcome.value or before.physical
        if name in self._skipped:
            physical = self._applied.records[name].physical
        self._journal.resource(replace(before, physical=physical), "UPDATE_COMPLETE")
        return True

    def cancel(self, running: frozenset[str]) -> None:
        """Nothing: what runs towards the old state may end."""
