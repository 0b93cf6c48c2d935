"""AWS::ElasticLoadBalancingV2::LoadBalancer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from underpass.twin.services.cloudformation.resource import attributes, changed, names, without
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
)
from underpass.twin.services.elbv2.cfn.elbv2 import Elbv2Resource

ENFORCE = "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"


class LoadBalancer(Elbv2Resource):
    """A network or application load balancer, usable once it is active."""

    type = "AWS::ElasticLoadBalancingV2::LoadBalancer"
    honoured = names(
        "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic IpAddressType LoadBalancerAttributes Name "
        "Scheme SecurityGroups SubnetMappings Subnets Tags Type"
    )
    inert = names("MinimumLoadBalancerCapacity")
    replaces = names("Name Scheme Type")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the load balancer and wait until it is active."""
        made = self.call(
            "create_load_balancer",
            properties,
            Name=properties.get("Name") or logical.generated_name(32),
        )["LoadBalancers"][0]
        arn = made["LoadBalancerArn"]
        with self.undone_on_failure(Physical(arn), properties):
            if properties.get(ENFORCE, "on") != "on":
                self._set_groups(arn, properties)
            active = self._active(arn)
            # Last: from deletion protection on, what fails could not be undone.
            self._attributes(arn, {}, properties)
        return active

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change subnets, security groups, attributes and tags."""
        if changed(old, new, "Subnets SubnetMappings"):
            self.call("set_subnets", without(new, "IpAddressType"), LoadBalancerArn=physical.id)
        if changed(old, new, f"SecurityGroups {ENFORCE}"):
            self._set_groups(physical.id, new)
        if changed(old, new, "IpAddressType"):
            kind = new.get("IpAddressType", "ipv4")
            self.call("set_ip_address_type", LoadBalancerArn=physical.id, IpAddressType=kind)
        self._attributes(physical.id, old, new)
        self.retag(physical.id, old.get("Tags"), new.get("Tags"))
        return self._active(physical.id)

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the load balancer; AWS refuses while it has deletion protection."""
        self.remove("delete_load_balancer", LoadBalancerArn=physical.id)
        self.until_gone(lambda: self._describe(physical.id))

    def _describe(self, arn: str) -> Mapping[str, Any] | None:
        return self.one("describe_load_balancers", "LoadBalancers", LoadBalancerArns=[arn])

    def _set_groups(self, arn: str, properties: Properties) -> None:
        self.call(
            "set_security_groups",
            LoadBalancerArn=arn,
            SecurityGroups=properties.get("SecurityGroups") or [],
            **{ENFORCE: properties.get(ENFORCE)},
        )

    def _attributes(self, arn: str, old: Properties, new: Properties) -> None:
        name = "LoadBalancerAttributes"
        self.set_attributes(
            "modify_load_balancer_attributes", "LoadBalancerArn", arn, old.get(name), new.get(name)
        )

    def _active(self, arn: str) -> Physical:
        def flat() -> dict[str, Any] | None:
            found = self._describe(arn)
            return {**found, "Code": found["State"]["Code"]} if found else None

        found = self.in_state(flat, "Code", "active")
        return Physical(
            arn,
            attributes(
                LoadBalancerArn=arn,
                DNSName=found["DNSName"],
                CanonicalHostedZoneID=found.get("CanonicalHostedZoneId"),
                LoadBalancerName=found["LoadBalancerName"],
                LoadBalancerFullName=arn.split(":loadbalancer/", 1)[-1],
                SecurityGroups=list(found.get("SecurityGroups") or ()),
            ),
        )
