"""AWS::Route53::HostedZone and AWS::Route53::RecordSet."""

from __future__ import annotations

import uuid
from typing import Any

from underpass.twin.services.cloudformation.resource import Resource, changed, names, without
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
    ProvisionError,
)


class HostedZone(Resource):
    """A hosted zone; a private one is answered in its VPCs only."""

    type = "AWS::Route53::HostedZone"
    service = "route53"
    honoured = names("HostedZoneConfig HostedZoneTags Name VPCs")
    replaces = names("Name")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the zone in its first VPC, then associate the others."""
        vpcs = properties.get("VPCs") or [None]
        config = {**(properties.get("HostedZoneConfig") or {}), "PrivateZone": bool(vpcs[0])}
        made = self.call(
            "create_hosted_zone",
            Name=properties["Name"],
            CallerReference=uuid.uuid4().hex,
            HostedZoneConfig=config,
            VPC=vpcs[0],
        )
        zone_id = made["HostedZone"]["Id"].rsplit("/", 1)[-1]
        servers = made.get("DelegationSet", {}).get("NameServers", [])
        physical = Physical(zone_id, {"Id": zone_id, "NameServers": servers})
        with self.undone_on_failure(physical, properties):
            for vpc in vpcs[1:]:
                self.call("associate_vpc_with_hosted_zone", HostedZoneId=zone_id, VPC=vpc)
            self._retag(zone_id, {}, properties)
        return physical

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Associate and disassociate VPCs; change comment and tags."""
        before, after = old.get("VPCs") or [], new.get("VPCs") or []
        for vpc in (vpc for vpc in after if vpc not in before):
            self.call("associate_vpc_with_hosted_zone", HostedZoneId=physical.id, VPC=vpc)
        for vpc in (vpc for vpc in before if vpc not in after):
            self.call("disassociate_vpc_from_hosted_zone", HostedZoneId=physical.id, VPC=vpc)
        if changed(old, new, "HostedZoneConfig"):
            comment = (new.get("HostedZoneConfig") or {}).get("Comment", "")
            self.call("update_hosted_zone_comment", Id=physical.id, Comment=comment)
        self._retag(physical.id, old, new)
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the zone; Route 53 refuses while records are left."""
        self.remove("delete_hosted_zone", Id=physical.id)

    def _retag(self, zone_id: str, old: Properties, new: Properties) -> None:
        before = {tag["Key"]: tag["Value"] for tag in old.get("HostedZoneTags") or ()}
        after = {tag["Key"]: tag["Value"] for tag in new.get("HostedZoneTags") or ()}
        if before != after:
            self.call(
                "change_tags_for_resource",
                ResourceType="hostedzone",
                ResourceId=zone_id,
                AddTags=[{"Key": k, "Value": v} for k, v in after.items()] or None,
                RemoveTagKeys=sorted(before.keys() - after.keys()) or None,
            )


class RecordSet(Resource):
    """Records of one name and type."""

    type = "AWS::Route53::RecordSet"
    service = "route53"
    honoured = names(
        "AliasTarget HostedZoneId HostedZoneName MultiValueAnswer Name ResourceRecords SetIdentifier "
        "TTL Type Weight"
    )
    inert = names("Comment")
    replaces = names("HostedZoneId HostedZoneName")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Add the records; CloudFormation does not take over ones that exist."""
        self._change("CREATE", properties)
        return Physical(properties["Name"])

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Put the new records in the place of the old ones, in one change."""
        if changed(old, new, "Name Type SetIdentifier"):
            self._change("DELETE", old)
            self._change("CREATE", new)
        else:
            self._change("UPSERT", new)
        return Physical(new["Name"])

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Take the records out of the zone."""
        if self._exists(properties):
            self._change("DELETE", properties)

    def _change(self, action: str, properties: Properties) -> None:
        record = without(properties, "HostedZoneId HostedZoneName Comment")
        if "ResourceRecords" in record:
            record["ResourceRecords"] = [{"Value": value} for value in record["ResourceRecords"]]
        if "AliasTarget" in record:
            record["AliasTarget"] = {"EvaluateTargetHealth": False, **record["AliasTarget"]}
        self.call(
            "change_resource_record_sets",
            HostedZoneId=self._zone(properties),
            ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": record}]},
        )

    def _exists(self, properties: Properties) -> bool:
        wanted: dict[str, Any] = {"StartRecordName": properties["Name"], "MaxItems": "1"}
        found = self.one(
            "list_resource_record_sets",
            "ResourceRecordSets",
            HostedZoneId=self._zone(properties),
            StartRecordType=properties["Type"],
            **wanted,
        )
        if found is None:
            return False
        same_name: bool = (
            found["Name"].rstrip(".").lower() == properties["Name"].rstrip(".").lower()
        )
        return same_name and bool(found["Type"] == properties["Type"])

    def _zone(self, properties: Properties) -> str:
        if "HostedZoneId" in properties:
            return str(properties["HostedZoneId"])
        name = properties["HostedZoneName"]
        zone = self.one("list_hosted_zones_by_name", "HostedZones", DNSName=name)
        if zone is None or zone["Name"].rstrip(".") != name.rstrip("."):
            raise ProvisionError(f"No hosted zone named {name} found")
        return str(zone["Id"].rsplit("/", 1)[-1])
