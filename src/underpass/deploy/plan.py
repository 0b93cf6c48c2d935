"""What a deployment would change, stack by stack; nothing is changed.

For each stack that exists CloudFormation is asked, through a change set that is deleted again. What the
application's image would be is not: it is built only by a deployment, so the one that runs is assumed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from underpass import blueprint
from underpass.blueprint import Stack
from underpass.blueprint.service.secrets import BESIDE, VERSIONS
from underpass.config import Config
from underpass.deploy import (
    addons,
    admission,
    consumers,
    database,
    hosts,
    leaving,
    network,
    secret_versions,
)
from underpass.deploy.clock import Clock
from underpass.deploy.stacks import changes, changesets, data_loss, templates, two_phase
from underpass.deploy.stacks import stack as existing
from underpass.deploy.stacks.changes import Change
from underpass.deploy.stacks.changesets import NotExecutableError
from underpass.deploy.stacks.stack import Description
from underpass.deploy.stacks.templates import Carry
from underpass.deploy.stacks.two_phase import Template
from underpass.deploy.target import Target
from underpass.errors import UnderpassError

LATER = "known-once-deployed"  # for a parameter whose value an earlier stack will make

_GONE = {
    "database": "the database is gone",
    "addon": "its add-on is gone",
}


@dataclass(frozen=True)
class StackPlan:
    """What would become of one stack.

    Attributes
    ----------
    action
        ``create``, ``update``, ``delete``, or ``none``.
    note
        What is not known of it, and why; empty if nothing.
    admission
        Who gets or loses the way in over PrivateLink, as a sentence; empty if nobody does.
    upgrade
        To which version the database would go, and what that is; empty if it stays.
    """

    name: str
    action: str
    changes: tuple[Change, ...] = ()
    note: str = ""
    admission: str = ""
    upgrade: str = ""

    @property
    def losses(self) -> tuple[data_loss.Loss, ...]:
        """What would take data away."""
        return data_loss.losses(self.name, self.changes)


def plan(
    config: Config, target: Target | None, clock: Clock | None = None
) -> tuple[StackPlan, ...]:
    """Return what a deployment of ``config`` would do, in its order.

    Parameters
    ----------
    target
        Where it would go; None when nothing is there yet.

    Raises
    ------
    UnderpassError
        When CloudFormation cannot tell: it is at work on a stack, or refuses a template.
    """
    if target is None:
        stacks = blueprint.stacks(config)
        return tuple(StackPlan(s.name, "create", changes.created(s.template)) for s in stacks)
    config = network.located(config, target)
    config, _ = network.supplied(config, target, make=False)
    stacks = blueprint.stacks(config)
    return tuple(_Planning(config, target, clock or Clock()).plans(stacks))


def refuse(plans: Collection[StackPlan], allowed: Collection[str]) -> None:
    """Raise, as a deployment would, when a change cannot be made or takes data away that is not ``allowed``.

    Raises
    ------
    MoveError
        When the application would leave its VPC.
    OutageError
        When the ALB would lose its tasks.
    DataLossError
        With everything that is lost, of all stacks.
    """
    for one in plans:
        data_loss.stay(one.name, one.changes)
        data_loss.serve(one.name, one.changes, allowed)
    data_loss.refuse([loss for one in plans for loss in one.losses], allowed)


class _Planning:
    """One look at everything that is deployed."""

    def __init__(self, config: Config, target: Target, clock: Clock) -> None:
        self._config = config
        self._target = target
        self._clock = clock
        self._carry: Carry = templates.in_request
        self._handed: dict[str, str | None] = {}  # what stacks hand on; None: not known yet
        self._zones: dict[str, str] = {}  # names by parameters, once they are needed

    def plans(self, stacks: Collection[Stack]) -> Iterator[StackPlan]:
        names = {f"{self._config.name}-consumer-{one.name}": one for one in self._config.consumers}
        for stack in stacks:
            consumer = names.get(stack.name)
            tags = addons.tags(self._config, stack.name)
            handed: Mapping[str, str | None] = self._handed
            if consumer:  # it may be elsewhere, and means its own VPC by the same name
                tags, handed = consumers.tags(self._config, consumer.name), {}
            elif tags:
                handed = addons.given(self._config, handed)
            yield self._one(self._target.client("cloudformation", consumer), stack, tags, handed)
        yield from self._leaving()

    def _leaving(self) -> Iterator[StackPlan]:
        """Yield the stacks that go, in the order in which a deployment deletes them."""
        cloudformation, config = self._target.client("cloudformation"), self._config
        for gone in consumers.dropped(self._target, config):
            yield self._gone(gone.cloudformation, gone.stack, gone.why)
        left: list[tuple[Description | None, str]] = [
            *(
                (one, f"there is no {part} any more")
                for part, one in leaving.left(cloudformation, config).items()
            ),
            (database.left(cloudformation, config), _GONE["database"]),
            *((one, _GONE["addon"]) for one in addons.dropped(cloudformation, config).values()),
        ]
        for there, why in left:
            if there:
                yield self._gone(cloudformation, there, why)

    @staticmethod
    def _gone(cloudformation: Any, stack: Description, why: str) -> StackPlan:
        template = existing.template(cloudformation, stack.name)
        ids = existing.resources(cloudformation, stack.name)
        return StackPlan(stack.name, "delete", changes.removed(template, {}, ids), why)

    def _one(
        self,
        cloudformation: Any,
        stack: Stack,
        tags: dict[str, str],
        handed: Mapping[str, str | None],
    ) -> StackPlan:
        there = existing.describe(cloudformation, stack.name)
        if there is None or there.unusable:
            note = f"it is {there.status}, and made anew" if there else ""
            self._hand(stack, dict.fromkeys(stack.template.get("Outputs", {})))
            return StackPlan(stack.name, "create", changes.created(stack.template), note)
        if there.busy:
            raise UnderpassError(
                f"stack {stack.name} is {there.status}",
                "what it will be is known when that has ended",
                "run the command again then",
            )
        deployed = existing.template(cloudformation, stack.name)
        ids = existing.resources(cloudformation, stack.name)
        first, upgraded = not self._handed, ""  # the foundation
        wide = two_phase.while_used(stack, deployed)
        later = () if wide is stack else changes.removed(deployed, stack.template, ids)
        if first:
            from underpass.deploy.preflight import (
                upgrade,
                zones,
            )  # with botocore: a first plan has no need

            self._zones = network.named(zones.application(self._config, self._target))
            upgraded = upgrade.look(self._config, self._target)
        values, unknown = _values(wide, deployed, {**handed, **self._zones} if first else handed)
        values |= hosts.newest(self._target.client, stack)
        if not {VERSIONS, BESIDE}.isdisjoint(stack.template.get("Parameters", {})):
            values |= secret_versions.current(self._target.client, self._config, handed)
        note = f"a deployment looks {', '.join(unknown)} up" if unknown else ""
        if not note:
            try:
                found = (
                    changesets.preview(
                        cloudformation, wide, values, self._clock, tags, there, self._carry
                    )
                    + later
                )
            except NotExecutableError as error:
                if LATER not in values.values():
                    raise
                note = f"what it is given is not known yet: {error.why}"
        if note:  # the templates tell what changes, and only CloudFormation what is replaced
            found = changes.compared(deployed, stack.template, ids)
            note = f"what would be replaced is not known yet: {note}"
        self._hand(stack, {**_handing(stack, deployed, there.outputs, found), **self._zones})
        if bucket := there.outputs.get("WorkBucketName"):
            self._carry = templates.by(self._target.client("s3"), bucket)
        said = admission.change(deployed, stack.template)
        does = "update" if found else "none"
        return StackPlan(stack.name, does, found, note, said, upgraded)

    def _hand(self, stack: Stack, outputs: Mapping[str, str | None]) -> None:
        self._handed |= addons.handing(self._config, stack.name, outputs)


def _handing(
    stack: Stack,
    deployed: Template,
    outputs: Mapping[str, str],
    found: Collection[Change],
) -> dict[str, str | None]:
    """Return the outputs a stack will have: as they are, None for those that will be others."""
    renewed = {one.logical_id for one in found if one.replacement == "True"}
    before = deployed.get("Outputs", {})
    return {
        name: outputs.get(name)
        if output == before.get(name) and renewed.isdisjoint(_words(output))
        else None
        for name, output in stack.template.get("Outputs", {}).items()
    }


def _words(value: Any) -> Iterator[str]:
    """Yield every word in a template's value, among which are the logical ids it refers to."""
    if isinstance(value, str):
        yield from re.findall(r"\w+", value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _words(item)
    elif isinstance(value, list):
        for item in value:
            yield from _words(item)


def _values(
    stack: Stack, deployed: Template, handed: Mapping[str, str | None]
) -> tuple[dict[str, str | None], tuple[str, ...]]:
    """Return what is known of a stack's parameters, None for what stays, and those nobody knows yet.

    What an earlier stack will hand on is LATER, when that is not known yet: any other value shows what it
    changes. What only a deployment knows, such as the image, stays as it is.
    """
    wanted, had = stack.template.get("Parameters", {}), deployed.get("Parameters", {})
    asked = [
        key
        for key in wanted
        if key not in stack.parameters and ("Default" not in wanted[key] or key in handed)
    ]
    kept = dict.fromkeys(key for key in wanted if key in had)
    given = {key: LATER if handed[key] is None else handed[key] for key in asked if key in handed}
    unknown = tuple(key for key in asked if key not in had and key not in given)
    return {**kept, **given, **stack.parameters}, unknown
