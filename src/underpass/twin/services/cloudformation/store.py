"""The stacks of the region, behind one lock: what is checked and then changed happens as one."""

from __future__ import annotations

import json
import logging
import threading
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from underpass.twin.services.cloudformation.model import (
    STACK_TYPE,
    ApiError,
    ChangeSet,
    Event,
    Output,
    Record,
    Stack,
    invalid,
)

log = logging.getLogger(__name__)


class Store:
    """Keeps stacks, resources, events and change sets.

    Parameters
    ----------
    changed
        Called after every event, outside the lock.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._lock = threading.RLock()
        self._stacks: dict[str, Stack] = {}
        self._records: dict[str, dict[str, Record]] = {}
        self._events: dict[str, list[Event]] = {}
        self._change_sets: dict[str, ChangeSet] = {}
        self._left: defaultdict[str, dict[tuple[str, int], Record]] = defaultdict(dict)
        self._generations: Counter[tuple[str, str]] = Counter()
        self._latest = datetime.min.replace(tzinfo=UTC)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let nobody else change anything meanwhile."""
        with self._lock:
            yield

    def now(self) -> datetime:
        """Return the time; each answer is later than the one before, so events can be sorted by it."""
        with self._lock:
            self._latest = max(datetime.now(UTC), self._latest + timedelta(microseconds=1))
            return self._latest

    # Stacks

    def stacks(self) -> list[Stack]:
        """Return all stacks, the newest first, deleted ones too."""
        with self._lock:
            return list(reversed(self._stacks.values()))

    def find(self, name_or_id: str) -> Stack | None:
        """Return the stack of that id, or the one of that name that is not deleted."""
        with self._lock:
            found = self._stacks.get(name_or_id)
            if found is not None:
                return found
            named = (stack for stack in self.stacks() if stack.name == name_or_id)
            return next((stack for stack in named if stack.status != "DELETE_COMPLETE"), None)

    def stack(self, name_or_id: str) -> Stack:
        """Return a stack, or refuse as AWS does."""
        found = self.find(name_or_id)
        if found is None:
            raise invalid(f"Stack with id {name_or_id} does not exist")
        return found

    def put(self, stack: Stack) -> Stack:
        """Add or replace a stack."""
        with self._lock:
            self._stacks[stack.id] = stack
            self._records.setdefault(stack.id, {})
            self._events.setdefault(stack.id, [])
        return stack

    def advance(self, stack_id: str, status: str, reason: str = "", **fields: Any) -> Stack:
        """Give a stack a new status, and ``fields``, and write the event."""
        with self._lock:
            before = self._stacks[stack_id]
            stack = self.put(replace(before, status=status, reason=reason, **fields))
            self._note(stack, stack.name, stack.id, STACK_TYPE, status, reason)
        self._changed()
        return stack

    # Resources

    def records(self, stack_id: str) -> dict[str, Record]:
        """Return a stack's resources by logical id."""
        with self._lock:
            return dict(self._records.get(stack_id, {}))

    def owned(self, type_: str, physical_id: str) -> bool:
        """Return whether a resource is a stack's."""
        with self._lock:
            held = [record for records in self._records.values() for record in records.values()]
        return any(
            record.alive and record.type == type_ and record.physical.id == physical_id
            for record in held
            if record.physical is not None
        )

    def record(self, stack_id: str, record: Record, *, keep: bool = True) -> Record:
        """Write an event of a resource and, unless it is another's logical id by now, keep the record."""
        with self._lock:
            physical = record.physical.id if record.physical else ""
            event = self._note(
                self._stacks[stack_id],
                record.logical_id,
                physical,
                record.type,
                record.status,
                record.reason,
                record.shown,
            )
            record = replace(record, timestamp=event.timestamp)
            if keep:
                self._records[stack_id][record.logical_id] = record
        self._changed()
        return record

    def keep(self, stack_id: str, record: Record) -> None:
        """Keep a record without an event."""
        with self._lock:
            self._records[stack_id][record.logical_id] = record

    def forget(self, stack_id: str, logical_id: str) -> None:
        """Drop the record of a resource that is no longer the stack's."""
        with self._lock:
            self._records[stack_id].pop(logical_id, None)

    def leave(self, stack_id: str, record: Record) -> None:
        """Remember a resource that is no longer the stack's and yet still exists."""
        with self._lock:
            self._left[stack_id][record.logical_id, record.generation] = record

    def left(self, stack_id: str) -> list[Record]:
        """Return what was left behind."""
        with self._lock:
            return list(self._left[stack_id].values())

    def no_longer_left(self, stack_id: str, record: Record) -> None:
        """Forget what was left behind: it is gone."""
        with self._lock:
            self._left[stack_id].pop((record.logical_id, record.generation), None)

    def generation(self, stack_id: str, logical_id: str) -> int:
        """Return how many resources of that logical id the stack began to make, and count one more."""
        with self._lock:
            self._generations[stack_id, logical_id] += 1
            return self._generations[stack_id, logical_id] - 1

    # Events

    def events(self, stack_id: str) -> list[Event]:
        """Return a stack's events, the newest first."""
        with self._lock:
            return self._events[stack_id][::-1]

    def _note(
        self,
        stack: Stack,
        logical_id: str,
        physical_id: str,
        type_: str,
        status: str,
        reason: str,
        properties: Mapping[str, Any] | None = None,
    ) -> Event:
        event = Event(
            id=f"{logical_id}-{status}-{uuid.uuid4()}"
            if type_ != STACK_TYPE
            else str(uuid.uuid4()),
            logical_id=logical_id,
            physical_id=physical_id,
            type=type_,
            timestamp=self.now(),
            status=status,
            reason=reason,
            properties=json.dumps(properties, default=str) if properties is not None else "",
            token=stack.settings.token,
        )
        self._events[stack.id].append(event)
        log.info("%s %s %s %s", stack.name, logical_id, status, reason)
        return event

    # Change sets

    def change_sets(self, stack_id: str) -> list[ChangeSet]:
        """Return a stack's change sets."""
        with self._lock:
            return [item for item in self._change_sets.values() if item.stack_id == stack_id]

    def put_change_set(self, change_set: ChangeSet) -> None:
        """Add or replace a change set."""
        with self._lock:
            self._change_sets[change_set.id] = change_set
        self._changed()

    def drop_change_set(self, change_set_id: str) -> None:
        """Forget a change set."""
        with self._lock:
            self._change_sets.pop(change_set_id, None)

    def change_set(self, name_or_id: str, stack: str | None) -> ChangeSet:
        """Return a change set by its id, or by its name and its stack's."""
        with self._lock:
            found = self._change_sets.get(name_or_id)
            if found is None and not name_or_id.startswith("arn:"):
                if not stack:
                    raise invalid(
                        "StackName must be specified if ChangeSetName is not specified as an ARN."
                    )
                of_stack = reversed(self.change_sets(self.stack(stack).id))
                found = next((item for item in of_stack if item.name == name_or_id), None)
            if found is None:
                raise ApiError("ChangeSetNotFound", f"ChangeSet [{name_or_id}] does not exist")
            return found

    # Exports

    def exports(self) -> dict[str, tuple[Stack, Output]]:
        """Return every export by name, with the stack it comes from."""
        with self._lock:
            return {
                output.export: (stack, output)
                for stack in reversed(self.stacks())
                if stack.status != "DELETE_COMPLETE"
                for output in stack.outputs
                if output.export is not None
            }

    def importers(self, export: str) -> list[Stack]:
        """Return the stacks that import ``export``."""
        with self._lock:
            return [
                stack
                for stack in self.stacks()
                if export in stack.imports and stack.status != "DELETE_COMPLETE"
            ]

    def export_conflicts(self, stack: Stack, outputs: tuple[Output, ...]) -> list[str]:
        """Return why ``stack``, which has other outputs so far, may not have these.

        A name may be taken, or an export of the stack may be in use by another.
        """
        with self._lock:
            problems = []
            for output in outputs:
                owner = self.exports().get(output.export or "")
                if owner and owner[0].id != stack.id:
                    problems.append(
                        f"Export with name {output.export} is already exported by stack {owner[0].name}"
                    )
            after = {output.export: output.value for output in outputs}
            for output in stack.outputs:
                users = (
                    [user.name for user in self.importers(output.export)] if output.export else []
                )
                if users and output.export not in after:
                    problems.append(
                        f"Export {output.export} cannot be deleted as it is in use by {', '.join(users)}"
                    )
                elif (
                    users
                    and isinstance(after[output.export], str)
                    and after[output.export] != output.value
                ):
                    problems.append(
                        f"Export {output.export} cannot be updated as it is in use by {', '.join(users)}"
                    )
            names = [output.export for output in outputs if output.export]
            problems += [
                f"Duplicate Export names: {name}"
                for name in sorted(set(names))
                if names.count(name) > 1
            ]
            return problems
