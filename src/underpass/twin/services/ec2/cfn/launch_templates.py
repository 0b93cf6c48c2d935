"""AWS::EC2::LaunchTemplate: a change is a new version."""

from __future__ import annotations

from underpass.twin.services.cloudformation.resource import attributes, changed, names
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
)
from underpass.twin.services.ec2.cfn.ec2 import Ec2Resource


class LaunchTemplate(Ec2Resource):
    """A launch template."""

    type = "AWS::EC2::LaunchTemplate"
    honoured = names("LaunchTemplateData LaunchTemplateName TagSpecifications VersionDescription")
    replaces = names("LaunchTemplateName")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the template with its first version."""
        name = properties.get("LaunchTemplateName") or logical.generated_name(128)
        made = self.call("create_launch_template", properties, LaunchTemplateName=name)
        return _physical(made["LaunchTemplate"])

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Add a version; as in AWS the default version stays the first."""
        if changed(old, new, "LaunchTemplateData VersionDescription"):
            self.call("create_launch_template_version", new, LaunchTemplateId=physical.id)
        self.retag(physical.id, _tags(old), _tags(new))
        found = self.call("describe_launch_templates", LaunchTemplateIds=[physical.id])
        return _physical(found["LaunchTemplates"][0])

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the template with all its versions."""
        self.remove("delete_launch_template", LaunchTemplateId=physical.id)


def _physical(template: Properties) -> Physical:
    return Physical(
        template["LaunchTemplateId"],
        attributes(
            LaunchTemplateId=template["LaunchTemplateId"],
            DefaultVersionNumber=str(template["DefaultVersionNumber"]),
            LatestVersionNumber=str(template["LatestVersionNumber"]),
        ),
    )


def _tags(properties: Properties) -> list[dict[str, str]]:
    specifications = properties.get("TagSpecifications") or ()
    return [
        tag
        for specification in specifications
        if specification.get("ResourceType") == "launch-template"
        for tag in specification.get("Tags", ())
    ]
