"""Elastic Load Balancing's CloudFormation types; the ``Ref`` of each is its ARN."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from underpass.twin.services.cloudformation.resource import Resource
from underpass.twin.services.cloudformation.resource_type import (
    Described,
    Form,
    Physical,
    Properties,
    Setting,
    Tagging,
    changed,
    differ,
)

ELB = partial(Form, service="elbv2", tagging=Tagging("add_tags", "remove_tags", "ResourceArns"))
ENFORCE = "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"
HEALTH = (
    "HealthCheckEnabled HealthCheckIntervalSeconds HealthCheckPath HealthCheckPort "
    "HealthCheckProtocol HealthCheckTimeoutSeconds HealthyThresholdCount Matcher "
    "UnhealthyThresholdCount"
)

PLAIN = (
    ELB(
        type="AWS::ElasticLoadBalancingV2::Listener",
        honoured="Certificates DefaultActions ListenerAttributes LoadBalancerArn Port Protocol SslPolicy "
        "Tags",
        replaces="LoadBalancerArn",
        create="create_listener",
        made="Listeners.0",
        ref="{ListenerArn}",
        attributes="ListenerArn",
        update="modify_listener ListenerArn",
        settings={
            "ListenerAttributes": Setting(
                "modify_listener_attributes", "Attributes", piecewise=True
            )
        },
        delete="delete_listener ListenerArn",
    ),
)


class ListenerRule(Resource):
    """A rule of an application load balancer's listener."""

    form = ELB(
        type="AWS::ElasticLoadBalancingV2::ListenerRule",
        honoured="Actions Conditions ListenerArn Priority Tags",
        replaces="ListenerArn",
        create="create_rule",
        made="Rules.0",
        ref="{RuleArn}",
        attributes="RuleArn IsDefault",
        update="modify_rule RuleArn",
        delete="delete_rule RuleArn",
    )

    def settle(self, physical: Physical, old: Properties, new: Properties) -> None:
        """Change the priority."""
        if changed(old, new, "Priority"):
            priorities = [{"RuleArn": physical.id, "Priority": new["Priority"]}]
            self.call("set_rule_priorities", RulePriorities=priorities)


class TargetGroup(Resource):
    """A target group, and those targets the template itself names."""

    form = ELB(
        type="AWS::ElasticLoadBalancingV2::TargetGroup",
        honoured=f"{HEALTH} Name Port Protocol ProtocolVersion Tags TargetGroupAttributes Targets "
        "TargetType VpcId",
        replaces="Name Port Protocol ProtocolVersion TargetType VpcId",
        name="Name",
        longest=32,
        create="create_target_group",
        made="TargetGroups.0",
        ref="{TargetGroupArn}",
        attributes="TargetGroupArn TargetGroupName LoadBalancerArns",
        update="modify_target_group TargetGroupArn",
        settings={
            "TargetGroupAttributes": Setting(
                "modify_target_group_attributes", "Attributes", piecewise=True
            )
        },
        described=Described("describe_target_groups TargetGroupArns", "TargetGroups"),
        delete="delete_target_group TargetGroupArn",
    )

    def settle(self, physical: Physical, old: Properties, new: Properties) -> None:
        """Register and deregister the template's own targets, after all else."""
        super().settle(physical, old, new)
        gone, come = differ(old, new, "Targets")
        if gone:
            self.call("deregister_targets", TargetGroupArn=physical.id, Targets=gone)
        if come:
            self.call("register_targets", TargetGroupArn=physical.id, Targets=come)

    def attributes(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Add the name metrics go by."""
        full = document["TargetGroupArn"].rsplit(":", 1)[-1]
        return super().attributes(document) | {"TargetGroupFullName": full}


class LoadBalancer(Resource):
    """A network or application load balancer, usable once it is active.

    AWS refuses to delete one with deletion protection.
    """

    form = ELB(
        type="AWS::ElasticLoadBalancingV2::LoadBalancer",
        honoured=f"{ENFORCE} LoadBalancerAttributes Name Scheme SecurityGroups SubnetMappings Subnets "
        "Tags Type",
        inert="MinimumLoadBalancerCapacity",
        replaces="Name Scheme Type",
        name="Name",
        longest=32,
        create="create_load_balancer",
        made="LoadBalancers.0",
        ref="{LoadBalancerArn}",
        attributes="LoadBalancerArn DNSName CanonicalHostedZoneID=CanonicalHostedZoneId LoadBalancerName",
        settings={
            "LoadBalancerAttributes": Setting(
                "modify_load_balancer_attributes", "Attributes", piecewise=True
            )
        },
        described=Described(
            "describe_load_balancers LoadBalancerArns", "LoadBalancers", "State.Code", "active"
        ),
        delete="delete_load_balancer LoadBalancerArn",
    )

    def settle(self, physical: Physical, old: Properties, new: Properties) -> None:
        """Change subnets and security groups, then attributes.

        Attributes come last: from deletion protection on, a creation that fails could not be undone.
        """
        arn = physical.id
        if changed(old, new, "Subnets SubnetMappings"):
            self.call("set_subnets", new, LoadBalancerArn=arn)
        if changed({ENFORCE: "on", **old}, {ENFORCE: "on", **new}, f"SecurityGroups {ENFORCE}"):
            groups = new.get("SecurityGroups") or []
            self.call("set_security_groups", new, LoadBalancerArn=arn, SecurityGroups=groups)
        super().settle(physical, old, new)

    def attributes(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Add the name metrics go by, and the groups."""
        full = document["LoadBalancerArn"].split(":loadbalancer/", 1)[-1]
        groups = list(document.get("SecurityGroups") or ())
        return super().attributes(document) | {
            "LoadBalancerFullName": full,
            "SecurityGroups": groups,
        }
