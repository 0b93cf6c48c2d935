"""Rules of ``[[addons]]``: what the templates may hold, what they are given, and what tasks get of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from underpass.cloudformation import graph, parameters
from underpass.cloudformation.errors import TemplateError
from underpass.cloudformation.template import Template
from underpass.config import addons
from underpass.config import types as t
from underpass.config.hints import quoted
from underpass.config.model import Addon, Config
from underpass.config.problems import Fault, KeyPath
from underpass.config.rules.rule import Rule, docs
from underpass.config.rules.service import environments, reserved_variables

_STACKS = ("AWS::CloudFormation::Stack", "AWS::CloudFormation::StackSet")


def _names(config: Config) -> Iterator[Fault]:
    seen: set[str] = set()
    for number, addon in enumerate(config.addons):
        key: KeyPath = ("addons", number, "name" if addon.name else "template")
        if not re.match(t.NAME, addon.label):
            what = f"{quoted(addon.label)} cannot be part of a stack's name"
            like = re.sub(r"[^a-z0-9]+", "-", addon.label.lower()).strip("-")
            better = like if re.match(t.NAME, like) else f"addon-{number + 1}"
            yield Fault((key,), what, f"add name = {quoted(better)}")
        elif addon.label in seen:
            add = f'add name = "{addon.label}-2"' if addon.name is None else "give it another"
            yield Fault((key,), f"there is an add-on {quoted(addon.label)} already", add)
        seen.add(addon.label)


def _nested(config: Config) -> Iterator[Fault]:
    for key, addon, template in _readable(config):
        for resource in template.resources.values():
            if resource.type in _STACKS:
                yield Fault(
                    (key,),
                    f"{resource.logical_id} in {addon.template} is a stack within the stack "
                    f"({resource.type}): what it holds could be lost without a word",
                    "make it an [[addons]] of its own",
                )


def _values(config: Config) -> Iterator[Fault]:
    """Look at the values the file gives a template's parameters."""
    for number, addon in enumerate(config.addons):
        template = addons.template(config, addon)
        for name, value in addon.parameters.items() if template else ():
            key: KeyPath = ("addons", number, "parameters", name)
            declared = template.parameters.get(name) if template else None
            if template and declared is None:
                near = get_close_matches(name, [*template.parameters], n=1)
                add = f"did you mean {near[0]}?" if near else "leave it out"
                yield Fault((key,), f"is no parameter of {addon.template}", add)
            elif declared:
                try:
                    parameters.values({name: declared}, {name: value}, lambda _: "")
                except TemplateError as error:
                    yield Fault((key,), f"{addon.template} does not take it: {error}")


def _unfilled(config: Config) -> Iterator[Fault]:
    for number, (key, addon, template) in _numbered(config):
        known = {*addon.parameters, *addons.handed(config), *addons.earlier(config, number)}
        for name, parameter in template.parameters.items():
            if parameter.default is None and name not in known:
                yield Fault((key,), *_asks(config, addon, name), source=_PARAMETERS)


_PARAMETERS = docs("AWSCloudFormation/latest/UserGuide/parameters-section-structure")


def _asks(config: Config, addon: Addon, name: str) -> tuple[str, str]:
    """Return what is wrong with a parameter that has no value, and what to write."""
    what = f"the parameter {name} of {addon.template} has no value"
    later = [one.addon for one in addons.outputs(config) if one.name == name]
    if later and later[0] != addon.label:
        return f"{what} yet: it is an output of add-on {later[0]}", f"move {later[0]} before it"
    handed = addons.handed(config)
    near = get_close_matches(name, handed, n=1, cutoff=0.75)
    add = f'add parameters = {{ {name} = "..." }}, or a Default to the template'
    if near:
        return what, f"call it {near[0]} to have the foundation's, or {add}"
    return what, f"{add}; what has its value by its name is called {', '.join(handed)}"


def _outputs(config: Config) -> Iterator[Fault]:
    """Look for two of one name, and for what hides another variable."""
    ours, seen = reserved_variables(config), dict[str, str]()
    keys = {addon.label: key for key, addon, _ in _readable(config)}
    for one in addons.outputs(config):
        key, variable = keys[one.addon], one.variable or addons.variable(one.name)
        told = f"its output {one.name} would be the variable {variable}"
        other = "call the output something else"
        if variable in seen:
            what = f"its output {one.name} is called like that of add-on {seen[variable]}"
            yield Fault((key,), what, other)
        elif one.kind != "policy" and variable in ours:
            yield Fault(
                (key,), f"{told}, which underpass sets itself, from {ours[variable]}", other
            )
        elif one.kind != "policy" and variable.startswith(("AWS_", "ECS_")):
            yield Fault((key,), f"{told}, and that beginning is AWS's own", other)
        elif one.kind != "policy":
            yield from _hidden(config, key, one, told)
        seen[variable] = one.addon


def _hidden(config: Config, key: KeyPath, one: addons.Output, told: str) -> Iterator[Fault]:
    """Yield an output and each variable of the file that have one name, each at its line."""
    for path, variables in environments(config).items():
        if one.variable in variables:
            named: KeyPath = (*path, one.variable)
            other = "call the output something else"
            yield Fault((key, named), f"{told}, which environment names too", other)
            what = f"is also what output {one.name} of add-on {one.addon} becomes"
            yield Fault((named, key), what, f"leave it out, or {other}")


def _conditional(config: Config) -> Iterator[Fault]:
    for key, addon, template in _readable(config):
        for output in template.outputs.values():
            if output.condition:
                yield Fault(
                    (key,),
                    f"the output {output.name} of {addon.template} has a condition, and tasks are to have it "
                    "in any case",
                    "leave Condition out, and write its Value with Fn::If",
                )


def _references(config: Config) -> Iterator[Fault]:
    """Look for names a template does not have, in either branch of each condition."""
    for key, addon, template in _readable(config):
        existing = {*template.parameters, *template.resources}
        parts = {
            **{name: one.properties for name, one in template.resources.items()},
            **{f"the output {name}": one.value for name, one in template.outputs.items()},
        }
        for part, value in parts.items():
            branches = (dict.fromkeys(template.conditions, holds) for holds in (True, False))
            try:
                named = {name for branch in branches for name in graph.references(value, branch)}
            except TemplateError as error:
                yield Fault((key,), f"{part} of {addon.template} is not right: {error}")
                continue
            for name in sorted(named - existing):
                if not name.startswith("AWS::"):
                    near = get_close_matches(name, existing, n=1)
                    yield Fault(
                        (key,),
                        f"{part} of {addon.template} refers to {quoted(name)}, which is no resource or "
                        "parameter of it",
                        f"did you mean {near[0]}?" if near else "",
                    )


def _readable(config: Config) -> Iterator[tuple[KeyPath, Addon, Template]]:
    yield from (one for _, one in _numbered(config))


def _numbered(config: Config) -> Iterator[tuple[int, tuple[KeyPath, Addon, Template]]]:
    for number, addon in enumerate(config.addons):
        if template := addons.template(config, addon):
            yield number, (("addons", number, "template"), addon, template)


RULES: tuple[Rule, ...] = (_names, _nested, _values, _unfilled, _outputs, _conditional, _references)
