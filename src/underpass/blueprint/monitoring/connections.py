"""The notice of every endpoint that asks, is accepted, is rejected, or goes.

Here and not beside the endpoint service: its topic is encrypted with a key of the application's, and AWS
documents nowhere that PrivateLink publishes to such a topic. Should it refuse, only this stack fails.
https://docs.aws.amazon.com/vpc/latest/privatelink/create-endpoint-service.html
"""

from __future__ import annotations

from troposphere import Template
from troposphere.ec2 import VPCEndpointConnectionNotification

from underpass.blueprint.cross_stack import given
from underpass.blueprint.monitoring.alarms import Topic

EVENTS = ("Accept", "Connect", "Delete", "Reject")


def add(template: Template, topic: Topic) -> None:
    """Tell the topic of every change of a connection."""
    template.add_resource(
        VPCEndpointConnectionNotification(
            "EndpointConnectionNotification",
            ServiceId=given("EndpointServiceId"),
            ConnectionNotificationArn=topic,
            ConnectionEvents=list(EVENTS),
        )
    )
