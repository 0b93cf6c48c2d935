"""Systems Manager's CloudFormation types: parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from underpass.twin.services.cloudformation.resource import Resource
from underpass.twin.services.cloudformation.resource_type import (
    Form,
    LogicalResource,
    Physical,
    Properties,
    Tagging,
)

KIND = {"ResourceType": "Parameter"}


class Parameter(Resource):
    """A parameter in plain text: CloudFormation makes no others."""

    form = Form(
        type="AWS::SSM::Parameter",
        service="ssm",
        honoured="AllowedPattern DataType Description Name Tags Type Value",
        inert="Tier",
        replaces="Name",
        name="Name",
        longest=1011,
        create="put_parameter",
        found="get_parameter Name Parameter",
        attributes="Type Value",
        delete="delete_parameter Name",
        tagging=Tagging("add_tags_to_resource", "remove_tags_from_resource", "ResourceId"),
    )

    def problems(self, properties: Properties) -> Iterator[str]:
        """Say that CloudFormation keeps no secrets here."""
        if properties.get("Type") == "SecureString":
            yield "SecureString is not a type CloudFormation makes; use AWS::SecretsManager::Secret"

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Put another value; tags are put by an action of their own."""
        kept = {key: value for key, value in new.items() if key not in ("Name", "Tags")}
        self.call("put_parameter", kept, Name=physical.id, Overwrite=True)
        self.retag(physical, old.get("Tags"), new.get("Tags"))
        return self.physical(physical.id, new)

    def retag(self, physical: Physical, old: Any, new: Any) -> None:
        """Lead the tags from ``old`` to ``new``; Systems Manager asks what kind of thing it is."""
        for operation, parameters in self.form.tagging.changes(physical.id, old, new):
            self.call(operation, **parameters, **KIND)
