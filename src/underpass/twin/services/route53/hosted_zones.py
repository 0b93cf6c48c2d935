"""Route 53 private hosted zones, kept in ``Names`` for the VPCs they are associated with.

Addresses (``A``), ``CNAME`` and alias records; weighted and multi-value records of one name are all given.
An alias is followed at each look-up, so it moves with what it points at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from underpass.twin.region.aws import Clients
from underpass.twin.region.dns_records import Names
from underpass.twin.region.topics import Topic

SOURCE = "route53"


class Zones:
    """A controller: what Route 53 says becomes what the VPCs' resolvers answer."""

    topics: ClassVar[tuple[Topic, ...]] = (Topic.ROUTE53,)

    def __init__(self, clients: Clients, names: Names) -> None:
        self._clients = clients
        self._names = names

    def reconcile(self) -> None:
        """Read every private zone and replace the records of the VPCs that see it."""
        records: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
        zones: dict[str, list[str]] = defaultdict(list)
        route53 = self._clients("route53")
        for zone in _pages(route53, "list_hosted_zones", "HostedZones"):
            if not zone["Config"]["PrivateZone"]:
                continue
            found = addresses(
                _pages(route53, "list_resource_record_sets", "ResourceRecordSets", zone["Id"])
            )
            for vpc in route53.get_hosted_zone(Id=zone["Id"]).get("VPCs", ()):
                zones[vpc["VPCId"]].append(zone["Name"])
                records[vpc["VPCId"]].update(found)
        for vpc_id in {*zones, *self._names.sources(SOURCE)}:
            self._names.set(SOURCE, vpc_id, records[vpc_id], tuple(zones[vpc_id]))


def addresses(record_sets: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Return the values of the A, CNAME and alias records by name."""
    values: dict[str, tuple[str, ...]] = {}
    for record in record_sets:
        if record["Type"] not in {"A", "CNAME"}:
            continue
        listed = tuple(value["Value"] for value in record.get("ResourceRecords", ()))
        if "AliasTarget" in record:
            listed += (record["AliasTarget"]["DNSName"],)
        values[record["Name"]] = values.get(record["Name"], ()) + listed
    return values


def _pages(route53: Any, action: str, key: str, zone_id: str = "") -> Iterable[Mapping[str, Any]]:
    named = {"HostedZoneId": zone_id} if zone_id else {}
    for page in route53.get_paginator(action).paginate(**named):
        yield from page[key]
