"""The base of Elastic Load Balancing's resources: tags and attributes."""

from __future__ import annotations

from underpass.twin.services.cloudformation.resource import Resource
from underpass.twin.services.cloudformation.resource_type import Physical, Properties
from underpass.twin.services.cloudformation.tagging import Tagging


class Elbv2Resource(Resource):
    """A resource of Elastic Load Balancing, whose ``Ref`` is its ARN."""

    service = "elbv2"
    tagging = Tagging("add_tags", "remove_tags", "ResourceArns")

    def set_attributes(
        self, operation: str, parameter: str, arn: str, old: object, new: object
    ) -> None:
        """Set those attributes (lists of Key and Value) that ``new`` has and ``old`` has not."""
        before, after = (wanted if isinstance(wanted, list) else [] for wanted in (old, new))
        come = [attribute for attribute in after if attribute not in before]
        if come:
            self.call(operation, **{parameter: arn, "Attributes": come})

    def retagged(self, physical: Physical, old: Properties, new: Properties) -> Physical:
        """Change the tags, and return ``physical`` as it was."""
        self.retag(physical.id, old.get("Tags"), new.get("Tags"))
        return physical
