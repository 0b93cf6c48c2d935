"""KMS keys and their aliases."""

from __future__ import annotations

from underpass.twin.services.cloudformation.resource import Resource
from underpass.twin.services.cloudformation.resource_type import (
    Form,
    LogicalResource,
    Physical,
    Properties,
    ProvisionError,
    Setting,
    Tagging,
    changed,
)
from underpass.twin.services.cloudformation.service_calls import truth

FIXED = "KeySpec KeyUsage MultiRegion Origin"

PLAIN = (
    Form(
        type="AWS::KMS::Alias",
        service="kms",
        honoured="AliasName TargetKeyId",
        replaces="AliasName",
        create="create_alias",
        ref="{AliasName}",
        update="update_alias AliasName",
        delete="delete_alias AliasName",
    ),
)


class Key(Resource):
    """A key. Deleting it schedules its deletion, as KMS knows no other way."""

    form = Form(
        type="AWS::KMS::Key",
        service="kms",
        tagging=Tagging(resource="KeyId", prefix="Tag"),
        honoured=f"{FIXED} Description EnableKeyRotation Enabled KeyPolicy PendingWindowInDays "
        "RotationPeriodInDays Tags",
        inert="BypassPolicyLockoutSafetyCheck",
        renamed={"KeyPolicy": "Policy"},
        create="create_key",
        made="KeyMetadata",
        ref="{KeyId}",
        attributes="Arn KeyId",
        settings={
            "KeyPolicy": Setting("put_key_policy", "Policy"),
            "Description": Setting("update_key_description", "Description", default=""),
        },
        delete="schedule_key_deletion KeyId PendingWindowInDays",
        gone="KMSInvalidStateException",  # pending deletion already
    )

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change policy, description, rotation, whether it is enabled, and tags.

        CloudFormation refuses to change what a key is, so that nobody deletes one by accident.
        """
        if changed(old, new, FIXED):
            raise ProvisionError(f"You cannot change {FIXED.replace(' ', ', ')} of a KMS key")
        return super().update(logical, physical, old, new)

    def settle(self, physical: Physical, old: Properties, new: Properties) -> None:
        """Change policy, description, rotation, and whether it is enabled.

        The rotation of a disabled key cannot be changed: a key is enabled first and disabled last.
        """
        super().settle(physical, old, new)
        enabled, enable = (truth(of.get("Enabled", True)) for of in (old, new))
        if enable and not enabled:
            self.call("enable_key", KeyId=physical.id)
        rotates, rotate = (truth(of.get("EnableKeyRotation", False)) for of in (old, new))
        if rotate and changed(old, new, "EnableKeyRotation RotationPeriodInDays"):
            self.call("enable_key_rotation", new, KeyId=physical.id)
        elif rotates and not rotate:
            self.call("disable_key_rotation", KeyId=physical.id)
        if enabled and not enable:
            self.call("disable_key", KeyId=physical.id)
