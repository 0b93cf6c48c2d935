"""The base of EC2's resources, which are tagged by specification when made and by id afterwards."""

from __future__ import annotations

from typing import Any, ClassVar

from underpass.twin.services.cloudformation.resource import Resource
from underpass.twin.services.cloudformation.resource_type import Properties
from underpass.twin.services.cloudformation.tagging import Tagging


class Ec2Resource(Resource):
    """A resource of EC2."""

    service = "ec2"
    tagging = Tagging("create_tags", "delete_tags", "Resources", "Tags")
    kind: ClassVar[str] = ""
    """What EC2 calls this resource in a tag specification."""

    def make(self, operation: str, properties: Properties, **named: Any) -> Any:
        """Call a create action with ``properties`` and their tags."""
        tags = properties.get("Tags")
        if tags:
            named["TagSpecifications"] = [{"ResourceType": self.kind, "Tags": tags}]
        return self.call(operation, properties, **named)
