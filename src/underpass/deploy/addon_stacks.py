"""The steps of a deployment that are about add-ons: made before the tasks, dropped once none uses them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Protocol

from underpass.blueprint import Stack
from underpass.config import Config
from underpass.deploy import addons
from underpass.deploy.stacks import stack as existing
from underpass.deploy.stacks import two_phase
from underpass.deploy.steps import Step, Steps, kept, unwrapped
from underpass.deploy.target import Target

Outputs = Mapping[str, str]


class Bring(Protocol):
    """Brings a stack to what its template says, and returns its outputs."""

    def __call__(self, stack: Stack, known: Outputs, step: Step) -> Outputs:
        """Deploy ``stack`` with ``known`` parameters."""


class AddonStacks:
    """The add-ons of one deployment."""

    def __init__(self, config: Config, target: Target, steps: Steps, bring: Bring) -> None:
        self._config = config
        self._target = target
        self._steps = steps
        self._bring = bring

    def deploy(
        self, stacks: Collection[Stack], foundation: Outputs
    ) -> tuple[list[tuple[Stack, Stack]], Outputs]:
        """Deploy the add-ons; return each as it is and as it is wanted, and what they hand on."""
        brought: list[tuple[Stack, Stack]] = []
        handed = dict(foundation)
        for wave in addons.waves(stacks):
            given = addons.given(self._config, handed)
            made = self._steps.together(*(partial(self._one, one, given) for one in wave))
            for stack, (deployed, outputs) in zip(wave, made, strict=True):
                brought.append((deployed, stack))
                handed |= addons.handing(self._config, stack.name, outputs)
        return brought, {name: handed[name] for name in handed.keys() - foundation.keys()}

    def _one(self, wanted: Stack, given: Outputs) -> tuple[Stack, Outputs]:
        """Deploy an add-on, still with what tasks use of it so far, and return it so."""
        with self._steps.step(f"addon {addons.label(self._config, wanted.name)}") as step:
            deployed = existing.deployed(self._target.client("cloudformation"), wanted.name, step)
            stack = two_phase.while_used(wanted, deployed)
            asked = stack.template.get("Parameters", {}).keys() - stack.parameters.keys()
            return stack, self._bring(
                stack, {key: given[key] for key in asked & given.keys()}, step
            )

    def drop(self) -> None:
        """Delete the stacks of add-ons that are not in the configuration: no task uses them any more."""
        dropped = addons.dropped(self._target.client("cloudformation"), self._config)
        # One may use what another has: whichever cannot go now goes with the next run.
        jobs = [kept(partial(self._drop, *one)) for one in dropped.items()]
        for ended in self._steps.together(*jobs):
            unwrapped(ended)

    def _drop(self, name: str, there: existing.Description) -> None:
        with self._steps.step(f"addon {name}") as step:
            cloudformation = self._target.client("cloudformation")
            if existing.settled(cloudformation, there.name, step):
                template = existing.template(cloudformation, there.name)
                ids = existing.resources(cloudformation, there.name)
                existing.delete(cloudformation, there, self._steps.clock)
                for farewell in two_phase.farewells(template, {}, ids, self._target.snapshots):
                    step.tell("warning", farewell)
            step.outcome = "removed: it is no longer in underpass.toml"
