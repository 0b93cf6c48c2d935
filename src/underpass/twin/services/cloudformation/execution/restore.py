"""Back to what was: the rollback of an update, in the order of the template that ran before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from underpass.twin.services.cloudformation.execution.apply import Apply
from underpass.twin.services.cloudformation.execution.journal import Journal, reason_of
from underpass.twin.services.cloudformation.execution.schedule import Call, Outcome, Schedule
from underpass.twin.services.cloudformation.model import Record
from underpass.twin.services.cloudformation.resource_type import Physical


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
        resource_type = self._journal.resource_types[before.type]
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
