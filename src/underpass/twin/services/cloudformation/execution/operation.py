"""One operation on one stack: create, update or delete, with the rollback when it fails.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html
"""

from __future__ import annotations

from underpass.twin.services.cloudformation.execution.apply import Apply
from underpass.twin.services.cloudformation.execution.journal import Journal, listed
from underpass.twin.services.cloudformation.execution.remove import Remove, retained, superseded
from underpass.twin.services.cloudformation.execution.rollback import Records, Rollback
from underpass.twin.services.cloudformation.execution.schedule import Schedule, Spawn, drive
from underpass.twin.services.cloudformation.model import Plan
from underpass.twin.services.cloudformation.planning import Planner
from underpass.twin.services.cloudformation.resolving import attribute, outputs, ref


class Operation:
    """Carries one operation out, in the thread that calls it; returns when the stack has settled.

    Parameters
    ----------
    journal
        Holds the stack as it was before: what a rollback returns to.

    Attributes
    ----------
    rollback
        The rollback of the update, once there is one: it may have got stuck.
    """

    def __init__(self, journal: Journal, planner: Planner, spawn: Spawn) -> None:
        self._journal = journal
        self._planner = planner
        self._spawn = spawn
        self.rollback: Rollback | None = None

    def create(self, plan: Plan, on_failure: str) -> None:
        """Create all resources; on failure ROLLBACK, DELETE the stack, or DO_NOTHING."""
        preserving = on_failure == "DO_NOTHING"
        work, reason = self._apply(plan, {}, "CREATE_COMPLETE", preserving=preserving)
        if not reason:
            return
        if preserving:
            self._leave("CREATE_FAILED", reason, plan)
            return
        verb = "DELETE" if on_failure == "DELETE" else "ROLLBACK"
        self._journal.status(
            f"{verb}_IN_PROGRESS", f"{reason} {verb.capitalize()} requested by user."
        )
        records = work.records.values()
        staying = retained(records, creating=True) | work.imported
        removal = Remove(self._journal, records, staying=staying)
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
        before, preserving = self._records(), on_failure == "DO_NOTHING"
        complete = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
        work, reason = self._apply(plan, before, complete, preserving=preserving)
        if not reason:
            self._clean_up(work, plan, before)
            self._journal.status("UPDATE_COMPLETE")
        elif preserving:
            self._leave("UPDATE_FAILED", reason, plan)
        else:
            self._journal.status("UPDATE_ROLLBACK_IN_PROGRESS", reason)
            self.rollback = Rollback(self._journal, work, before, self._spawn)
            self.rollback.run()

    def _records(self) -> Records:
        return self._journal.store.records(self._journal.stack.id)

    def _apply(
        self, plan: Plan, before: Records, complete: str, *, preserving: bool
    ) -> tuple[Apply, str]:
        """Lead the stack to the plan and publish its outputs; return the work, and why it failed.

        With ``preserving`` a failure ends only what needs what failed. Else it ends all, for a rollback.
        """
        records = dict(before)
        scope = self._planner.scope(
            self._journal.stack,
            plan.template,
            plan.parameters,
            resource=lambda logical_id: ref(records, logical_id),
            attribute_of=lambda logical_id, name: attribute(records, logical_id, name),
        )
        work = Apply(self._journal, plan, scope, records, preserving=preserving)
        drive(Schedule(plan.needs, stops=not preserving), work, self._spawn)
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
        )

    def _clean_up(self, work: Apply, plan: Plan, before: Records) -> None:
        """After an update: remove what was replaced, and what the template no longer has."""
        replaced = work.replaced()
        removed = frozenset(before) - frozenset(plan.needs)
        staying = superseded(before[name] for name in replaced) | retained(
            before[name] for name in removed
        )
        # AWS too calls the update complete when something old could not be deleted; the events tell.
        old = [before[name] for name in replaced | removed]
        removal = Remove(self._journal, old, staying=staying, after_update=True)
        drive(removal.schedule(), removal, self._spawn)
