"""SNS topics, who may publish to them, and who is told."""

from __future__ import annotations

from typing import Any

from underpass.twin.region.aws import ACCOUNT_ID
from underpass.twin.services.cloudformation.resource import Resource
from underpass.twin.services.cloudformation.resource_type import (
    Form,
    LogicalResource,
    Physical,
    Properties,
    changed,
    differ,
)
from underpass.twin.services.cloudformation.service_calls import text

TOPIC_ATTRIBUTES = "ContentBasedDeduplication DisplayName FifoTopic KmsMasterKeyId"
SUBSCRIPTION_ATTRIBUTES = "FilterPolicy FilterPolicyScope RawMessageDelivery"


class Topic(Resource):
    """A topic, and the subscriptions written with it."""

    form = Form(
        type="AWS::SNS::Topic",
        service="sns",
        honoured=f"{TOPIC_ATTRIBUTES} Subscription Tags TopicName",
        inert="DataProtectionPolicy DeliveryStatusLogging MaximumMessageSize",
        replaces="FifoTopic TopicName",
        renamed={"TopicName": "Name"},
        name="Name",
        longest=250,
        create="create_topic",
        found="get_topic_attributes TopicArn Attributes",
        takes_over=True,
        ref="{TopicArn}",
        attributes="TopicArn TopicName=Name",
        delete="delete_topic TopicArn",
    )

    def sought(self, name: str) -> str:
        """Return the ARN: SNS finds no topic by its name."""
        return f"arn:aws:sns:{self.region.name}:{ACCOUNT_ID}:{name}"

    def made_up_name(self, logical: LogicalResource, properties: Properties) -> str:
        """Return a name; a FIFO topic's ends in ``.fifo``."""
        fifo = ".fifo" if "FifoTopic" in properties else ""
        return super().made_up_name(logical, properties) + fifo

    def arguments(self, logical: LogicalResource, properties: Properties) -> dict[str, Any]:
        """Return the attributes."""
        return {"Attributes": _attributes(properties, TOPIC_ATTRIBUTES)}

    def settle(self, physical: Physical, old: Properties, new: Properties) -> None:
        """Change the subscriptions written with it."""
        gone, come = differ(old, new, "Subscription")
        for wanted in come:
            self.call("subscribe", wanted, TopicArn=physical.id)
        if gone:
            lost = [(one["Protocol"], one["Endpoint"]) for one in gone]
            named = {"TopicArn": physical.id}
            for one in self.call("list_subscriptions_by_topic", **named)["Subscriptions"]:
                if (one["Protocol"], one["Endpoint"]) in lost:
                    self.remove("unsubscribe", SubscriptionArn=one["SubscriptionArn"])

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change the attributes, and the rest."""
        _set(self, "topic", physical, old, new, TOPIC_ATTRIBUTES)
        return super().update(logical, physical, old, new)


class Subscription(Resource):
    """Who is told."""

    form = Form(
        type="AWS::SNS::Subscription",
        service="sns",
        honoured=f"{SUBSCRIPTION_ATTRIBUTES} Endpoint Protocol TopicArn",
        inert="Region ReplayPolicy",
        replaces="Endpoint Protocol TopicArn",
        defaults={"ReturnSubscriptionArn": True},
        create="subscribe",
        ref="{SubscriptionArn}",
        attributes="Arn=Ref",
        delete="unsubscribe SubscriptionArn",
    )

    def arguments(self, logical: LogicalResource, properties: Properties) -> dict[str, Any]:
        """Return how and what it is told."""
        return {"Attributes": _attributes(properties, SUBSCRIPTION_ATTRIBUTES)}

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change how and what it is told."""
        _set(self, "subscription", physical, old, new, SUBSCRIPTION_ATTRIBUTES)
        return physical


class TopicPolicy(Resource):
    """Who may do what with topics."""

    form = Form(
        type="AWS::SNS::TopicPolicy",
        service="sns",
        honoured="PolicyDocument Topics",
        attributes="Id=Ref",
    )

    def settle(self, physical: Physical, old: Properties, new: Properties) -> None:
        """Put the policy; topics that are not named any more keep SNS's own default one."""
        for arn in differ(old, new, "Topics")[0]:
            self.remove("set_topic_attributes", **_policy(arn, _only_the_account(arn)))
        for arn in new.get("Topics", ()):
            self.call("set_topic_attributes", **_policy(arn, new["PolicyDocument"]))

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Leave each topic with the default policy."""
        self.settle(physical, properties, {})


def _policy(arn: str, document: Any) -> dict[str, Any]:
    return {"TopicArn": arn, "AttributeName": "Policy", "AttributeValue": document}


def _attributes(properties: Properties, known: str) -> dict[str, str]:
    return {name: text(properties[name]) for name in known.split() if name in properties}


def _set(
    of: Resource, what: str, physical: Physical, old: Properties, new: Properties, known: str
) -> None:
    """Set those of the ``known`` attributes that differ; SNS takes one a call."""
    for name in known.split():
        if changed(old, new, name):
            value = text(new[name]) if name in new else ""
            named = {f"{what.title()}Arn": physical.id, "AttributeName": name}
            of.call(f"set_{what}_attributes", AttributeValue=value, **named)


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
