"""A scope over one template: parameters, mappings and conditions are its own, resources are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from underpass.cloudformation.errors import TemplateError
from underpass.cloudformation.intrinsics import Scope, Unknown, resolve, text
from underpass.cloudformation.parameters import HIDDEN, Value
from underpass.cloudformation.template import Template


def after_apply(logical_id: str) -> Unknown:
    """Answer ``Ref`` before anything runs."""
    return Unknown(frozenset({logical_id}))


def attribute_after_apply(logical_id: str, name: str) -> Unknown:
    """Answer ``Fn::GetAtt`` before anything runs."""
    return Unknown(frozenset({f"{logical_id}.{name}"}))


@dataclass(frozen=True)
class TemplateScope:
    """What the names in one template mean; implements ``intrinsics.Scope``.

    Attributes
    ----------
    pseudo
        Values of ``AWS::Region`` and its kin.
    resource, attribute_of
        Answer ``Ref`` and ``Fn::GetAtt`` of resources; unless given, all are unknown.
    exported
        Answers ``Fn::ImportValue``; raises TemplateError for what nobody exports.
    """

    template: Template
    parameters: Mapping[str, Value]
    pseudo: Mapping[str, Any]
    zones_of: Callable[[str], Sequence[str]]
    exported: Callable[[str], Any]
    resource: Callable[[str], Any] = after_apply
    attribute_of: Callable[[str, str], Any] = attribute_after_apply
    conditions: Mapping[str, bool] = field(default_factory=dict)

    def with_conditions(self) -> TemplateScope:
        """Return the same scope with its conditions evaluated."""
        return replace(self, conditions=evaluate(self.template.conditions, self))

    def masked(self) -> TemplateScope:
        """Return the same scope, with ``NoEcho`` parameters unreadable: for what is shown."""
        shown = {
            name: replace(value, resolved=HIDDEN) if value.hidden else value
            for name, value in self.parameters.items()
        }
        return replace(self, parameters=shown)

    def ref(self, name: str) -> Any:
        """Return a pseudo parameter, a parameter, or what the resource's ``Ref`` is."""
        if name in self.parameters:
            return self.parameters[name].resolved
        if name in self.template.resources:
            return self.resource(name)
        if name in self.pseudo:
            return self.pseudo[name]
        raise TemplateError(f"Template format error: Unresolved resource dependencies [{name}]")

    def attribute(self, logical_id: str, name: str) -> Any:
        """Return an attribute of one of the template's resources."""
        if logical_id not in self.template.resources:
            raise TemplateError(
                f"Template error: instance of Fn::GetAtt references undefined resource {logical_id}"
            )
        return self.attribute_of(logical_id, name)

    def imported(self, name: str) -> Any:
        """Return another stack's export."""
        return self.exported(name)

    def zones(self, region: str) -> Sequence[str]:
        """Return the Availability Zones of a region."""
        return self.zones_of(region)

    def mapped(self, mapping: str, top: str, second: str) -> Any:
        """Return an entry of ``Mappings``."""
        try:
            return self.template.mappings[mapping][top][second]
        except (KeyError, TypeError):
            raise TemplateError(
                f"Template error: Unable to get mapping for {mapping}::{top}::{second}"
            ) from None

    def condition(self, name: str) -> bool:
        """Tell whether a condition holds."""
        if name not in self.conditions:
            raise TemplateError(
                f"Template error: unresolved condition dependency {name} in the template"
            )
        return self.conditions[name]


# Conditions: which of the section hold


def evaluate(conditions: Mapping[str, Any], scope: Scope) -> dict[str, bool]:
    """Return whether each condition holds.

    Parameters
    ----------
    conditions
        The section as written.
    scope
        Answers parameters, mappings and pseudo parameters; its ``condition`` is not asked.

    Raises
    ------
    TemplateError
        For a condition that does not exist, is malformed, or needs itself.
    """
    evaluation = _Evaluation(conditions, scope)
    return {name: evaluation.named(name, ()) for name in conditions}


class _Evaluation:
    def __init__(self, conditions: Mapping[str, Any], scope: Scope) -> None:
        self._conditions = conditions
        self._scope = scope
        self._known: dict[str, bool] = {}

    def named(self, name: str, path: tuple[str, ...]) -> bool:
        if name in path:
            cycle = ", ".join((*path[path.index(name) :], name))
            raise TemplateError(
                f"Template format error: Circular dependency between conditions: [{cycle}]"
            )
        if name not in self._conditions:
            raise TemplateError(
                f"Template format error: Unresolved condition dependency {name} "
                "in the Conditions block of the template"
            )
        if name not in self._known:
            self._known[name] = self._holds(self._conditions[name], (*path, name))
        return self._known[name]

    def _holds(self, expression: Any, path: tuple[str, ...]) -> bool:
        name, argument = next(iter(expression.items())) if _single(expression) else ("", None)
        match name:
            case "Condition":
                return self.named(str(argument), path)
            case "Fn::Equals":
                left, right = (resolve(item, self._scope) for item in _list(name, argument, 2, 2))
                return bool(_comparable(left) == _comparable(right))
            case "Fn::Not":
                return not self._all_of(name, argument, path, 1, 1)[0]
            case "Fn::And":
                return all(self._all_of(name, argument, path, 2, 10))
            case "Fn::Or":
                return any(self._all_of(name, argument, path, 2, 10))
        raise TemplateError(
            f"Template format error: condition {path[-1]} must be one of Fn::Equals, Fn::Not, Fn::And, "
            "Fn::Or, Condition"
        )

    def _all_of(
        self, name: str, argument: Any, path: tuple[str, ...], least: int, most: int
    ) -> list[bool]:
        return [self._holds(item, path) for item in _list(name, argument, least, most)]


def _single(expression: Any) -> bool:
    return isinstance(expression, Mapping) and len(expression) == 1


def _comparable(value: Any) -> Any:
    return text(value) if isinstance(value, bool | int | float) else value


def _list(name: str, argument: Any, least: int, most: int) -> list[Any]:
    if not (isinstance(argument, list) and least <= len(argument) <= most):
        how_many = str(least) if least == most else f"{least} to {most}"
        raise TemplateError(
            f"Template error: every {name} object requires a list of {how_many} values."
        )
    return argument
