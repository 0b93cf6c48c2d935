"""IAM roles, policies and instance profiles."""

from __future__ import annotations

from functools import partial
from typing import Any

from underpass.twin.services.cloudformation.resource import Resource
from underpass.twin.services.cloudformation.resource_type import (
    Form,
    Physical,
    Properties,
    Setting,
    Tagging,
    changed,
    differ,
)

IAM = partial(Form, service="iam", tagging=Tagging("tag_role", "untag_role", "RoleName"))
VERSIONS_KEPT = 5  # IAM keeps five versions of a managed policy
HOLDERS = ("Roles", "Groups", "Users")  # what a policy is put on

PLAIN = (
    IAM(
        type="AWS::IAM::ServiceLinkedRole",
        honoured="AWSServiceName CustomSuffix Description",
        replaces="AWSServiceName CustomSuffix",
        create="create_service_linked_role",
        made="Role",
        ref="{RoleName}",
        attributes="RoleName",
        update="update_role RoleName",
        delete="delete_service_linked_role RoleName",
    ),
)


class Role(Resource):
    """A role with its inline and attached policies; it is deleted once nothing else is attached."""

    form = IAM(
        type="AWS::IAM::Role",
        honoured="AssumeRolePolicyDocument Description ManagedPolicyArns MaxSessionDuration Path "
        "PermissionsBoundary Policies RoleName Tags",
        replaces="Path RoleName",
        name="RoleName",
        longest=64,
        create="create_role",
        made="Role",
        found="get_role RoleName Role",
        attributes="Arn RoleId",
        settings={
            "AssumeRolePolicyDocument": Setting("update_assume_role_policy", "PolicyDocument"),
            "Description": Setting("update_role", "Description", default=""),
            "MaxSessionDuration": Setting("update_role", "MaxSessionDuration", default=3600),
            "PermissionsBoundary": Setting(
                "put_role_permissions_boundary",
                "PermissionsBoundary",
                "delete_role_permissions_boundary",
            ),
        },
        delete="delete_role RoleName",
    )

    def settle(self, physical: Physical, old: Properties, new: Properties) -> None:
        """Change trust, description, session length, boundary and policies."""
        super().settle(physical, old, new)
        self._policies(physical.id, old, new)

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Take the role's own policies away, then delete it."""
        self._policies(physical.id, properties, {})
        super().delete(physical, properties)

    def _policies(self, role: str, old: Properties, new: Properties) -> None:
        gone, come = differ(old, new, "Policies")
        kept = {policy["PolicyName"] for policy in come}
        for name in (one["PolicyName"] for one in gone if one["PolicyName"] not in kept):
            self.remove("delete_role_policy", RoleName=role, PolicyName=name)
        for policy in come:
            self.call("put_role_policy", policy, RoleName=role)
        gone, come = differ(old, new, "ManagedPolicyArns")
        for arn in gone:
            self.remove("detach_role_policy", RoleName=role, PolicyArn=arn)
        for arn in come:
            self.call("attach_role_policy", RoleName=role, PolicyArn=arn)


class _Held(Resource):
    """What is put on roles, groups and users."""

    def on_each(self, verb: str, holders: Properties, **named: Any) -> None:
        """Put the policy on every role, group and user of ``holders``, or take it from them."""
        call = self.call if verb in {"put", "attach"} else self.remove
        for key in HOLDERS:
            kind = key.removesuffix("s")
            for holder in holders.get(key) or ():
                call(f"{verb}_{kind.lower()}_policy", **{f"{kind}Name": holder}, **named)


def _without_holders(properties: Properties, other: Properties) -> dict[str, Any]:
    """Return the holders in ``properties`` that ``other`` has not."""
    return {key: differ(properties, other, key)[0] for key in HOLDERS}


class Policy(_Held):
    """An inline policy of roles, groups and users."""

    form = IAM(
        type="AWS::IAM::Policy",
        honoured="Groups PolicyDocument PolicyName Roles Users",
        attributes="Id=Ref",
    )

    def settle(self, physical: Physical, old: Properties, new: Properties) -> None:
        """Put the policy, and take it from who should not have it any more."""
        named = {"PolicyName": new["PolicyName"], "PolicyDocument": new["PolicyDocument"]}
        self.on_each("put", new, **named)
        if old:
            gone = old if changed(old, new, "PolicyName") else _without_holders(old, new)
            self.on_each("delete", gone, PolicyName=old["PolicyName"])

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Take the policy from its holders."""
        self.on_each("delete", properties, PolicyName=properties["PolicyName"])


class ManagedPolicy(_Held):
    """A managed policy; a change of its document is a new default version."""

    form = IAM(
        type="AWS::IAM::ManagedPolicy",
        honoured="Description Groups ManagedPolicyName Path PolicyDocument Roles Users",
        replaces="Description ManagedPolicyName Path",
        renamed={"ManagedPolicyName": "PolicyName"},
        name="PolicyName",
        longest=128,
        create="create_policy",
        made="Policy",
        ref="{Arn}",
        attributes="PolicyArn=Arn PolicyId",
        delete="delete_policy PolicyArn",
    )

    def settle(self, physical: Physical, old: Properties, new: Properties) -> None:
        """Add a version, and attach and detach."""
        arn = physical.id
        if changed(old, new, "PolicyDocument"):
            self._prune(arn, VERSIONS_KEPT - 1)
            named = {"PolicyDocument": new["PolicyDocument"], "SetAsDefault": True}
            self.call("create_policy_version", PolicyArn=arn, **named)
        self.on_each("attach", _without_holders(new, old), PolicyArn=arn)
        self.on_each("detach", _without_holders(old, new), PolicyArn=arn)

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Detach the policy, then delete its versions and itself."""
        self.on_each("detach", properties, PolicyArn=physical.id)
        if self.one("list_policy_versions", "Versions", PolicyArn=physical.id):
            self._prune(physical.id, 1)
            super().delete(physical, properties)

    def _prune(self, arn: str, keep: int) -> None:
        versions = self.call("list_policy_versions", PolicyArn=arn)["Versions"]
        spare = [one["VersionId"] for one in versions if not one["IsDefaultVersion"]]
        oldest_first = sorted(spare, key=lambda version: int(version[1:]))
        for version in oldest_first[: max(len(versions) - keep, 0)]:
            self.remove("delete_policy_version", PolicyArn=arn, VersionId=version)


class InstanceProfile(Resource):
    """What gives an instance its role."""

    form = IAM(
        type="AWS::IAM::InstanceProfile",
        honoured="InstanceProfileName Path Roles",
        replaces="InstanceProfileName Path",
        name="InstanceProfileName",
        longest=128,
        create="create_instance_profile",
        made="InstanceProfile",
        attributes="Arn",
        delete="delete_instance_profile InstanceProfileName",
    )

    def settle(self, physical: Physical, old: Properties, new: Properties) -> None:
        """Put another role in the profile."""
        gone, come = differ(old, new, "Roles")
        named = {"InstanceProfileName": physical.id}
        for role in gone:
            self.remove("remove_role_from_instance_profile", RoleName=role, **named)
        for role in come:
            self.call("add_role_to_instance_profile", RoleName=role, **named)

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Take the role out of the profile, then delete it."""
        self.settle(physical, properties, {})
        super().delete(physical, properties)
