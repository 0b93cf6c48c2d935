"""Which resource needs which: the dependency graph of a template, and an order that respects it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from underpass.cloudformation.errors import TemplateError
from underpass.cloudformation.intrinsics import SUBSTITUTION, get_att, if_parts, substitutions
from underpass.cloudformation.template import Template

Graph = Mapping[str, frozenset[str]]


def references(value: Any, conditions: Mapping[str, bool]) -> Iterator[str]:
    """Yield every name ``value`` refers to (parameters, pseudo parameters, resources), live branches only."""
    if isinstance(value, Mapping):
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Ref":
                yield str(argument)
                return
            if name == "Fn::GetAtt":
                logical_id, attribute = get_att(argument)
                yield logical_id
                yield from references(attribute, conditions)
                return
            if name == "Fn::Sub":
                yield from _substituted(argument, conditions)
                return
            if name == "Fn::If":
                condition, then, otherwise = if_parts(argument)
                yield from references(then if conditions.get(condition) else otherwise, conditions)
                return
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from references(item, conditions)


def _substituted(argument: Any, conditions: Mapping[str, bool]) -> Iterator[str]:
    template, variables = substitutions(argument)
    for match in SUBSTITUTION.finditer(template):
        name = match["name"].strip()
        if not match["literal"] and name not in variables:
            yield name.split(".", 1)[0]
    yield from references(variables, conditions)


def live(template: Template, conditions: Mapping[str, bool]) -> tuple[str, ...]:
    """Return the resources that exist, those whose condition does not hold left out.

    Raises
    ------
    TemplateError
        When a resource names a condition the template lacks.
    """
    for resource in template.resources.values():
        if resource.condition is not None and resource.condition not in conditions:
            raise TemplateError(
                "Template format error: Unresolved condition dependency "
                f"{resource.condition} in the Resources block of the template ({resource.logical_id})"
            )
    return tuple(
        name
        for name, resource in template.resources.items()
        if resource.condition is None or conditions[resource.condition]
    )


def dependencies(template: Template, conditions: Mapping[str, bool]) -> dict[str, frozenset[str]]:
    """Return what each live resource needs: by ``DependsOn``, ``Ref``, ``Fn::GetAtt`` or ``Fn::Sub``.

    Raises
    ------
    TemplateError
        Naming who refers to a resource that does not exist, or the resources of a cycle.
    """
    existing = live(template, conditions)
    unresolved: dict[str, list[str]] = {}
    graph: dict[str, frozenset[str]] = {}
    for name in existing:
        resource = template.resources[name]
        named = {
            target
            for target in references(resource.properties, conditions)
            if target not in template.parameters and not target.startswith("AWS::")
        }
        # DependsOn a resource whose condition does not hold means nothing; a reference to it is an error.
        named |= {target for target in resource.depends_on if target not in template.resources}
        for target in sorted(named - set(existing)):
            unresolved.setdefault(target, []).append(f"{name} ({resource.type})")
        graph[name] = frozenset((named | set(resource.depends_on)) & set(existing))
    if unresolved:
        users = "; ".join(
            f"{', '.join(who)} refers to {target}" for target, who in unresolved.items()
        )
        raise TemplateError(
            f"Template format error: Unresolved resource dependencies [{', '.join(unresolved)}] "
            f"in the Resources block of the template: {users}"
        )
    order(graph)
    return graph


def order(graph: Graph) -> tuple[str, ...]:
    """Return the names so that each comes after what it needs, otherwise in the graph's own order.

    Raises
    ------
    TemplateError
        Naming the members of a cycle, in its order.
    """
    done: dict[str, None] = {}
    for start in graph:
        path: list[str] = []
        _visit(start, graph, done, path)
    return tuple(done)


def _visit(name: str, graph: Graph, done: dict[str, None], path: list[str]) -> None:
    if name in done:
        return
    if name in path:
        cycle = path[path.index(name) :]
        raise TemplateError(f"Circular dependency between resources: [{', '.join(cycle)}]")
    path.append(name)
    for needed in sorted(graph.get(name, ())):
        _visit(needed, graph, done, path)
    path.pop()
    done[name] = None


def reverse(graph: Graph) -> dict[str, frozenset[str]]:
    """Return who needs each: the graph for taking things away."""
    return {
        name: frozenset(user for user, needs in graph.items() if name in needs) for name in graph
    }
