"""Security groups, and rules that stand on their own (two groups may refer to each other)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar

from underpass.twin.services.cloudformation.resource import attributes, names
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
)
from underpass.twin.services.ec2.cfn.ec2 import Ec2Resource
from underpass.twin.services.ec2.model import ANYWHERE

EVERYWHERE = {"IpProtocol": "-1", "CidrIp": ANYWHERE}
PEERS = (  # what a template writes, where EC2 wants it, under which name
    ("CidrIp", "IpRanges", "CidrIp"),
    ("CidrIpv6", "Ipv6Ranges", "CidrIpv6"),
    ("SourcePrefixListId", "PrefixListIds", "PrefixListId"),
    ("DestinationPrefixListId", "PrefixListIds", "PrefixListId"),
    ("SourceSecurityGroupId", "UserIdGroupPairs", "GroupId"),
    ("DestinationSecurityGroupId", "UserIdGroupPairs", "GroupId"),
    ("SourceSecurityGroupName", "UserIdGroupPairs", "GroupName"),
)


def permission(rule: Properties) -> dict[str, Any]:
    """Return one rule as EC2's IpPermission."""
    ports = {key: rule[key] for key in ("FromPort", "ToPort") if key in rule}
    made: dict[str, Any] = {"IpProtocol": rule["IpProtocol"], **ports}
    for written, where, name in PEERS:
        if written in rule:
            peer = {name: rule[written]}
            if "SourceSecurityGroupOwnerId" in rule and where == "UserIdGroupPairs":
                peer["UserId"] = rule["SourceSecurityGroupOwnerId"]
            if "Description" in rule:
                peer["Description"] = rule["Description"]
            made[where] = [peer]
    return made


def _by_meaning(rules: Iterable[Properties]) -> dict[str, dict[str, Any]]:
    """Return permissions by what they allow, however they are described."""
    return {
        " ".join(f"{key}={rule[key]}" for key in sorted(rule) if key != "Description"): permission(
            rule
        )
        for rule in rules
    }


class SecurityGroup(Ec2Resource):
    """A security group and the rules written with it; others' rules on it are left alone."""

    type = "AWS::EC2::SecurityGroup"
    kind = "security-group"
    honoured = names(
        "GroupDescription GroupName SecurityGroupEgress SecurityGroupIngress Tags VpcId"
    )
    replaces = names("GroupDescription GroupName VpcId")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the group with its rules; egress rules replace the one that allows everything."""
        made = self.make(
            "create_security_group",
            properties,
            GroupName=properties.get("GroupName") or logical.generated_name(255),
            Description=properties["GroupDescription"],
        )
        group_id = made["GroupId"]
        physical = Physical(
            group_id,
            attributes(GroupId=group_id, Id=group_id, VpcId=properties.get("VpcId")),
        )
        with self.undone_on_failure(physical, properties):
            self._rules(group_id, {}, properties)
        return physical

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Revoke the rules that went and authorise those that came."""
        self._rules(physical.id, old, new)
        self.retag(physical.id, old.get("Tags"), new.get("Tags"))
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the group once no interface and no other group's rule uses it."""
        self.remove("delete_security_group", GroupId=physical.id)

    def _rules(self, group_id: str, old: Properties, new: Properties) -> None:
        for direction, name, default in (
            ("ingress", "SecurityGroupIngress", []),
            ("egress", "SecurityGroupEgress", [EVERYWHERE]),
        ):
            before, after = (_by_meaning(of.get(name) or default) for of in (old, new))
            # What comes goes in first: traffic that both allow is never cut.
            self._each("authorize_security_group_{}", direction, group_id, after, before.keys())
            self._each("revoke_security_group_{}", direction, group_id, before, after.keys())
            told = {key for key in after if before.get(key) == after[key]} | after.keys() - before
            describe = "update_security_group_rule_descriptions_{}"
            self._each(describe, direction, group_id, after, told)

    def _each(
        self,
        operation: str,
        direction: str,
        group_id: str,
        permissions: Mapping[str, Any],
        but: AbstractSet[str],
    ) -> None:
        wanted = [permission for key, permission in permissions.items() if key not in but]
        if wanted:
            self.remove(operation.format(direction), GroupId=group_id, IpPermissions=wanted)


class _Rule(Ec2Resource):
    """A rule that is a resource of its own; only its description changes in place."""

    direction: ClassVar[str]

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Authorise the rule."""
        made = self.call(
            f"authorize_security_group_{self.direction}",
            **_group(properties),
            IpPermissions=[permission(properties)],
        )
        rules = made.get("SecurityGroupRules") or [{}]
        rule_id = rules[0].get("SecurityGroupRuleId") or logical.generated_name()
        return Physical(rule_id, {"Id": rule_id})

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Describe the rule anew."""
        self.call(
            f"update_security_group_rule_descriptions_{self.direction}",
            **_group(new),
            IpPermissions=[permission(new)],
        )
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Revoke the rule."""
        self.remove(
            f"revoke_security_group_{self.direction}",
            **_group(properties),
            IpPermissions=[permission(properties)],
        )


class SecurityGroupIngress(_Rule):
    """A rule for what may come in."""

    type = "AWS::EC2::SecurityGroupIngress"
    direction = "ingress"
    honoured = names(
        "CidrIp CidrIpv6 Description FromPort GroupId GroupName IpProtocol SourcePrefixListId "
        "SourceSecurityGroupId SourceSecurityGroupName SourceSecurityGroupOwnerId ToPort"
    )
    replaces = honoured - {"Description"}


class SecurityGroupEgress(_Rule):
    """A rule for what may go out."""

    type = "AWS::EC2::SecurityGroupEgress"
    direction = "egress"
    honoured = names(
        "CidrIp CidrIpv6 Description DestinationPrefixListId DestinationSecurityGroupId FromPort "
        "GroupId IpProtocol ToPort"
    )
    replaces = honoured - {"Description"}


def _group(properties: Properties) -> dict[str, Any]:
    key = "GroupId" if "GroupId" in properties else "GroupName"
    return {key: properties[key]}
