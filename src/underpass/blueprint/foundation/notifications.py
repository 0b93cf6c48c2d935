"""The topic everything that wants somebody's attention is told to: alarms, and who connects (SNS)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from troposphere import GetAtt, Ref, Template
from troposphere.kms import Key
from troposphere.sns import SubscriptionResource, Topic, TopicPolicy

from underpass.blueprint.cross_stack import hand
from underpass.blueprint.iam import document, only_over_tls
from underpass.config import Config

# Who publishes, for this account only.
# https://docs.aws.amazon.com/vpc/latest/privatelink/create-endpoint-service.html
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.GrantingPermissions.html
_PUBLISHERS = {"EndpointConnections": "vpce.amazonaws.com", "Alarms": "cloudwatch.amazonaws.com"}
_DATABASE = {"DatabaseEvents": "events.rds.amazonaws.com"}


def add(template: Template, config: Config, key: Key) -> None:
    """Add the topic with its policy, and the address of ``[alarms] email``, which AWS asks to confirm."""
    publishers = {**_PUBLISHERS, **(_DATABASE if config.instance else {})}
    topic = template.add_resource(Topic("Topic", KmsMasterKeyId=GetAtt(key, "Arn")))
    template.add_resource(
        TopicPolicy(
            "TopicPolicy",
            Topics=[Ref(topic)],
            PolicyDocument=document(
                *(_publishes(name, service, topic) for name, service in publishers.items()),
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


def _publishes(name: str, service: str, topic: Topic) -> Mapping[str, Any]:
    return {
        "Sid": name,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sns:Publish",
        "Resource": Ref(topic),
        "Condition": {"StringEquals": {"aws:SourceAccount": Ref("AWS::AccountId")}},
    }
