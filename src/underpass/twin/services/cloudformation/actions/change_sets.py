"""The actions on change sets."""

from __future__ import annotations

from dataclasses import replace

from underpass.twin.services.cloudformation.actions import requests
from underpass.twin.services.cloudformation.actions.core import Core, Shape
from underpass.twin.services.cloudformation.actions.requests import Request
from underpass.twin.services.cloudformation.model import (
    ApiError,
    ChangeSet,
    Plan,
    Settings,
    Stack,
    invalid,
)
from underpass.twin.services.cloudformation.planning import check_capabilities

NO_CHANGES = (
    "The submitted information didn't contain changes. "
    "Submit different information to create a change set."
)


class ChangeSets(Core):
    """Plans creations and updates, and begins them."""

    def create_change_set(self, request: Request) -> Shape:
        """Plan a creation or an update; what is wrong with it makes the change set FAILED."""
        kind = request.get("ChangeSetType") or "UPDATE"
        if kind not in {"CREATE", "UPDATE"}:
            raise invalid(f"ChangeSetType {kind} is not supported by the twin")
        set_name = requests.name(request, "ChangeSetName")
        before = self._target(request, kind, set_name)
        template = requests.template(request, self._lookups, before)
        check_capabilities(template, request.get("Capabilities") or ())
        stack = before or self._new_stack(requests.name(request, "StackName"))
        settings = self._settings(request, before)
        given = requests.parameters(request, before)
        imports = requests.asks(request.get("ImportExistingResources"))
        plan = self._plan(stack, template, given, settings, imports=imports)
        reason = self._unfit(plan, stack, settings)
        change_set = ChangeSet(
            id=self._arn("changeSet", set_name),
            name=set_name,
            stack_id=stack.id,
            created=self._store.now(),
            status="FAILED" if reason else "CREATE_COMPLETE",
            execution="UNAVAILABLE" if reason else "AVAILABLE",
            plan=plan,
            settings=settings,
            reason=reason,
            description=request.get("Description") or "",
        )
        with self._store.locked():
            others = self._store.change_sets(stack.id)
            if any(other.name == set_name and not other.executed for other in others):
                raise ApiError("AlreadyExistsException", f"ChangeSet {set_name} already exists")
            if before is None:
                if self._store.find(stack.name) is not None:
                    raise ApiError("AlreadyExistsException", f"Stack [{stack.name}] already exists")
                self._store.put(stack)
                self._store.advance(stack.id, "REVIEW_IN_PROGRESS", "User Initiated")
            self._store.put_change_set(change_set)
        return {"Id": change_set.id, "StackId": stack.id}

    def _target(self, request: Request, kind: str, set_name: str) -> Stack | None:
        """Return the stack a change set is for; None when it is still to be made."""
        stack_name = requests.required(request, "StackName")
        found = self._store.find(stack_name)
        if kind == "CREATE":
            if found is not None and found.status != "REVIEW_IN_PROGRESS":
                raise invalid(
                    f"Stack [{stack_name}] already exists and cannot be created again "
                    f"with the changeSet [{set_name}]."
                )
            return found
        if found is None or found.status == "DELETE_COMPLETE":
            raise invalid(f"Stack [{stack_name}] does not exist")
        self._updatable(found)
        return found

    def _unfit(self, plan: Plan, stack: Stack, settings: Settings) -> str:
        """Return why a plan cannot be executed, or ""."""
        if plan.problems:
            return "; ".join(plan.problems)
        return NO_CHANGES if self._empty(plan, stack, settings) else ""

    def execute_change_set(self, request: Request) -> Shape:
        """Begin what a change set says; returns at once."""
        with self._store.locked():
            change_set = self._store.change_set(
                requests.required(request, "ChangeSetName"), request.get("StackName")
            )
            if change_set.execution != "AVAILABLE":
                raise ApiError(
                    "InvalidChangeSetStatus",
                    f"ChangeSet [{change_set.id}] cannot be executed in its current status of "
                    f"[{change_set.status if change_set.status == 'FAILED' else change_set.execution}]",
                )
            stack = self._store.stack(change_set.stack_id)
            requests.check_supported(request)
            settings = change_set.settings
            if "DisableRollback" in request:
                chosen = "DO_NOTHING" if request["DisableRollback"] else "ROLLBACK"
                settings = replace(settings, on_failure=chosen)
            settings = replace(settings, token=request.get("ClientRequestToken") or "")
            begin = self._begin(stack, change_set.plan, settings, change_set.id)
            self._store.put_change_set(replace(change_set, execution="EXECUTE_COMPLETE"))
        begin()
        return {}

    def delete_change_set(self, request: Request) -> Shape:
        """Forget a change set, an executed one too; one that does not exist is fine, as on AWS.

        CDK deletes the one it executed before it makes the next, and waits until it is gone.
        """
        try:
            change_set = self._store.change_set(
                requests.required(request, "ChangeSetName"), request.get("StackName")
            )
        except ApiError as error:
            if error.code != "ChangeSetNotFound":
                raise
            return {}
        self._store.drop_change_set(change_set.id)
        return {}
