"""SQS queues, and who may send to them."""

from __future__ import annotations

from typing import Any

from underpass.twin.services.cloudformation.resource import Resource, names, without
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
)
from underpass.twin.services.cloudformation.service_calls import text
from underpass.twin.services.cloudformation.tagging import Tagging

ATTRIBUTES = (
    "ContentBasedDeduplication DeduplicationScope DelaySeconds FifoQueue FifoThroughputLimit "
    "KmsDataKeyReusePeriodSeconds KmsMasterKeyId MaximumMessageSize MessageRetentionPeriod "
    "ReceiveMessageWaitTimeSeconds RedrivePolicy SqsManagedSseEnabled VisibilityTimeout"
)


class Queue(Resource):
    """A queue."""

    type = "AWS::SQS::Queue"
    service = "sqs"
    tagging = Tagging(resource="QueueUrl")
    honoured = names(f"{ATTRIBUTES} QueueName")
    inert = names("RedriveAllowPolicy Tags")
    replaces = names("FifoQueue QueueName")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the queue."""
        fifo = ".fifo" if _attributes(properties).get("FifoQueue") == "true" else ""
        name = properties.get("QueueName") or logical.generated_name(75) + fifo
        url = self.call("create_queue", QueueName=name, Attributes=_attributes(properties))
        return self._described(url["QueueUrl"], name)

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change attributes."""
        wanted = without(_attributes(new), "FifoQueue")
        self.call("set_queue_attributes", QueueUrl=physical.id, Attributes=wanted)
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the queue with its messages."""
        self.remove("delete_queue", QueueUrl=physical.id)

    def _described(self, url: str, name: str) -> Physical:
        asked = self.call("get_queue_attributes", QueueUrl=url, AttributeNames=["QueueArn"])
        arn = asked["Attributes"]["QueueArn"]
        return Physical(url, {"Arn": arn, "QueueName": name, "QueueUrl": url})


class QueuePolicy(Resource):
    """Who may do what with queues."""

    type = "AWS::SQS::QueuePolicy"
    service = "sqs"
    honoured = names("PolicyDocument Queues")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Put the policy on each queue."""
        for url in properties["Queues"]:
            self._put(url, text(properties["PolicyDocument"]))
        return Physical(logical.generated_name(), {"Id": logical.generated_name()})

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Put the policy anew; queues it no longer names lose it."""
        for url in set(old["Queues"]) - set(new["Queues"]):
            self._clear(url)
        for url in new["Queues"]:
            self._put(url, text(new["PolicyDocument"]))
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Take the policy from each queue that is still there."""
        for url in properties["Queues"]:
            self._clear(url)

    def _put(self, url: str, policy: str) -> None:
        self.call("set_queue_attributes", QueueUrl=url, Attributes={"Policy": policy})

    def _clear(self, url: str) -> None:
        self.remove("set_queue_attributes", QueueUrl=url, Attributes={"Policy": ""})


def _attributes(properties: Properties) -> dict[str, Any]:
    """Return the queue's attributes as SQS takes them: as text."""
    taken = {name: properties[name] for name in ATTRIBUTES.split() if name in properties}
    return {name: text(value) for name, value in taken.items()}
