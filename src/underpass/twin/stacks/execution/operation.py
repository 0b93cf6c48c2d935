"""One operation on one stack: create, update or delete, with the rollback when it fails.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from underpass.twin.stacks.execution.apply import Apply
from underpass.twin.stacks.execution.journal import Journal, listed
from underpass.twin.stacks.execution.remove import Remove, retained, superseded
from underpass.twin.stacks.execution.restore import Restore
from underpass.twin.stacks.execution.schedule import Schedule, Spawn, drive
from underpass.twin.stacks.model import Plan, Record
from underpass.twin.stacks.planning import Planner
from underpass.twin.stacks.resolving import attribute, outputs, ref

Records = Mapping[str, Record]


class Operation:
    """Carries one operation out, in the thread that calls it; returns when the stack has settled.

    Parameters
    ----------
    journal
        Holds the stack as it was before: what a rollback returns to.
    """

    def __init__(self, journal: Journal, planner: Planner, spawn: Spawn) -> None:
        self._journal = journal
        self._planner = planner
        self._spawn = spawn

    def create(self, plan: Plan, on_failure: str) -> None:
        """Create all resources; on failure ROLLBACK, DELETE the stack, or DO_NOTHING."""
        work, reason = self._apply(plan, {}, "CREATE_COMPLETE", replaceable=True)
        if not reason:
            return
        if on_failure == "DO_NOTHING":
            self._leave("CREATE_FAILED", reason, plan)
            return
        verb = "DELETE" if on_failure == "DELETE" else "ROLLBACK"
        self._journal.status(
            f"{verb}_IN_PROGRESS", f"{reason} {verb.capitalize()} requested by user."
        )
        records = work.records.values()
        removal = Remove(self._journal, records, staying=retained(records, creating=True))
        drive(removal.schedule(), removal, self._spawn)
        self._gone(verb, removal)

    def delete(self, retain: frozenset[str]) -> None:
        """Delete all resources, but for those that stay by policy or by ``retain``."""
        store = self._journal.store
        records = [record for record in self._records().values() if record.alive]
        records += store.left(self._journal.stack.id)
        removal = Remove(self._journal, records, staying=retained(records) | retain)
        drive(removal.schedule(), removal, self._spawn)
        self._gone("DELETE", removal)

    def _gone(self, verb: str, removal: Remove) -> None:
        if removal.failures:
            self._journal.status(f"{verb}_FAILED", listed("delete", removal.failures))
        elif verb == "DELETE":
            self._journal.status(
                "DELETE_COMPLETE",
                deleted=self._journal.store.now(),
                outputs=(),
                imports=frozenset(),
            )
        else:
            self._journal.status(f"{verb}_COMPLETE", imports=frozenset())

    def update(self, plan: Plan, on_failure: str) -> None:
        """Change what differs; on failure ROLLBACK to what was, or DO_NOTHING."""
        before = self._records()
        work, reason = self._apply(
            plan,
            before,
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            replaceable=on_failure != "DO_NOTHING",
        )
        if not reason:
            self._clean_up(work, plan, before)
            self._journal.status("UPDATE_COMPLETE")
        elif on_failure == "DO_NOTHING":
            self._leave("UPDATE_FAILED", reason, plan)
        else:
            self._journal.status("UPDATE_ROLLBACK_IN_PROGRESS", reason)
            self._roll_back(work, before)

    def _records(self) -> Records:
        return self._journal.store.records(self._journal.stack.id)

    def _apply(
        self, plan: Plan, before: Records, complete: str, *, replaceable: bool
    ) -> tuple[Apply, str]:
        """Lead the stack to the plan and publish its outputs; return the work, and why it failed."""
        records = dict(before)
        scope = self._planner.scope(
            self._journal.stack,
            plan.template,
            plan.parameters,
            resource=lambda logical_id: ref(records, logical_id),
            attribute_of=lambda logical_id, name: attribute(records, logical_id, name),
        )
        work = Apply(self._journal, plan, scope, records, replaceable=replaceable)
        drive(Schedule(plan.needs), work, self._spawn)
        problems = [listed(verb, names) for verb, names in work.failures.items() if names]
        if not problems:
            made = tuple(outputs(plan.template, scope, problems.append))
            problems = problems or self._journal.publish(complete, plan, made)
        return work, " ".join(problems)

    def _leave(self, status: str, reason: str, plan: Plan) -> None:
        """Leave a failed stack as it is: the next update is compared with what runs."""
        self._journal.status(
            status,
            reason,
            template=plan.template,
            parameters=plan.parameters,
            conditions=plan.conditions,
        )

    def _clean_up(self, work: Apply, plan: Plan, before: Records) -> None:
        """After an update: remove what was replaced, and what the template no longer has."""
        replaced = work.replaced()
        removed = frozenset(before) - frozenset(plan.needs)
        staying = superseded(before[name] for name in replaced) | retained(
            before[name] for name in removed
        )
        # AWS too calls the update complete when something old could not be deleted; the events tell.
        self._remove_old((before[name] for name in replaced | removed), staying)

    def _remove_old(self, records: Iterable[Record], staying: frozenset[str]) -> None:
        removal = Remove(self._journal, records, staying=staying, after_update=True)
        drive(removal.schedule(), removal, self._spawn)

    def _roll_back(self, work: Apply, before: Records) -> None:
        restoring = Restore(self._journal, work, before)
        drive(restoring.schedule(), restoring, self._spawn)
        replaced = work.replaced()
        if restoring.failures:
            self._leave_behind([*before.values(), *work.records.values()], replaced)
            self._journal.status("UPDATE_ROLLBACK_FAILED", listed("update", restoring.failures))
            return
        self._journal.status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        created = [
            work.records[name]
            for name, attempt in work.attempts.items()
            if attempt.kind == "create"
        ]
        staying = retained(created, creating=True)
        self._remove_old([*created, *(work.records[name] for name in replaced)], staying)
        old = self._journal.stack
        settings = replace(self._journal.store.stack(old.id).settings, tags=old.settings.tags)
        self._journal.status("UPDATE_ROLLBACK_COMPLETE", imports=old.imports, settings=settings)

    def _leave_behind(self, records: Iterable[Record], replaced: frozenset[str]) -> None:
        """After a rollback that got stuck: remember those of the replaced that the stack does not list."""
        current = self._records()
        for record in records:
            name = record.logical_id
            if name in replaced and record.generation != current[name].generation:
                self._journal.store.leave(self._journal.stack.id, record)
