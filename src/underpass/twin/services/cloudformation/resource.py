"""The base of every provider: calls, waits, removal and tags, said once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

from underpass.twin.services.cloudformation import service_calls
from underpass.twin.services.cloudformation.resource_type import (
    Physical,
    Properties,
    ProvisionError,
    ResourceType,
)
from underpass.twin.services.cloudformation.tagging import Tagging

log = logging.getLogger(__name__)
T = TypeVar("T")
READY_S = 60.0  # far more than anything but a task or a database takes here
IN_USE_S = 30.0


def names(text: str) -> frozenset[str]:
    """Return the names in ``text``, which are separated by blanks."""
    return frozenset(text.split())


# What is published when something the twin runs comes to be, or not: a state is asked for anew after these.
OBSERVED = names(
    "autoscaling balancers databases ecs elasticloadbalancing health instances interfaces rds tasks"
)


def changed(old: Properties, new: Properties, properties: str) -> bool:
    """Tell whether any of ``properties`` (separated by blanks) differs."""
    return any(old.get(name) != new.get(name) for name in properties.split())


def without(properties: Properties, left_out: str) -> dict[str, Any]:
    """Return ``properties`` but for those of ``left_out`` (separated by blanks)."""
    return {key: value for key, value in properties.items() if key not in left_out.split()}


def only(properties: Properties, name: str, allowed: str) -> None:
    """Refuse a property with any value the twin cannot give effect to."""
    value = properties.get(name, allowed)
    if value not in (allowed, [allowed]):
        raise ProvisionError(f"{name} {value} is not available on the twin, only {allowed}")


def attributes(*sources: Mapping[str, Any], **named: Any) -> dict[str, Any]:
    """Return what ``Fn::GetAtt`` may answer: all that is known and not None, a later source wins."""
    merged: dict[str, Any] = {}
    for source in (*sources, named):
        merged |= source
    return {key: value for key, value in merged.items() if value is not None}


class Resource(ResourceType):
    """A provider whose resource belongs to one service."""

    inert: ClassVar[frozenset[str]] = frozenset()
    service: ClassVar[str]
    """The service's name in boto3."""
    tagging: ClassVar[Tagging] = Tagging()

    def call(
        self, operation: str, properties: Properties = service_calls.NOTHING, /, **named: Any
    ) -> Any:
        """Call an action of the resource's own service; see ``api.call``. What is inert stays out."""
        heeded = {key: value for key, value in properties.items() if key not in self.inert}
        return service_calls.call(self.region.clients(self.service), operation, heeded, **named)

    def one(self, operation: str, key: str, **named: Any) -> Mapping[str, Any] | None:
        """Return the first of what a describe action lists under ``key``; None when there is none."""
        try:
            found = self.call(operation, **named)[key]
        except service_calls.RefusedError as refused:
            if refused.gone:
                return None
            raise
        return found[0] if found else None

    def until(self, probe: Callable[[], T | None], what: str, *, timeout_s: float = READY_S) -> T:
        """Return the first truthy answer of ``probe``; ``what`` is the reason when none comes in time."""
        try:
            topics = OBSERVED | {self.service}
            return self.region.feed.wait(probe, timeout_s=timeout_s, what=what, topics=topics)
        except TimeoutError as late:
            raise ProvisionError(f"{what} (after {timeout_s:g} s)") from late

    def in_state(
        self,
        describe: Callable[[], Mapping[str, Any] | None],
        key: str,
        *good: str,
        bad: str = "failed",
        timeout_s: float = READY_S,
    ) -> Mapping[str, Any]:
        """Return what ``describe`` says once its ``key`` is one of ``good`` (case aside).

        Raises
        ------
        ProvisionError
            When it becomes one of ``bad`` (separated by blanks), or nothing good in time.
        """
        wanted, lost = {state.lower() for state in good}, set(bad.lower().split())

        def settled() -> Mapping[str, Any] | None:
            found = describe()
            state = str(found[key]).lower() if found else "deleted"
            if state in lost:
                told = [info.get("Message", "") for info in (found or {}).get("StatusInfos") or ()]
                reason = ": ".join(
                    [f"{self.type} became {state} instead of {' or '.join(good)}", *told]
                )
                raise ProvisionError(reason)
            return found if state in wanted else None

        return self.until(
            settled, f"{self.type} did not become {' or '.join(good)}", timeout_s=timeout_s
        )

    def remove(self, operation: str, /, **named: Any) -> None:
        """Call a delete action: what is gone already is fine, what is in use is tried again."""
        refusals: list[service_calls.RefusedError] = []

        def removed() -> bool:
            try:
                self.call(operation, **named)
            except service_calls.RefusedError as refused:
                if not (refused.gone or refused.in_use):
                    raise
                refusals.append(refused)
                return refused.gone
            return True

        try:
            self.region.feed.wait(removed, timeout_s=IN_USE_S, what=operation)
        except TimeoutError:
            raise refusals[-1] from None

    def until_gone(
        self, describe: Callable[[], Mapping[str, Any] | None], *, timeout_s: float = READY_S
    ) -> None:
        """Wait until ``describe`` finds nothing, or something whose state is deleted."""

        def gone() -> bool:
            found = describe()
            return found is None or str(found.get("State", "")).lower() == "deleted"

        self.until(gone, f"{self.type} was not deleted", timeout_s=timeout_s)

    @contextmanager
    def undone_on_failure(self, physical: Physical, properties: Properties) -> Iterator[None]:
        """Delete ``physical`` again if the block fails: a failed ``create`` leaves nothing behind."""
        try:
            yield
        except BaseException:
            try:
                self.delete(physical, properties)
            except ProvisionError:
                log.exception("%s %s failed and is left behind", self.type, physical.id)
            raise

    def retag(self, resource: str, old: Any, new: Any) -> None:
        """Lead the tags of ``resource`` from ``old`` to ``new``; both as templates write them."""
        for operation, parameters in self.tagging.changes(resource, old, new):
            self.call(operation, **parameters)
