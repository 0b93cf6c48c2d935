"""Away with resources: a stack's deletion, the rollback of a creation, and the clean-up after an update."""

from __future__ import annotations

from collections.abc import Iterable

from underpass.cloudformation.graph import reverse
from underpass.twin.services.cloudformation.execution.journal import Journal, reason_of
from underpass.twin.services.cloudformation.execution.schedule import Call, Outcome, Schedule
from underpass.twin.services.cloudformation.model import Record


class Remove:
    """The work of removing records, each after those that need it; implements ``schedule.Work``.

    Parameters
    ----------
    records
        What to remove; of one logical id there may be several, the stack's own and what it stood for.
    staying
        Logical ids that are left where they are.
    after_update
        Whether the stack no longer lists what is removed. What will not go is then remembered, and
        tried again when the stack is deleted.

    Attributes
    ----------
    failures
        The logical ids that could not be deleted.
    """

    def __init__(
        self,
        journal: Journal,
        records: Iterable[Record],
        *,
        staying: frozenset[str] = frozenset(),
        after_update: bool = False,
    ) -> None:
        self.failures: list[str] = []
        self._records = {f"{record.logical_id}#{record.generation}": record for record in records}
        self._journal = journal
        self._staying = staying
        self._after_update = after_update
        listed = journal.store.records(journal.stack.id)
        self._own = frozenset(
            key
            for key, record in self._records.items()
            if record.logical_id in listed
            and listed[record.logical_id].generation == record.generation
        )

    def schedule(self) -> Schedule:
        """Return the order: users before what they use; one that fails keeps only what it uses."""
        needs = {
            key: frozenset(
                other
                for other, needed in self._records.items()
                if needed.logical_id in record.needs
            )
            for key, record in self._records.items()
        }
        return Schedule(reverse(needs), stops=False)

    def begin(self, name: str) -> Call | None:
        """Note the beginning and return the resource type's call, unless the resource stays or never was."""
        record = self._records[name]
        physical = record.physical
        if physical is None or record.logical_id in self._staying:
            return None
        self._note(name, "DELETE_IN_PROGRESS")
        return lambda: self._journal.resource_type(record).delete(physical, record.given)

    def end(self, name: str, outcome: Outcome) -> bool:
        """Note what became of the resource."""
        record = self._records[name]
        if outcome.error is not None:
            self.failures.append(record.logical_id)
            self._note(name, "DELETE_FAILED", reason_of(outcome.error))
            if self._after_update:
                self._journal.store.leave(self._journal.stack.id, record)
        else:
            stays = record.physical is not None and record.logical_id in self._staying
            self._note(name, "DELETE_SKIPPED" if stays else "DELETE_COMPLETE")
            self._journal.store.no_longer_left(self._journal.stack.id, record)
        if self._after_update and name in self._own:
            self._journal.store.forget(self._journal.stack.id, record.logical_id)
        # A clean-up goes on with what a leftover uses: that may well succeed.
        return self._after_update or outcome.error is None

    def _note(self, name: str, status: str, reason: str = "") -> None:
        self._journal.resource(self._records[name], status, reason, keep=name in self._own)

    def cancel(self, running: frozenset[str]) -> None:
        """Nothing: a deletion that fails does not end the others."""


def retained(records: Iterable[Record], *, creating: bool = False) -> frozenset[str]:
    """Return who stays by DeletionPolicy; ``creating`` when it is their creation that is rolled back."""
    policies = {"Retain"} if creating else {"Retain", "RetainExceptOnCreate"}
    return frozenset(record.logical_id for record in records if record.deletion_policy in policies)


def superseded(records: Iterable[Record]) -> frozenset[str]:
    """Return who stays by UpdateReplacePolicy."""
    return frozenset(
        record.logical_id for record in records if record.update_replace_policy == "Retain"
    )
