"""CloudWatch Logs' CloudFormation types: log groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from underpass.twin.services.cloudformation.resource import Resource
from underpass.twin.services.cloudformation.resource_type import (
    Described,
    Form,
    Physical,
    Properties,
    Setting,
)


class LogGroup(Resource):
    """A log group; what was logged goes with it."""

    form = Form(
        type="AWS::Logs::LogGroup",
        service="logs",
        honoured="KmsKeyId LogGroupName RetentionInDays Tags",
        inert="BearerTokenAuthenticationEnabled DeletionProtectionEnabled FieldIndexPolicies",
        replaces="LogGroupName",
        name="LogGroupName",
        longest=512,
        create="create_log_group",
        found="describe_log_groups LogGroupNamePrefix logGroups.0",
        settings={
            "RetentionInDays": Setting(
                "put_retention_policy", "RetentionInDays", "delete_retention_policy"
            ),
            "KmsKeyId": Setting("associate_kms_key", "KmsKeyId", "disassociate_kms_key"),
        },
        described=Described("describe_log_groups LogGroupNamePrefix", "logGroups"),
        delete="delete_log_group LogGroupName",
    )

    def attributes(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return the ARN, which means the streams of the group too."""
        return {"Arn": f"{str(document.get('arn', '')).removesuffix(':*')}:*"}

    def existing(self, properties: Properties) -> Physical | None:
        """Return the group of this very name: it is asked for by how names begin."""
        found = super().existing(properties)
        return found if found and found.attributes["Arn"].endswith(f":{found.id}:*") else None

    def retag(self, physical: Physical, old: Any, new: Any) -> None:
        """Change the group's own tags."""
        super().retag(Physical(str(physical.attributes["Arn"]).removesuffix(":*")), old, new)
