"""AWS::Events::Rule."""

from __future__ import annotations

from underpass.twin.services.cloudformation.resource import Resource, attributes, names
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
)
from underpass.twin.services.cloudformation.tagging import Tagging


class Rule(Resource):
    """A rule, by schedule or by pattern, and what it invokes."""

    type = "AWS::Events::Rule"
    service = "events"
    tagging = Tagging(resource="ResourceARN")
    honoured = names(
        "Description EventBusName EventPattern Name RoleArn ScheduleExpression State Tags Targets"
    )
    replaces = names("EventBusName Name")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Put the rule and its targets."""
        name = properties.get("Name") or logical.generated_name(64)
        arn = self.call("put_rule", properties, Name=name)["RuleArn"]
        bus = properties.get("EventBusName", "default")
        physical = Physical(
            name if bus == "default" else f"{bus}|{name}", attributes(Arn=arn, RuleName=name)
        )
        with self.undone_on_failure(physical, properties):
            self._targets(name, {}, properties)
        return physical

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Put the rule anew, its targets, and tags."""
        name = _name(physical)
        self.call(
            "put_rule", {key: value for key, value in new.items() if key != "Tags"}, Name=name
        )
        self._targets(name, old, new)
        self.retag(physical.attributes["Arn"], old.get("Tags"), new.get("Tags"))
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Remove the targets, whoever put them, then the rule."""
        name, bus = _name(physical), properties.get("EventBusName")
        if self.one("list_rules", "Rules", NamePrefix=name, EventBusName=bus):
            held = self.call("list_targets_by_rule", Rule=name, EventBusName=bus)["Targets"]
            self._targets(name, {**properties, "Targets": held}, {})
            self.remove("delete_rule", Name=name, EventBusName=bus)

    def _targets(self, rule: str, old: Properties, new: Properties) -> None:
        bus = new.get("EventBusName") or old.get("EventBusName")
        before, after = old.get("Targets") or [], new.get("Targets") or []
        kept = {target["Id"] for target in after}
        gone = [target["Id"] for target in before if target["Id"] not in kept]
        if gone:
            self.remove("remove_targets", Rule=rule, EventBusName=bus, Ids=gone)
        if after and after != before:
            self.call("put_targets", Rule=rule, EventBusName=bus, Targets=after)


def _name(physical: Physical) -> str:
    return physical.id.rsplit("|", 1)[-1]
