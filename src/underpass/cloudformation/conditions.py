"""The ``Conditions`` section: which of its conditions hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from underpass.cloudformation.errors import TemplateError
from underpass.cloudformation.intrinsics import Scope, resolve, text


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
