"""SNS topics, who may publish to them, and who is told."""

from __future__ import annotations

from underpass.twin.services.cloudformation.resource import Resource, changed, names, without
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
)
from underpass.twin.services.cloudformation.service_calls import text

TOPIC_ATTRIBUTES = (
    "ArchivePolicy ContentBasedDeduplication DisplayName FifoThroughputScope FifoTopic KmsMasterKeyId "
    "SignatureVersion TracingConfig"
)
SUBSCRIPTION_ATTRIBUTES = (
    "DeliveryPolicy FilterPolicy FilterPolicyScope RawMessageDelivery RedrivePolicy "
    "SubscriptionRoleArn"
)


class Topic(Resource):
    """A topic, and the subscriptions written with it."""

    type = "AWS::SNS::Topic"
    service = "sns"
    honoured = names(f"{TOPIC_ATTRIBUTES} Subscription Tags TopicName")
    inert = names("DataProtectionPolicy DeliveryStatusLogging MaximumMessageSize")
    replaces = names("FifoTopic TopicName")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the topic and its subscriptions."""
        fifo = ".fifo" if "FifoTopic" in properties else ""
        name = properties.get("TopicName") or logical.generated_name(250) + fifo
        wanted = _attributes(properties, TOPIC_ATTRIBUTES)
        arn = self.call("create_topic", properties, Name=name, Attributes=wanted)["TopicArn"]
        physical = Physical(arn, {"TopicArn": arn, "TopicName": name})
        with self.undone_on_failure(physical, properties):
            self._subscribe(arn, {}, properties)
        return physical

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change attributes, the subscriptions written with it, and tags."""
        before, after = (_attributes(wanted, TOPIC_ATTRIBUTES) for wanted in (old, new))
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name):
                value = after.get(name, "")
                self.call(
                    "set_topic_attributes",
                    TopicArn=physical.id,
                    AttributeName=name,
                    AttributeValue=value,
                )
        self._subscribe(physical.id, old, new)
        self.retag(physical.id, old.get("Tags"), new.get("Tags"))
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the topic with its subscriptions."""
        self.remove("delete_topic", TopicArn=physical.id)

    def _subscribe(self, arn: str, old: Properties, new: Properties) -> None:
        before, after = old.get("Subscription") or [], new.get("Subscription") or []
        for wanted in after:
            if wanted not in before:
                self.call("subscribe", wanted, TopicArn=arn)
        gone = [(one["Protocol"], one["Endpoint"]) for one in before if one not in after]
        if gone:
            held = self.call("list_subscriptions_by_topic", TopicArn=arn)["Subscriptions"]
            for one in held:
                if (one["Protocol"], one["Endpoint"]) in gone:
                    self.remove("unsubscribe", SubscriptionArn=one["SubscriptionArn"])


class TopicPolicy(Resource):
    """Who may do what with topics."""

    type = "AWS::SNS::TopicPolicy"
    service = "sns"
    honoured = names("PolicyDocument Topics")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Put the policy on each topic."""
        self._put(properties["Topics"], properties["PolicyDocument"])
        name = logical.generated_name()
        return Physical(name, {"Id": name})

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Put the policy anew, and take it from the topics that are not named any more."""
        self._put([arn for arn in old["Topics"] if arn not in new["Topics"]], None)
        self._put(new["Topics"], new["PolicyDocument"])
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Leave each topic with SNS's own default policy."""
        self._put(properties["Topics"], None)

    def _put(self, topics: list[str], document: object) -> None:
        for arn in topics:
            policy = document or _only_the_account(arn)
            named = {"AttributeName": "Policy", "AttributeValue": policy}
            put = self.call if document else self.remove
            put("set_topic_attributes", TopicArn=arn, **named)


class Subscription(Resource):
    """Who is told."""

    type = "AWS::SNS::Subscription"
    service = "sns"
    honoured = names(f"{SUBSCRIPTION_ATTRIBUTES} Endpoint Protocol TopicArn")
    inert = names("Region ReplayPolicy")
    replaces = names("Endpoint Protocol TopicArn")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Subscribe."""
        made = self.call(
            "subscribe",
            without(properties, SUBSCRIPTION_ATTRIBUTES),
            Attributes=_attributes(properties, SUBSCRIPTION_ATTRIBUTES),
            ReturnSubscriptionArn=True,
        )
        arn = made["SubscriptionArn"]
        return Physical(arn, {"Arn": arn})

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change how and what it is told."""
        for name in SUBSCRIPTION_ATTRIBUTES.split():
            if changed(old, new, name):
                self.call(
                    "set_subscription_attributes",
                    SubscriptionArn=physical.id,
                    AttributeName=name,
                    AttributeValue=text(new[name]) if name in new else "",
                )
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Unsubscribe."""
        self.remove("unsubscribe", SubscriptionArn=physical.id)


def _attributes(properties: Properties, attribute_names: str) -> dict[str, str]:
    return {name: text(properties[name]) for name in attribute_names.split() if name in properties}


def _only_the_account(topic_arn: str) -> dict[str, object]:
    account = topic_arn.split(":")[4]
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": ["SNS:Publish", "SNS:Subscribe", "SNS:GetTopicAttributes"],
        "Resource": topic_arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": account}},
    }
    return {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}
