"""Listeners and their rules."""

from __future__ import annotations

from underpass.twin.services.cloudformation.resource import changed, names
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
)
from underpass.twin.services.elbv2.cfn.elbv2 import Elbv2Resource


class Listener(Elbv2Resource):
    """A listener of a load balancer."""

    type = "AWS::ElasticLoadBalancingV2::Listener"
    honoured = names(
        "AlpnPolicy Certificates DefaultActions ListenerAttributes LoadBalancerArn MutualAuthentication "
        "Port Protocol SslPolicy Tags"
    )
    replaces = names("LoadBalancerArn")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the listener."""
        arn = self.call("create_listener", properties)["Listeners"][0]["ListenerArn"]
        physical = Physical(arn, {"ListenerArn": arn})
        with self.undone_on_failure(physical, properties):
            self._attributes(arn, {}, properties)
        return physical

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change everything but the load balancer."""
        self.call("modify_listener", new, ListenerArn=physical.id)
        self._attributes(physical.id, old, new)
        return self.retagged(physical, old, new)

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the listener."""
        self.remove("delete_listener", ListenerArn=physical.id)

    def _attributes(self, arn: str, old: Properties, new: Properties) -> None:
        name = "ListenerAttributes"
        self.set_attributes(
            "modify_listener_attributes", "ListenerArn", arn, old.get(name), new.get(name)
        )


class ListenerRule(Elbv2Resource):
    """A rule of an application load balancer's listener."""

    type = "AWS::ElasticLoadBalancingV2::ListenerRule"
    honoured = names("Actions Conditions ListenerArn Priority Tags")
    replaces = names("ListenerArn")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the rule."""
        arn = self.call("create_rule", properties)["Rules"][0]["RuleArn"]
        return Physical(arn, {"RuleArn": arn, "IsDefault": False})

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change conditions, actions and priority."""
        if changed(old, new, "Actions Conditions"):
            self.call("modify_rule", new, RuleArn=physical.id)
        if changed(old, new, "Priority"):
            priorities = [{"RuleArn": physical.id, "Priority": new["Priority"]}]
            self.call("set_rule_priorities", RulePriorities=priorities)
        return self.retagged(physical, old, new)

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the rule."""
        self.remove("delete_rule", RuleArn=physical.id)
