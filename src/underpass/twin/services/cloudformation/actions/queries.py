"""The actions that only read."""

from __future__ import annotations

from underpass.cloudformation.parameters import Parameter
from underpass.cloudformation.template import Template
from underpass.twin.services.cloudformation.actions import requests, views
from underpass.twin.services.cloudformation.actions.core import Core, Shape
from underpass.twin.services.cloudformation.actions.requests import Request
from underpass.twin.services.cloudformation.model import Record, Stack, invalid
from underpass.twin.services.cloudformation.planning import required_capabilities


class Queries(Core):
    """Answers from the store."""

    def _named(self, request: Request) -> Stack:
        return self._store.stack(requests.required(request, "StackName"))

    # Stacks

    def describe_stacks(self, request: Request) -> Shape:
        """Describe one stack, also a deleted one by its id, or all that are not deleted."""
        if request.get("StackName"):
            return {"Stacks": [views.stack(self._named(request))]}
        stacks = [stack for stack in self._store.stacks() if stack.status != "DELETE_COMPLETE"]
        chosen, more = views.page(stacks, request.get("NextToken"), lambda stack: stack.id)
        return {"Stacks": [views.stack(stack) for stack in chosen]} | more

    def list_stacks(self, request: Request) -> Shape:
        """List stacks, deleted ones too, by status if asked."""
        wanted = set(request.get("StackStatusFilter") or ())
        stacks = [stack for stack in self._store.stacks() if not wanted or stack.status in wanted]
        chosen, more = views.page(stacks, request.get("NextToken"), lambda stack: stack.id)
        return {"StackSummaries": [views.summary(stack) for stack in chosen]} | more

    def describe_stack_events(self, request: Request) -> Shape:
        """Describe a stack's events, the newest first."""
        stack = self._named(request)
        events = self._store.events(stack.id)
        chosen, more = views.page(
            events, request.get("NextToken"), lambda event: event.id, views.EVENTS
        )
        return {"StackEvents": [views.event(stack, event) for event in chosen]} | more

    # Resources

    def describe_stack_resource(self, request: Request) -> Shape:
        """Describe one resource."""
        stack = self._named(request)
        record = self._record(stack, requests.required(request, "LogicalResourceId"))
        return {"StackResourceDetail": views.resource(stack, record, "LastUpdatedTimestamp")}

    def describe_stack_resources(self, request: Request) -> Shape:
        """Describe a stack's resources, all or one; the stack may be found by a physical id."""
        if request.get("StackName"):
            stack = self._named(request)
        elif request.get("PhysicalResourceId"):
            stack = self._owner(request["PhysicalResourceId"])
        else:
            raise invalid("Either StackName or PhysicalResourceId must be specified.")
        records = list(self._store.records(stack.id).values())
        if request.get("LogicalResourceId"):
            records = [self._record(stack, request["LogicalResourceId"])]
        return {"StackResources": [views.resource(stack, record) for record in records]}

    def _owner(self, physical_id: str) -> Stack:
        for stack in self._store.stacks():
            for record in self._store.records(stack.id).values():
                if record.alive and record.physical and record.physical.id == physical_id:
                    return stack
        raise invalid(f"Stack for {physical_id} does not exist")

    def _record(self, stack: Stack, logical_id: str) -> Record:
        record = self._store.records(stack.id).get(logical_id)
        if record is None:
            raise invalid(f"Resource {logical_id} does not exist for stack {stack.name}")
        return record

    def list_stack_resources(self, request: Request) -> Shape:
        """List a stack's resources."""
        stack = self._named(request)
        records = list(self._store.records(stack.id).values())
        chosen, more = views.page(
            records, request.get("NextToken"), lambda record: record.logical_id
        )
        summaries = [views.resource(stack, record, "LastUpdatedTimestamp") for record in chosen]
        for summary in summaries:
            del summary["StackName"], summary["StackId"]
        return {"StackResourceSummaries": summaries} | more

    # Change sets

    def describe_change_set(self, request: Request) -> Shape:
        """Describe a change set and a page of its changes."""
        found = self._store.change_set(
            requests.required(request, "ChangeSetName"), request.get("StackName")
        )
        stack, records = self._store.stack(found.stack_id), self._store.records(found.stack_id)
        chosen, more = views.page(
            found.plan.changes, request.get("NextToken"), lambda change: change.logical_id
        )
        values = bool(request.get("IncludePropertyValues"))
        changes = [
            views.change(item, records.get(item.logical_id), found, values=values)
            for item in chosen
        ]
        return views.change_set(found, stack) | {"Changes": changes} | more

    def list_change_sets(self, request: Request) -> Shape:
        """List a stack's change sets."""
        stack = self._named(request)
        chosen, more = views.page(
            self._store.change_sets(stack.id), request.get("NextToken"), lambda item: item.id
        )
        return {"Summaries": [views.change_set_summary(item, stack) for item in chosen]} | more

    # Exports

    def list_exports(self, request: Request) -> Shape:
        """List all exports."""
        exports = sorted(self._store.exports().items())
        chosen, more = views.page(exports, request.get("NextToken"), lambda item: item[0])
        return {
            "Exports": [
                {"ExportingStackId": stack.id, "Name": name, "Value": output.value}
                for name, (stack, output) in chosen
            ]
        } | more

    def list_imports(self, request: Request) -> Shape:
        """List the stacks that import an export."""
        name = requests.required(request, "ExportName")
        names = sorted(stack.name for stack in self._store.importers(name))
        if not names:
            raise invalid(f"Export '{name}' is not imported by any stack.")
        chosen, more = views.page(names, request.get("NextToken"), lambda item: item)
        return {"Imports": list(chosen)} | more

    # Templates

    def get_template(self, request: Request) -> Shape:
        """Return a stack's template, or a change set's, as it was given."""
        if request.get("ChangeSetName"):
            found = self._store.change_set(request["ChangeSetName"], request.get("StackName"))
            template: Template | None = found.plan.template
        else:
            template = self._named(request).template
        return {
            "TemplateBody": template.body if template else "",
            "StagesAvailable": ["Original", "Processed"],
        }

    def validate_template(self, request: Request) -> Shape:
        """Say whether a template is well-formed, and what it asks for."""
        template = self._parse(request)
        return {
            "Parameters": [
                views.present(
                    {
                        "ParameterKey": item.name,
                        "DefaultValue": item.default,
                        "NoEcho": item.no_echo,
                        "Description": item.description,
                    }
                )
                for item in template.parameters.values()
            ]
        } | self._needs(template)

    def get_template_summary(self, request: Request) -> Shape:
        """Say what a template, or a stack's, asks for and contains."""
        named = request.get("StackName")
        template = self._named(request).template if named else self._parse(request)
        if template is None:
            raise invalid(f"Stack {named} has no template yet")
        types = sorted({resource.type for resource in template.resources.values()})
        return {
            "Parameters": [_declaration(item) for item in template.parameters.values()],
            "ResourceTypes": types,
            "Version": template.version,
            "DeclaredTransforms": [],
        } | self._needs(template)

    def _parse(self, request: Request) -> Template:
        return requests.template(request, self._lookups, None)

    def _needs(self, template: Template) -> Shape:
        capabilities = required_capabilities(template)
        return views.present(
            {
                "Description": template.description,
                "Capabilities": list(capabilities),
                "CapabilitiesReason": "The template contains IAM resources"
                if capabilities
                else None,
            }
        )


def _declaration(item: Parameter) -> Shape:
    constraints = {"AllowedValues": list(item.allowed_values)} if item.allowed_values else {}
    return views.present(
        {
            "ParameterKey": item.name,
            "DefaultValue": item.default,
            "ParameterType": item.type,
            "NoEcho": item.no_echo,
            "Description": item.description,
            "ParameterConstraints": constraints,
        }
    )
