"""AWS::RDS::EventSubscription: a topic is told what happens to databases."""

from __future__ import annotations

from underpass.twin.services.cloudformation.resource import changed, names
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
)
from underpass.twin.services.rds.cfn.instances import RdsResource


class EventSubscription(RdsResource):
    """A subscription to events of RDS."""

    type = "AWS::RDS::EventSubscription"
    honoured = names(
        "Enabled EventCategories SnsTopicArn SourceIds SourceType SubscriptionName Tags"
    )
    replaces = names("SnsTopicArn SubscriptionName")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Subscribe; it is on unless it is said to be off."""
        name = properties.get("SubscriptionName") or logical.generated_name(255)
        enabled = properties.get("Enabled", True)
        self.call("create_event_subscription", properties, SubscriptionName=name, Enabled=enabled)
        return Physical(name)

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change what it tells of, and tags."""
        if changed(old, new, "Enabled EventCategories SourceType"):
            enabled = new.get("Enabled", True)
            self.call(
                "modify_event_subscription", new, SubscriptionName=physical.id, Enabled=enabled
            )
        before, after = old.get("SourceIds") or [], new.get("SourceIds") or []
        for operation, sources in (
            ("add_source_identifier_to_subscription", [one for one in after if one not in before]),
            (
                "remove_source_identifier_from_subscription",
                [one for one in before if one not in after],
            ),
        ):
            for source in sources:
                self.call(operation, SubscriptionName=physical.id, SourceIdentifier=source)
        if changed(old, new, "Tags"):
            found = self.one(
                "describe_event_subscriptions",
                "EventSubscriptionsList",
                SubscriptionName=physical.id,
            )
            if found:
                self.retag(found["EventSubscriptionArn"], old.get("Tags"), new.get("Tags"))
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Unsubscribe."""
        self.remove("delete_event_subscription", SubscriptionName=physical.id)
