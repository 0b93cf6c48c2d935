"""The actions that begin something on a stack without a change set."""

from __future__ import annotations

from dataclasses import replace

from underpass.twin.services.cloudformation.actions import requests
from underpass.twin.services.cloudformation.actions.core import Core, Shape
from underpass.twin.services.cloudformation.actions.requests import Request
from underpass.twin.services.cloudformation.execution.rollback import Rollback
from underpass.twin.services.cloudformation.model import ApiError, Stack, invalid
from underpass.twin.services.cloudformation.planning import check_capabilities

NO_UPDATES = "No updates are to be performed."


class Stacks(Core):
    """Creates, updates and deletes stacks."""

    def create_stack(self, request: Request) -> Shape:
        """Create a stack without a change set."""
        stack_name = requests.name(request, "StackName")
        template = requests.template(request, self._lookups, None)
        check_capabilities(template, request.get("Capabilities") or ())
        stack = self._new_stack(stack_name)
        stack = replace(stack, protected=bool(request.get("EnableTerminationProtection")))
        settings = self._settings(request, None)
        plan = self._plan(stack, template, requests.parameters(request, None), settings)
        if plan.problems:
            raise invalid("; ".join(plan.problems))
        with self._store.locked():
            if self._store.find(stack_name) is not None:
                raise ApiError("AlreadyExistsException", f"Stack [{stack_name}] already exists")
            self._store.put(stack)
            begin = self._begin(stack, plan, settings)
        begin()
        return {"StackId": stack.id}

    def update_stack(self, request: Request) -> Shape:
        """Update a stack without a change set."""
        stack = self._store.stack(requests.required(request, "StackName"))
        self._updatable(stack)
        template = requests.template(request, self._lookups, stack)
        check_capabilities(template, request.get("Capabilities") or ())
        settings = self._settings(request, stack)
        plan = self._plan(stack, template, requests.parameters(request, stack), settings)
        if plan.problems:
            raise invalid("; ".join(plan.problems))
        if self._empty(plan, stack, settings):
            raise invalid(NO_UPDATES)
        with self._store.locked():
            begin = self._begin(stack, plan, settings)
        begin()
        return {"StackId": stack.id}

    def continue_update_rollback(self, request: Request) -> Shape:
        """Go on with a rollback that got stuck; returns at once.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ContinueUpdateRollback.html
        """
        skipped = frozenset(request.get("ResourcesToSkip") or ())
        role_arn = self._role(request)
        with self._store.locked():
            stack = self._store.stack(requests.required(request, "StackName"))
            rollback = self._stuck(stack, skipped)
            token = request.get("ClientRequestToken") or ""
            settings = replace(stack.settings, role_arn=role_arn, token=token)
            self._store.put(replace(stack, settings=settings))
            stack = self._store.advance(stack.id, "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated")
        self._run(stack, "UPDATE_ROLLBACK_FAILED", lambda: rollback.run(skipped))
        return {}

    def _stuck(self, stack: Stack, skipped: frozenset[str]) -> Rollback:
        """Return the stack's rollback that got stuck, if it did, and may go on without ``skipped``."""
        if stack.status != "UPDATE_ROLLBACK_FAILED":
            raise invalid(
                f"Stack:{stack.id} is in {stack.status} state and can not continue update rollback."
            )
        rollback = self._operations[stack.id].rollback
        if rollback is None:  # an internal failure, which is in its events
            raise invalid(f"Stack:{stack.id} has no rollback to continue; it can only be deleted.")
        if wrong := sorted(skipped - rollback.stuck):
            raise invalid(
                f"Resources {wrong} can not be skipped: only those in UPDATE_FAILED state because the "
                "rollback failed can be"
            )
        return rollback

    def delete_stack(self, request: Request) -> Shape:
        """Begin to delete a stack; one that does not exist is fine, as on AWS."""
        role_arn = self._role(request)
        with self._store.locked():
            stack = self._store.find(requests.required(request, "StackName"))
            if stack is None or stack.status == "DELETE_COMPLETE":
                return {}
            if stack.busy:
                raise invalid(
                    f"Stack [{stack.name}] cannot be deleted while in status {stack.status}"
                )
            if stack.protected:
                raise invalid(
                    f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
                )
            requests.check_supported(request)
            retain = frozenset(request.get("RetainResources") or ())
            if retain and stack.status != "DELETE_FAILED":
                raise invalid(
                    "Invalid operation on stack: RetainResources is only for a stack in DELETE_FAILED"
                )
            in_use = self._store.export_conflicts(stack, ())
            if in_use:
                raise invalid("; ".join(in_use))
            token = request.get("ClientRequestToken") or ""
            settings = replace(stack.settings, role_arn=role_arn, token=token)
            self._drop_change_sets(stack)
            self._store.put(replace(stack, settings=settings))
            stack = self._store.advance(stack.id, "DELETE_IN_PROGRESS", "User Initiated")
        operation = self._operation(stack)
        self._run(stack, "DELETE_FAILED", lambda: operation.delete(retain))
        return {}

    def update_termination_protection(self, request: Request) -> Shape:
        """Allow or forbid the deletion of a stack."""
        with self._store.locked():
            stack = self._store.stack(requests.required(request, "StackName"))
            protected = bool(request.get("EnableTerminationProtection"))
            self._store.put(replace(stack, protected=protected))
        return {"StackId": stack.id}
