"""AWS::Events::Rule."""

from __future__ import annotations

from underpass.twin.services.cloudformation.resource import Resource
from underpass.twin.services.cloudformation.resource_type import (
    Form,
    Physical,
    Properties,
    Tagging,
    differ,
)


class Rule(Resource):
    """A rule, by schedule or by pattern, and what it invokes."""

    form = Form(
        type="AWS::Events::Rule",
        service="events",
        tagging=Tagging(resource="ResourceARN"),
        honoured="Description EventPattern Name RoleArn ScheduleExpression State Tags Targets",
        replaces="Name",
        name="Name",
        longest=64,
        create="put_rule",
        found="describe_rule Name",
        takes_over=True,
        attributes="Arn=RuleArn RuleName=Name",
        update="put_rule Name",
        tagged="Arn",
        delete="delete_rule Name",
    )

    def identifier(self) -> str:
        """Return nothing: CloudFormation knows a rule by its ARN, which no template gives."""
        return ""

    def settle(self, physical: Physical, old: Properties, new: Properties) -> None:
        """Remove the targets that went, and put those that came or changed."""
        gone, come = differ(old, new, "Targets")
        kept = {target["Id"] for target in new.get("Targets") or ()}
        ids = [target["Id"] for target in gone if target["Id"] not in kept]
        if ids:
            self.remove("remove_targets", Rule=physical.id, Ids=ids)
        if come:
            self.call("put_targets", Rule=physical.id, Targets=come)

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Remove the targets, whoever put them, then the rule."""
        if self.one("list_rules", "Rules", NamePrefix=physical.id):
            self.settle(physical, self.call("list_targets_by_rule", Rule=physical.id), {})
            super().delete(physical, properties)
