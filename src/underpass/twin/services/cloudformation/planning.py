"""From a template and its parameters to a plan: what can be known to be wrong is found here, up front."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from underpass.cloudformation import parameters, rules
from underpass.cloudformation.difference import Change, Existing, difference, reference
from underpass.cloudformation.errors import TemplateError
from underpass.cloudformation.graph import dependencies, order
from underpass.cloudformation.scope import TemplateScope
from underpass.cloudformation.template import Resource, Template
from underpass.twin.region.context import Region
from underpass.twin.services.cloudformation.importing import importing
from underpass.twin.services.cloudformation.lookups import Lookups
from underpass.twin.services.cloudformation.model import (
    ApiError,
    Plan,
    Record,
    Stack,
    attributes_of,
)
from underpass.twin.services.cloudformation.resolving import (
    attribute,
    masked,
    outputs,
    ref,
    resolve_properties,
)
from underpass.twin.services.cloudformation.resource_type import ResourceType, known_as
from underpass.twin.services.cloudformation.store import Store

# Types that need CAPABILITY_IAM, and the property that makes it CAPABILITY_NAMED_IAM.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-template.html#using-iam-capabilities
IAM_NAMES: Mapping[str, str | None] = {
    "AWS::IAM::AccessKey": None,
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Policy": None,
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::RolePolicy": None,
    "AWS::IAM::User": "UserName",
    "AWS::IAM::UserPolicy": None,
    "AWS::IAM::GroupPolicy": None,
    "AWS::IAM::UserToGroupAddition": None,
}


def required_capabilities(template: Template) -> tuple[str, ...]:
    """Return the capabilities a caller must acknowledge for a template."""
    needed = {
        "CAPABILITY_NAMED_IAM"
        if IAM_NAMES[resource.type] in resource.properties
        else "CAPABILITY_IAM"
        for resource in template.resources.values()
        if resource.type in IAM_NAMES
    }
    return tuple(sorted(needed, reverse=True))[:1]


def check_capabilities(template: Template, given: Iterable[str]) -> None:
    """Refuse a template whose capabilities are not acknowledged."""
    needed = set(required_capabilities(template))
    given = set(given)
    if needed - given and not (needed == {"CAPABILITY_IAM"} and "CAPABILITY_NAMED_IAM" in given):
        raise ApiError(
            "InsufficientCapabilitiesException", f"Requires capabilities : [{', '.join(needed)}]"
        )


def unsupported(resource: Resource, types: Mapping[str, ResourceType]) -> Iterator[str]:
    """Yield why a resource cannot be made of ``types``, without looking at its values."""
    resource_type = types.get(known_as(resource.type))
    if resource_type is None:
        yield f"{resource.logical_id}: the twin does not know the resource type {resource.type}"
        return
    ignored = resource_type.ignored(resource.properties)
    if ignored:
        yield (
            f"{resource.logical_id} ({resource.type}): the twin would ignore "
            f"{'property' if len(ignored) == 1 else 'properties'} {', '.join(ignored)}"
        )


class Planner:
    """Makes plans for one account in one region."""

    def __init__(
        self,
        region: Region,
        store: Store,
        lookups: Lookups,
        resource_types: Mapping[str, ResourceType],
    ) -> None:
        self._region = region
        self._store = store
        self._lookups = lookups
        self._resource_types = resource_types

    def scope(
        self,
        stack: Stack,
        template: Template,
        values: Mapping[str, parameters.Value],
        resource: Callable[[str], Any],
        attribute_of: Callable[[str, str], Any],
    ) -> TemplateScope:
        """Return what names mean in a stack's template; the last two answer for its resources."""
        return TemplateScope(
            template=template,
            parameters=values,
            pseudo={
                "AWS::AccountId": self._region.account,
                "AWS::NotificationARNs": [],
                "AWS::Partition": "aws",
                "AWS::Region": self._region.name,
                "AWS::StackId": stack.id,
                "AWS::StackName": stack.name,
                "AWS::URLSuffix": "amazonaws.com",
            },
            zones_of=self._lookups.zones,
            exported=self._exported,
            resource=resource,
            attribute_of=attribute_of,
        ).with_conditions()

    def _exported(self, name: str) -> Any:
        found = self._store.exports().get(name)
        if found is None:
            raise TemplateError(f"No export named {name} found.")
        return found[1].value

    def plan(
        self,
        stack: Stack,
        template: Template,
        given: Mapping[str, str],
        tags: Mapping[str, str] = MappingProxyType({}),
        *,
        imports: bool = False,
    ) -> Plan:
        """Return what applying ``template`` to ``stack``, with these tags of its own, would do.

        With ``imports`` it takes over what is there already instead of making it.

        Raises
        ------
        TemplateError
            When the template or its parameters are wrong in themselves. What is only wrong here and now
            (a type the twin does not know, a missing export) is among the plan's problems, all at once.
        """
        values = parameters.values(template.parameters, given, self._lookups.parameter)
        records = {
            name: record for name, record in self._store.records(stack.id).items() if record.made
        }
        made = _Making(self, stack, template, values, records, tags)
        rules.check(template.rules, made.scope)
        needs = dependencies(template, made.scope.conditions)
        changes = difference(made.before, order(needs), made.wanted, self._recreating)
        if imports:
            types, owned = self._resource_types, self._store.owned
            changes, problems = importing(changes, made.resolved, template, types, owned)
            made.problems += problems
        planned = tuple(outputs(template, made.scope, made.problems.append))
        made.problems += self._store.export_conflicts(stack, planned)
        return Plan(
            template=template,
            parameters=values,
            needs=needs,
            changes=changes,
            outputs=planned,
            imports=frozenset(made.imports),
            shown=made.shown,
            problems=tuple(made.problems),
            tags=tags,
        )

    def _recreating(self, type_: str) -> frozenset[str]:
        resource_type = self._resource_types.get(known_as(type_))
        return resource_type.replaces if resource_type else frozenset()

    def tagged(
        self, resource: Resource, properties: Mapping[str, Any], tags: Mapping[str, str]
    ) -> Mapping[str, Any]:
        """Return a resource's properties with its stack's tags."""
        resource_type = self._resource_types.get(known_as(resource.type))
        return resource_type.tagged(properties, tags) if resource_type else properties

    def unsupported(self, resource: Resource) -> Iterator[str]:
        """Yield why the twin cannot make a resource, without looking at its values."""
        yield from unsupported(resource, self._resource_types)

    def wrong(self, resource: Resource, properties: Mapping[str, Any]) -> Iterator[str]:
        """Yield what a resource's type finds wrong with its properties, as far as these are known."""
        resource_type = self._resource_types.get(known_as(resource.type))
        for problem in resource_type.problems(properties) if resource_type else ():
            yield f"{resource.logical_id} ({resource.type}): {problem}"


class _Making:
    """One plan in the making: what was found so far."""

    def __init__(
        self,
        planner: Planner,
        stack: Stack,
        template: Template,
        values: Mapping[str, parameters.Value],
        records: Mapping[str, Record],
        tags: Mapping[str, str],
    ) -> None:
        self._planner = planner
        self._tags = tags
        self._records = records
        self._changes: Mapping[str, Change] = {}
        self.before = {name: record.existing() for name, record in records.items()}
        self.problems: list[str] = []
        self.shown: dict[str, Mapping[str, Any]] = {}
        self.resolved: dict[str, Mapping[str, Any]] = {}
        self.imports: set[str] = set()
        self.scope = planner.scope(
            stack, template, values, resource=self._ref, attribute_of=self._attribute
        )
        self._exported = self.scope.exported
        self.scope = replace(self.scope, exported=self._import)

    def _import(self, name: str) -> Any:
        self.imports.add(name)
        return self._exported(name)

    def _ref(self, logical_id: str) -> Any:
        change = self._changes.get(logical_id)
        runs = change is None or change.action == "Modify"
        return reference(change, ref(self._records, logical_id) if runs else None, logical_id)

    def _attribute(self, logical_id: str, name: str) -> Any:
        change = self._changes.get(logical_id)
        known = None if change else attribute(self._records, logical_id, name)
        return reference(change, known, logical_id, name)

    def wanted(self, logical_id: str, changes: Mapping[str, Change]) -> Existing:
        """Return a resource of the template with its functions carried out, as far as that goes."""
        self._changes = changes
        resource = self.scope.template.resources[logical_id]
        self.problems += self._planner.unsupported(resource)
        found = resolve_properties(resource, self.scope, self.problems.append)
        self.resolved[logical_id] = found
        self.problems += self._planner.wrong(resource, found)
        shown = masked(self.scope, self._records)
        self.shown[logical_id] = resolve_properties(resource, shown, lambda _: None)
        properties = self._planner.tagged(resource, found, self._tags)
        return Existing(resource.type, properties, attributes_of(resource))
