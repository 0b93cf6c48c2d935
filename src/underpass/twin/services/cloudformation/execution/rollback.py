"""The way back of an update that failed: may get stuck on a resource, and is then gone on with when told to.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-continueupdaterollback.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from underpass.twin.services.cloudformation.execution.apply import Apply
from underpass.twin.services.cloudformation.execution.journal import Journal, listed
from underpass.twin.services.cloudformation.execution.remove import Remove, retained
from underpass.twin.services.cloudformation.execution.restore import Restore
from underpass.twin.services.cloudformation.execution.schedule import Spawn, drive
from underpass.twin.services.cloudformation.model import Record

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
        replaced = self._applied.replaced()
        self._leave_behind(replaced)
        if self.stuck:
            self._journal.status("UPDATE_ROLLBACK_FAILED", listed("update", self.stuck))
        else:
            self._journal.status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
            self._clean_up(replaced)
            self._complete()

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
            if attempt.kind == "create"
        ]
        removal = Remove(
            self._journal,
            [*created, *(made[name] for name in replaced)],
            staying=retained(created, creating=True),
            after_update=True,
        )
        drive(removal.schedule(), removal, self._spawn)

    def _complete(self) -> None:
        old = self._journal.stack
        settings = replace(self._journal.store.stack(old.id).settings, tags=old.settings.tags)
        self._journal.status("UPDATE_ROLLBACK_COMPLETE", imports=old.imports, settings=settings)
