"""Security groups, and rules that stand on their own (two groups may refer to each other)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from underpass.twin.services.cloudformation.resource import Resource
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
)
from underpass.twin.services.ec2.cfn import EC2
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


class SecurityGroup(Resource):
    """A security group and the rules written with it; others' rules on it are left alone."""

    form = EC2(
        type="AWS::EC2::SecurityGroup",
        kind="security-group",
        honoured="GroupDescription GroupName SecurityGroupEgress SecurityGroupIngress Tags VpcId",
        replaces="GroupDescription GroupName VpcId",
        renamed={"GroupDescription": "Description"},
        name="GroupName",
        create="create_security_group",
        ref="{GroupId}",
        attributes="GroupId Id=GroupId VpcId",
        delete="delete_security_group GroupId",
    )

    def settle(self, physical: Physical, old: Properties, new: Properties) -> None:
        """Revoke the rules that went, authorise those that came; egress rules replace the default one."""
        for direction, name, default in (
            ("ingress", "SecurityGroupIngress", []),
            ("egress", "SecurityGroupEgress", [EVERYWHERE]),
        ):
            before, after = (_by_meaning(of.get(name) or default) for of in (old, new))
            # What comes goes in first: traffic that both allow is never cut.
            self._each("authorize_security_group_{}", direction, physical.id, after, before.keys())
            self._each("revoke_security_group_{}", direction, physical.id, before, after.keys())
            told = {key for key in after if before.get(key) == after[key]} | after.keys() - before
            describe = "update_security_group_rule_descriptions_{}"
            self._each(describe, direction, physical.id, after, told)

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


class _Rule(Resource):
    """A rule that is a resource of its own; only its description changes in place."""

    @property
    def direction(self) -> str:
        """Return ``ingress`` or ``egress``, as the actions have it."""
        return self.type.removeprefix("AWS::EC2::SecurityGroup").lower()

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Authorise the rule."""
        made = self.call(f"authorize_security_group_{self.direction}", **_rule(properties))
        rules = made.get("SecurityGroupRules") or [{}]
        rule_id = rules[0].get("SecurityGroupRuleId") or logical.generated_name()
        return Physical(rule_id, {"Id": rule_id})

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Describe the rule anew."""
        self.call(f"update_security_group_rule_descriptions_{self.direction}", **_rule(new))
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Revoke the rule."""
        self.remove(f"revoke_security_group_{self.direction}", **_rule(properties))


class SecurityGroupIngress(_Rule):
    """A rule for what may come in."""

    form = EC2(
        type="AWS::EC2::SecurityGroupIngress",
        honoured="CidrIp Description FromPort GroupId IpProtocol SourcePrefixListId "
        "SourceSecurityGroupId ToPort",
        replaces="CidrIp FromPort GroupId IpProtocol SourcePrefixListId SourceSecurityGroupId ToPort",
    )


class SecurityGroupEgress(_Rule):
    """A rule for what may go out."""

    form = EC2(
        type="AWS::EC2::SecurityGroupEgress",
        honoured="CidrIp Description DestinationPrefixListId DestinationSecurityGroupId FromPort "
        "GroupId IpProtocol ToPort",
        replaces="CidrIp DestinationPrefixListId DestinationSecurityGroupId FromPort GroupId IpProtocol "
        "ToPort",
    )


def _rule(properties: Properties) -> dict[str, Any]:
    return {"GroupId": properties["GroupId"], "IpPermissions": [permission(properties)]}
