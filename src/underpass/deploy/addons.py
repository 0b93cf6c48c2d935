"""The add-ons' stacks: what each is given and hands on, in which order, and those no longer wanted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeVar

from underpass.blueprint import Stack
from underpass.blueprint.addons.outputs import PREFIX
from underpass.config import Config, addons
from underpass.deploy.stacks import changes, data_loss
from underpass.deploy.stacks import stack as existing

_APPLICATION, _ADDON = "underpass:application", "underpass:addon"
_IMPORT = "Fn::ImportValue"
V = TypeVar("V")


def label(config: Config, stack: str) -> str:
    """Return the name of the add-on whose stack it is; empty for any other stack."""
    name = stack.removeprefix(f"{config.name}-addon-")
    return "" if name == stack else name


def tags(config: Config, stack: str) -> dict[str, str]:
    """Return what marks an add-on's stack as one, of this application; nothing for any other stack."""
    name = label(config, stack)
    return {_APPLICATION: config.name, _ADDON: name} if name else {}


def given(config: Config, handed: Mapping[str, V]) -> dict[str, V]:
    """Return what an add-on's parameters get by their names, of what was ``handed`` on so far."""
    of_others = {
        name.removeprefix(PREFIX): value
        for name, value in handed.items()
        if name.startswith(PREFIX)
    }
    return of_others | {name: handed[name] for name in addons.handed(config) if name in handed}


def handing(config: Config, stack: str, outputs: Mapping[str, V]) -> dict[str, V]:
    """Return a stack's outputs under the names by which later stacks are given them."""
    prefix = PREFIX if label(config, stack) else ""
    return {f"{prefix}{name}": value for name, value in outputs.items()}


def waves(stacks: Iterable[Stack]) -> list[list[Stack]]:
    """Return the add-ons' stacks as they can be made side by side, each after those it is given something of.

    An import says nothing of where it comes from: a stack with one is made after all before it.
    """
    found: list[list[Stack]] = []
    for stack in stacks:
        asks = stack.template.get("Parameters", {}).keys()
        after = [
            number
            for number, wave in enumerate(found, 1)
            if any(asks & one.template.get("Outputs", {}).keys() for one in wave)
        ]
        at = len(found) if _IMPORT in stack.body() else max(after, default=0)
        found += [[]] * (at == len(found))
        found[at] = [*found[at], stack]
    return found


def dropped(cloudformation: Any, config: Config) -> dict[str, existing.Description]:
    """Return the stacks of add-ons that are no longer in the configuration, by the add-on's name."""
    names = {addon.label for addon in config.addons}
    return {
        name: stack for name, stack in _there(cloudformation, config).items() if name not in names
    }


def check(
    cloudformation: Any, config: Config, stacks: Iterable[Stack], allowed: Collection[str]
) -> None:
    """Refuse to take away what holds data and is in no add-on any more, before anything is changed.

    Raises
    ------
    DataLossError
        With everything that is lost and was not ``allowed``.
    """
    wanted = {stack.name: stack.template for stack in stacks}
    data_loss.refuse(
        [
            loss
            for stack in _there(cloudformation, config).values()
            for loss in data_loss.losses(
                stack.name,
                changes.removed(
                    existing.template(cloudformation, stack.name),
                    wanted.get(stack.name, {}),
                    existing.resources(cloudformation, stack.name),
                ),
            )
        ],
        allowed,
    )


def _there(cloudformation: Any, config: Config) -> dict[str, existing.Description]:
    ours = existing.tagged(cloudformation, **{_APPLICATION: config.name})
    return {stack.tags[_ADDON]: stack for stack in ours if _ADDON in stack.tags}
