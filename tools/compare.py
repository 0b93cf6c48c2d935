"""What a change of the configuration does to each stack: added, removed, changed in place, replaced.

Both sides are resolved in the same made-up account. What comes from a resource that is replaced is a new
value, so whatever refers to it changes too, in this stack and in those it is handed to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.templates.emitted import part
from tests.templates.sample import Account, Deployed
from tools import registry

from underpass.cloudformation import graph
from underpass.cloudformation.intrinsics import resolve
from underpass.cloudformation.template import from_document
from underpass.config.model import Config

KEPT = ("Retain", "Snapshot")  # the policies of what holds data
Renewed = set[tuple[str, str, str]]  # stack, logical id, and the attribute that is new; "" for all

_accounts: dict[str, Account] = {}


@dataclass
class Effect:
    """What happens to the resources of one part of the pattern."""

    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    perhaps: list[str] = field(default_factory=list)  # replaced, or changed in place
    data: dict[str, str] = field(default_factory=dict)  # what becomes of those that hold data


def compare(before: Config, after: Config) -> dict[str, Effect]:
    """Return the effects by part of the pattern; parts that do not change are left out."""
    old, new = _account(before), _account(after)
    found: dict[str, Effect] = {}
    renewed: Renewed = set()  # of all stacks so far: whoever is given one sees a new value
    for name in dict.fromkeys([*old.stacks, *new.stacks]):
        one, other = old.stacks.get(name), new.stacks.get(name)
        owner = before if one else after
        effect = _effect(one, other, renewed)
        if any(vars(effect).values()):
            stack = one or other
            assert stack
            merged = found.setdefault(part(owner, stack.stack), Effect())
            _merge(merged, effect)
    return found


def _account(config: Config) -> Account:
    """Return the account of a configuration: most changes start from the same one."""
    known = config.model_dump_json()
    if known not in _accounts:
        _accounts[known] = Account(config)
    return _accounts[known]


def _effect(old: Deployed | None, new: Deployed | None, renewed: Renewed) -> Effect:
    effect = Effect()
    if new:
        for logical_id in _in_order(new):
            if not old or logical_id not in old.resources:
                effect.added.append(logical_id)
            else:
                _changed(effect, old, new, logical_id, renewed)
    gone = [one for one in old.resources if not new or one not in new.resources] if old else []
    for logical_id in gone:
        assert old
        effect.removed.append(logical_id)
        if (policy := old.resources[logical_id].get("DeletionPolicy")) in KEPT:
            effect.data[logical_id] = policy
    return effect


def _changed(
    effect: Effect, old: Deployed, new: Deployed, logical_id: str, renewed: Renewed
) -> None:
    resource = new.resources[logical_id]
    type_ = resource["Type"]
    before = old.properties(logical_id)
    # A reference to what was replaced reads differently, whatever the sample account calls it.
    after = resolve(resource.get("Properties", {}), _Marking(new, renewed))
    if type_ != old.resources[logical_id]["Type"] or registry.replaces(type_, before, after):
        effect.replaced.append(logical_id)
    elif registry.may_replace(type_, before, after):
        effect.perhaps.append(logical_id)
    elif before != after or _settings(old.resources[logical_id]) != _settings(resource):
        effect.changed.append(logical_id)
        if type_ == "AWS::EC2::LaunchTemplate":
            renewed.add((new.stack.name, logical_id, "LatestVersionNumber"))
        return
    else:
        return
    if logical_id in effect.replaced:
        renewed.add((new.stack.name, logical_id, ""))
    if (policy := old.resources[logical_id].get("UpdateReplacePolicy")) in KEPT:
        effect.data[logical_id] = policy


def _settings(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return a resource without what only says when it is made, a change of which changes nothing."""
    return {key: value for key, value in resource.items() if key != "DependsOn"}


@dataclass(frozen=True)
class _Marking:
    """A scope in which every value that comes from a replaced resource is another one than before."""

    inner: Deployed
    renewed: Renewed

    def ref(self, name: str) -> Any:
        if name in self.inner.parameters:
            return self.inner.parameter(name, lambda one: _Marking(one, self.renewed))
        return self._marked(self.inner.ref(name), name, "")

    def attribute(self, logical_id: str, name: str) -> Any:
        return self._marked(self.inner.attribute(logical_id, name), logical_id, "", name)

    def __getattr__(self, name: str) -> Any:  # zones, mappings and conditions are the same
        return getattr(self.inner, name)

    def _marked(self, value: Any, logical_id: str, *names: str) -> Any:
        stack = self.inner.stack.name
        if not any((stack, logical_id, name) in self.renewed for name in names):
            return value
        return [f"new {one}" for one in value] if isinstance(value, list) else f"new {value}"


def _in_order(stack: Deployed) -> tuple[str, ...]:
    """Return logical ids, each after those it refers to."""
    return graph.order(graph.dependencies(from_document(stack.stack.template), {}))


def _merge(into: Effect, other: Effect) -> None:
    for name, value in vars(other).items():
        target = getattr(into, name)
        if isinstance(value, dict):
            target.update(value)
        else:
            target.extend(one for one in value if one not in target)
