"""What the actions share: the store, the planner, and how an operation on a stack begins."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from underpass.cloudformation.errors import TemplateError
from underpass.cloudformation.template import Template
from underpass.twin.region.context import Region
from underpass.twin.region.topics import Topic
from underpass.twin.services.cloudformation.actions import requests
from underpass.twin.services.cloudformation.actions.requests import Request
from underpass.twin.services.cloudformation.execution.journal import Journal
from underpass.twin.services.cloudformation.execution.operation import Operation
from underpass.twin.services.cloudformation.execution.schedule import Spawn, in_thread
from underpass.twin.services.cloudformation.lookups import Lookups
from underpass.twin.services.cloudformation.model import (
    UNFINISHED,
    UPDATABLE,
    Plan,
    Settings,
    Stack,
    invalid,
)
from underpass.twin.services.cloudformation.planning import Planner
from underpass.twin.services.cloudformation.resource_type import ResourceType
from underpass.twin.services.cloudformation.store import Store

log = logging.getLogger(__name__)

Shape = dict[str, Any]
MOMENT_S = 0.5
"""How long an action waits for what it began: ``aws cloudformation deploy`` looks once when the action
returns and then every 30 s, which a stack that is there in 50 ms need not cost."""


class Core:
    """Base of the actions; see ``engine.Engine`` for the parameters."""

    def __init__(
        self, region: Region, resource_types: Mapping[str, ResourceType], spawn: Spawn = in_thread
    ) -> None:
        self._store = Store(lambda: region.feed.publish(Topic.CLOUDFORMATION))
        self._lookups = Lookups(region)
        self._planner = Planner(region, self._store, self._lookups, resource_types)
        self._region = region
        self._resource_types = resource_types
        self._spawn = spawn
        self._operations: dict[str, Operation] = {}  # the latest of each stack

    def _empty(self, plan: Plan, stack: Stack, settings: Settings) -> bool:
        """Tell whether a plan would change nothing; what failed halfway can always be gone on with."""
        return (
            not plan.changes
            and plan.outputs == stack.outputs
            and settings.tags == stack.settings.tags
            and stack.status not in UNFINISHED
        )

    def _arn(self, kind: str, name: str) -> str:
        where = f"arn:aws:cloudformation:{self._region.name}:{self._region.account}"
        return f"{where}:{kind}/{name}/{uuid.uuid4()}"

    def _new_stack(self, name: str) -> Stack:
        return Stack(self._arn("stack", name), name, self._store.now(), "REVIEW_IN_PROGRESS")

    def _plan(
        self,
        stack: Stack,
        template: Template,
        given: Mapping[str, str],
        settings: Settings,
        *,
        imports: bool = False,
    ) -> Plan:
        try:
            return self._planner.plan(stack, template, given, settings.tags, imports=imports)
        except TemplateError as error:
            raise invalid(str(error)) from error

    def _settings(self, request: Request, stack: Stack | None) -> Settings:
        """Return what is asked for beside template and parameters; its role has to trust CloudFormation."""
        settings = requests.settings(request, stack)
        self._assumable(settings.role_arn)
        return settings

    def _role(self, request: Request) -> str | None:
        """Return the role of an operation on a stack that is there: the one that is given, or the stack's."""
        stack = self._store.find(requests.required(request, "StackName"))
        if stack is None or stack.status == "DELETE_COMPLETE":
            return None
        return self._assumable(request.get("RoleARN") or stack.settings.role_arn)

    def _assumable(self, role_arn: str | None) -> str | None:
        if role_arn and not self._lookups.assumable(role_arn):
            raise invalid(f"Role {role_arn} is invalid or cannot be assumed")
        return role_arn

    def _updatable(self, stack: Stack) -> None:
        if stack.status not in UPDATABLE:
            raise invalid(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")

    def _preserves(self, stack: Stack, settings: Settings) -> None:
        """Refuse to go on with what failed halfway with a rollback: there is no whole state to return to."""
        if stack.status in UNFINISHED and settings.on_failure != "DO_NOTHING":
            raise invalid(
                f"This stack is currently in a non-terminal [{stack.status}] state. To update the stack from "
                "this state, please use the disable-rollback parameter with update-stack API. To rollback to "
                "the last known good state, use the rollback-stack API"
            )

    def _begin(
        self, stack: Stack, plan: Plan, settings: Settings, change_set_id: str | None = None
    ) -> Callable[[], None]:
        """Give the stack its new status, under the lock; return what starts the work."""
        stack = self._store.stack(stack.id)
        creating = stack.status == "REVIEW_IN_PROGRESS"
        if not creating:
            self._updatable(stack)
            self._preserves(stack, settings)
        missing = sorted(plan.imports - set(self._store.exports()))
        if missing:
            raise invalid(f"No export named {missing[0]} found.")
        fields: Shape = {} if creating else {"updated": self._store.now()}
        if creating:
            fields |= {
                "template": plan.template,
                "parameters": plan.parameters,
            }
        self._store.put(
            replace(stack, settings=settings, change_set_id=change_set_id or stack.change_set_id)
        )
        self._drop_change_sets(stack)
        verb = "CREATE" if creating else "UPDATE"
        self._store.advance(
            stack.id,
            f"{verb}_IN_PROGRESS",
            "User Initiated",
            imports=stack.imports | plan.imports,
            **fields,
        )
        operation = self._operation(stack)
        act = operation.create if creating else operation.update
        failed = "ROLLBACK_FAILED" if creating else "UPDATE_ROLLBACK_FAILED"
        return lambda: self._run(stack, failed, lambda: act(plan, settings.on_failure))

    def _drop_change_sets(self, stack: Stack) -> None:
        """Forget what was planned: it no longer fits the stack."""
        for change_set in self._store.change_sets(stack.id):
            self._store.drop_change_set(change_set.id)

    def _operation(self, stack: Stack) -> Operation:
        journal = Journal(stack, self._store, self._lookups, self._resource_types)
        operation = Operation(journal, self._planner, self._spawn)
        self._operations[stack.id] = operation
        return operation

    def _run(self, stack: Stack, failed: str, act: Callable[[], None]) -> None:
        def run() -> None:
            try:
                act()
            except Exception as error:
                log.exception("the operation on stack %s broke", stack.name)
                self._store.advance(
                    stack.id, failed, f"Internal failure: {type(error).__name__}: {error}"
                )

        self._spawn(stack.name, run)
        with suppress(TimeoutError):
            self._region.feed.wait(
                lambda: not self._store.stack(stack.id).busy, timeout_s=MOMENT_S, what=stack.name
            )
