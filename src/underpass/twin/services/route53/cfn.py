"""AWS::Route53::HostedZone and AWS::Route53::RecordSet."""

from __future__ import annotations

import uuid
from typing import Any

from underpass.twin.services.cloudformation.resource import Resource
from underpass.twin.services.cloudformation.resource_type import (
    Form,
    LogicalResource,
    Physical,
    Properties,
    ProvisionError,
    as_map,
    changed,
    differ,
    without,
)


class HostedZone(Resource):
    """A hosted zone; a private one is answered in its VPCs only.

    Route 53 refuses to delete one while records are left.
    """

    form = Form(
        type="AWS::Route53::HostedZone",
        service="route53",
        honoured="HostedZoneConfig HostedZoneTags Name VPCs",
        replaces="Name",
        tags="HostedZoneTags",
        delete="delete_hosted_zone Id",
    )

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the zone in its first VPC, then associate the others."""
        first = (properties.get("VPCs") or [None])[0]
        config = {**(properties.get("HostedZoneConfig") or {}), "PrivateZone": bool(first)}
        made = self.call(
            "create_hosted_zone",
            Name=properties["Name"],
            CallerReference=uuid.uuid4().hex,
            HostedZoneConfig=config,
            VPC=first,
        )
        zone_id = made["HostedZone"]["Id"].rsplit("/", 1)[-1]
        servers = made.get("DelegationSet", {}).get("NameServers", [])
        physical = Physical(zone_id, {"Id": zone_id, "NameServers": servers})
        taken = {**properties, "VPCs": [first], "HostedZoneTags": []}
        with self.undone_on_failure(physical, properties):
            return self.update(logical, physical, taken, properties)

    def settle(self, physical: Physical, old: Properties, new: Properties) -> None:
        """Associate and disassociate VPCs; change the comment."""
        gone, come = differ(old, new, "VPCs")
        for vpc in come:
            self.call("associate_vpc_with_hosted_zone", HostedZoneId=physical.id, VPC=vpc)
        for vpc in filter(None, gone):
            self.call("disassociate_vpc_from_hosted_zone", HostedZoneId=physical.id, VPC=vpc)
        if changed(old, new, "HostedZoneConfig"):
            comment = (new.get("HostedZoneConfig") or {}).get("Comment", "")
            self.call("update_hosted_zone_comment", Id=physical.id, Comment=comment)

    def retag(self, physical: Physical, old: Any, new: Any) -> None:
        """Change tags, in one call."""
        before, after = as_map(old), as_map(new)
        if before != after:
            self.call(
                "change_tags_for_resource",
                ResourceType="hostedzone",
                ResourceId=physical.id,
                AddTags=self.form.tagging.written(after) or None,
                RemoveTagKeys=sorted(before.keys() - after.keys()) or None,
            )


class RecordSet(Resource):
    """Records of one name and type; CloudFormation does not take over ones that exist."""

    form = Form(
        type="AWS::Route53::RecordSet",
        service="route53",
        honoured="AliasTarget HostedZoneId HostedZoneName MultiValueAnswer Name ResourceRecords "
        "SetIdentifier TTL Type Weight",
        inert="Comment",
        replaces="HostedZoneId HostedZoneName",
        ref="{Name}",
    )

    def settle(self, physical: Physical, old: Properties, new: Properties) -> None:
        """Put the new records in the place of the old ones."""
        if old and not changed(old, new, "Name Type SetIdentifier"):
            self._change("UPSERT", new)
            return
        if old:
            self._change("DELETE", old)
        self._change("CREATE", new)

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change the records, whose name is what ``Ref`` answers."""
        super().update(logical, physical, old, new)
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
