"""IAM roles, policies and instance profiles."""

from __future__ import annotations

from typing import Any, ClassVar

from underpass.twin.services.cloudformation.resource import Resource, attributes, changed, names
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
)
from underpass.twin.services.cloudformation.tagging import Tagging

VERSIONS_KEPT = 5  # IAM keeps five versions of a managed policy


class IamResource(Resource):
    """A resource of IAM."""

    service = "iam"

    def differ(self, old: Properties, new: Properties, key: str) -> tuple[list[Any], list[Any]]:
        """Return what went from the list ``key``, and what came into it."""
        before, after = old.get(key) or [], new.get(key) or []
        return [x for x in before if x not in after], [x for x in after if x not in before]


class Role(IamResource):
    """A role with its inline and attached policies."""

    type = "AWS::IAM::Role"
    tagging = Tagging("tag_role", "untag_role", "RoleName")
    honoured = names(
        "AssumeRolePolicyDocument Description ManagedPolicyArns MaxSessionDuration Path "
        "PermissionsBoundary Policies RoleName Tags"
    )
    replaces = names("Path RoleName")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the role with its policies."""
        name = properties.get("RoleName") or logical.generated_name(64)
        role = self.call("create_role", properties, RoleName=name)["Role"]
        physical = Physical(name, attributes(Arn=role["Arn"], RoleId=role["RoleId"]))
        with self.undone_on_failure(physical, properties):
            self._policies(name, {}, properties)
        return physical

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change trust, description, session length, boundary, policies and tags."""
        name = physical.id
        if changed(old, new, "AssumeRolePolicyDocument"):
            document = new["AssumeRolePolicyDocument"]
            self.call("update_assume_role_policy", RoleName=name, PolicyDocument=document)
        if changed(old, new, "Description MaxSessionDuration"):
            self.call(
                "update_role",
                RoleName=name,
                Description=new.get("Description", ""),
                MaxSessionDuration=new.get("MaxSessionDuration", 3600),
            )
        if changed(old, new, "PermissionsBoundary"):
            if "PermissionsBoundary" in new:
                self.call("put_role_permissions_boundary", new, RoleName=name)
            else:
                self.remove("delete_role_permissions_boundary", RoleName=name)
        self._policies(name, old, new)
        self.retag(name, old.get("Tags"), new.get("Tags"))
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Take the role's own policies away, then delete it once nothing else is attached."""
        self._policies(physical.id, properties, {})
        self.remove("delete_role", RoleName=physical.id)

    def _policies(self, role: str, old: Properties, new: Properties) -> None:
        kept = {policy["PolicyName"] for policy in new.get("Policies") or ()}
        gone, come = self.differ(old, new, "Policies")
        for policy in gone:
            if policy["PolicyName"] not in kept:
                self.remove("delete_role_policy", RoleName=role, PolicyName=policy["PolicyName"])
        for policy in come:
            self.call("put_role_policy", policy, RoleName=role)
        gone, come = self.differ(old, new, "ManagedPolicyArns")
        for arn in gone:
            self.remove("detach_role_policy", RoleName=role, PolicyArn=arn)
        for arn in come:
            self.call("attach_role_policy", RoleName=role, PolicyArn=arn)


class _Attached(IamResource):
    """What a policy is put on."""

    holders: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("Roles", "role", "RoleName"),
        ("Groups", "group", "GroupName"),
        ("Users", "user", "UserName"),
    )

    def on_each(self, operation: str, properties: Properties, **named: Any) -> None:
        """Call ``operation`` (with ``{}`` for the kind of holder) on every role, group and user."""
        for key, kind, parameter in self.holders:
            for holder in properties.get(key) or ():
                self.remove(operation.format(kind), **{parameter: holder}, **named)

    def holders_only(self, properties: Properties, other: Properties) -> dict[str, Any]:
        """Return the holders in ``properties`` that ``other`` has not."""
        return {key: self.differ(properties, other, key)[0] for key, _, _ in self.holders}


class Policy(_Attached):
    """An inline policy of roles, groups and users."""

    type = "AWS::IAM::Policy"
    honoured = names("Groups PolicyDocument PolicyName Roles Users")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Put the policy on its holders."""
        self._put(properties)
        name = logical.generated_name(128)
        return Physical(name, {"Id": name})

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Put the policy anew, and take it from who should not have it any more."""
        renamed = changed(old, new, "PolicyName")
        gone = old if renamed else self.holders_only(old, new)
        self._put(new)
        self.on_each("delete_{}_policy", gone, PolicyName=old["PolicyName"])
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Take the policy from its holders."""
        self.on_each("delete_{}_policy", properties, PolicyName=properties["PolicyName"])

    def _put(self, properties: Properties) -> None:
        for key, kind, parameter in self.holders:
            for holder in properties.get(key) or ():
                self.call(f"put_{kind}_policy", properties, **{parameter: holder})


class ManagedPolicy(_Attached):
    """A managed policy; a change of its document is a new default version."""

    type = "AWS::IAM::ManagedPolicy"
    honoured = names("Description Groups ManagedPolicyName Path PolicyDocument Roles Users")
    replaces = names("Description ManagedPolicyName Path")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the policy and attach it."""
        name = properties.get("ManagedPolicyName") or logical.generated_name(128)
        made = self.call("create_policy", properties, PolicyName=name)["Policy"]
        arn = made["Arn"]
        physical = Physical(arn, attributes(PolicyArn=arn, PolicyId=made["PolicyId"]))
        with self.undone_on_failure(physical, properties):
            self._attach(arn, properties)
        return physical

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Add a version, and attach and detach."""
        arn = physical.id
        if changed(old, new, "PolicyDocument"):
            self._prune(arn, VERSIONS_KEPT - 1)
            document = new["PolicyDocument"]
            self.call(
                "create_policy_version", PolicyArn=arn, PolicyDocument=document, SetAsDefault=True
            )
        self._attach(arn, self.holders_only(new, old))
        self.on_each("detach_{}_policy", self.holders_only(old, new), PolicyArn=arn)
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Detach the policy, then delete its versions and itself."""
        self.on_each("detach_{}_policy", properties, PolicyArn=physical.id)
        if self.one("list_policy_versions", "Versions", PolicyArn=physical.id):
            self._prune(physical.id, 1)
            self.remove("delete_policy", PolicyArn=physical.id)

    def _attach(self, arn: str, properties: Properties) -> None:
        for key, kind, parameter in self.holders:
            for holder in properties.get(key) or ():
                self.call(f"attach_{kind}_policy", PolicyArn=arn, **{parameter: holder})

    def _prune(self, arn: str, keep: int) -> None:
        versions = self.call("list_policy_versions", PolicyArn=arn)["Versions"]
        spare = [one["VersionId"] for one in versions if not one["IsDefaultVersion"]]
        oldest_first = sorted(spare, key=lambda version: int(version[1:]))
        for version in oldest_first[: max(len(versions) - keep, 0)]:
            self.remove("delete_policy_version", PolicyArn=arn, VersionId=version)


class InstanceProfile(IamResource):
    """What gives an instance its role."""

    type = "AWS::IAM::InstanceProfile"
    honoured = names("InstanceProfileName Path Roles")
    replaces = names("InstanceProfileName Path")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the profile with its role."""
        name = properties.get("InstanceProfileName") or logical.generated_name(128)
        made = self.call("create_instance_profile", properties, InstanceProfileName=name)
        physical = Physical(name, attributes(Arn=made["InstanceProfile"]["Arn"]))
        with self.undone_on_failure(physical, properties):
            self._roles(name, {}, properties)
        return physical

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Put another role in the profile."""
        self._roles(physical.id, old, new)
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Take the role out of the profile, then delete it."""
        self._roles(physical.id, properties, {})
        self.remove("delete_instance_profile", InstanceProfileName=physical.id)

    def _roles(self, profile: str, old: Properties, new: Properties) -> None:
        gone, come = self.differ(old, new, "Roles")
        named = {"InstanceProfileName": profile}
        for role in gone:
            self.remove("remove_role_from_instance_profile", RoleName=role, **named)
        for role in come:
            self.call("add_role_to_instance_profile", RoleName=role, **named)


class ServiceLinkedRole(IamResource):
    """A role that an AWS service makes use of on its own."""

    type = "AWS::IAM::ServiceLinkedRole"
    honoured = names("AWSServiceName CustomSuffix Description")
    replaces = names("AWSServiceName CustomSuffix")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the role."""
        name = self.call("create_service_linked_role", properties)["Role"]["RoleName"]
        return Physical(name, {"RoleName": name})

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change the description."""
        self.call("update_role", RoleName=physical.id, Description=new.get("Description", ""))
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the role."""
        self.remove("delete_service_linked_role", RoleName=physical.id)
