"""KMS keys and their aliases."""

from __future__ import annotations

from underpass.twin.services.cloudformation.resource import Resource, attributes, changed, names
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
    ProvisionError,
)
from underpass.twin.services.cloudformation.service_calls import RefusedError, truth
from underpass.twin.services.cloudformation.tagging import as_map

FIXED = "KeySpec KeyUsage MultiRegion Origin"


class Key(Resource):
    """A key. Deleting it schedules its deletion, as KMS knows no other way."""

    type = "AWS::KMS::Key"
    service = "kms"
    honoured = names(
        "Description EnableKeyRotation Enabled KeyPolicy KeySpec KeyUsage MultiRegion Origin "
        "PendingWindowInDays RotationPeriodInDays Tags"
    )
    inert = names("BypassPolicyLockoutSafetyCheck")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the key."""
        made = self.call(
            "create_key",
            properties,
            Policy=properties.get("KeyPolicy"),
            Tags=_tags(properties) or None,
        )["KeyMetadata"]
        physical = Physical(made["KeyId"], attributes(Arn=made["Arn"], KeyId=made["KeyId"]))
        with self.undone_on_failure(physical, properties):
            self._rotate(physical.id, {}, properties)
            self._enable(physical.id, {}, properties)
        return physical

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change policy, description, rotation, whether it is enabled, and tags.

        CloudFormation refuses to change what a key is, so that nobody deletes one by accident.
        """
        if changed(old, new, FIXED):
            raise ProvisionError(f"You cannot change {FIXED.replace(' ', ', ')} of a KMS key")
        key = physical.id
        if changed(old, new, "KeyPolicy") and "KeyPolicy" in new:
            self.call("put_key_policy", KeyId=key, PolicyName="default", Policy=new["KeyPolicy"])
        if changed(old, new, "Description"):
            self.call("update_key_description", KeyId=key, Description=new.get("Description", ""))
        self._enable(key, old, new)  # first: a disabled key's rotation cannot be changed
        self._rotate(key, old, new)
        before, after = as_map(old.get("Tags")), as_map(new.get("Tags"))
        if before.keys() - after.keys():
            self.call("untag_resource", KeyId=key, TagKeys=sorted(before.keys() - after.keys()))
        if before != after and after:
            self.call("tag_resource", KeyId=key, Tags=_tags(new))
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Schedule the key's deletion."""
        days = properties.get("PendingWindowInDays")
        try:
            self.remove("schedule_key_deletion", KeyId=physical.id, PendingWindowInDays=days)
        except RefusedError as refused:  # pending deletion already
            if refused.code != "KMSInvalidStateException":
                raise

    def _rotate(self, key: str, old: Properties, new: Properties) -> None:
        if changed(old, new, "EnableKeyRotation RotationPeriodInDays"):
            wanted = truth(new.get("EnableKeyRotation", False))
            operation = "enable_key_rotation" if wanted else "disable_key_rotation"
            if wanted or old:
                self.call(operation, new if wanted else {}, KeyId=key)

    def _enable(self, key: str, old: Properties, new: Properties) -> None:
        before, after = (truth(wanted.get("Enabled", True)) for wanted in (old, new))
        if before != after:
            self.call("enable_key" if after else "disable_key", KeyId=key)


class Alias(Resource):
    """Another name of a key."""

    type = "AWS::KMS::Alias"
    service = "kms"
    honoured = names("AliasName TargetKeyId")
    replaces = names("AliasName")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the alias."""
        self.call("create_alias", properties)
        return Physical(properties["AliasName"])

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Name another key."""
        self.call("update_alias", new)
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the alias."""
        self.remove("delete_alias", AliasName=physical.id)


def _tags(properties: Properties) -> list[dict[str, str]]:
    tags = as_map(properties.get("Tags"))
    return [{"TagKey": key, "TagValue": value} for key, value in tags.items()]
