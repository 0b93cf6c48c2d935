"""The topic everything that wants somebody's attention is told to: alarms, and who connects (SNS)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from troposphere import Ref, Template
from troposphere.sns import SubscriptionResource, Topic, TopicPolicy

from underpass.blueprint.cross_stack import hand
from underpass.blueprint.foundation.keys import Arn
from underpass.blueprint.iam import document, only_over_tls
from underpass.config import Config

# Who publishes, for this account only.
# https://docs.aws.amazon.com/vpc/latest/privatelink/create-endpoint-service.html
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.GrantingPermissions.html
_PUBLISHERS = {"EndpointConnections": "vpce.amazonaws.com", "Alarms": "cloudwatch.amazonaws.com"}
_DATABASE = {"DatabaseEvents": "events.rds.amazonaws.com"}
# The rule on failed jobs. To SNS EventBridge says for whom it publishes in no way a condition could read.
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sns-permissions
_JOBS = {
    "Sid": "Jobs",
    "Effect": "Allow",
    "Principal": {"Service": "events.amazonaws.com"},
    "Action": "sns:Publish",
}


def add(template: Template, config: Config, key: Arn) -> None:
    """Add the topic with its policy, and the address of ``[alarms] email``, which AWS asks to confirm.

    A topic that is there already gets neither: both are its owner's.
    """
    if config.alarms.topic:
        hand(template, "TopicArn", config.alarms.topic)
        return
    topic = template.add_resource(Topic("Topic", KmsMasterKeyId=key))
    template.add_resource(
        TopicPolicy(
            "TopicPolicy",
            Topics=[Ref(topic)],
            PolicyDocument=document(
                *publishing(config, Ref(topic)),
                only_over_tls("sns:Publish", Ref(topic)),
            ),
        )
    )
    if config.alarms.email:
        template.add_resource(
            SubscriptionResource(
                "EmailSubscription",
                TopicArn=Ref(topic),
                Protocol="email",
                Endpoint=config.alarms.email,
            )
        )
    hand(template, "TopicArn", Ref(topic))


def publishing(config: Config, topic: object) -> list[Mapping[str, Any]]:
    """Return who publishes to the topic of that ARN, for this account: of any topic, also another's."""
    publishers = {**_PUBLISHERS, **(_DATABASE if config.instance else {})}
    return [
        *(_publishes(name, service, topic) for name, service in publishers.items()),
        *([_JOBS | {"Resource": topic}] if config.jobs else []),
    ]


def _publishes(name: str, service: str, topic: object) -> Mapping[str, Any]:
    return {
        "Sid": name,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sns:Publish",
        "Resource": topic,
        "Condition": {"StringEquals": {"aws:SourceAccount": Ref("AWS::AccountId")}},
    }
