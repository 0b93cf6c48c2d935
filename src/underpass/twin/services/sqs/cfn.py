"""SQS queues, and who may send to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from underpass.twin.services.cloudformation.resource import Resource
from underpass.twin.services.cloudformation.resource_type import (
    Form,
    LogicalResource,
    Physical,
    Properties,
    Tagging,
    differ,
    without,
)
from underpass.twin.services.cloudformation.service_calls import text

ATTRIBUTES = (
    "ContentBasedDeduplication DelaySeconds FifoQueue KmsMasterKeyId MaximumMessageSize "
    "MessageRetentionPeriod ReceiveMessageWaitTimeSeconds RedrivePolicy SqsManagedSseEnabled "
    "VisibilityTimeout"
)


class Queue(Resource):
    """A queue."""

    form = Form(
        type="AWS::SQS::Queue",
        service="sqs",
        honoured=f"{ATTRIBUTES} QueueName Tags",
        inert="RedriveAllowPolicy",
        tagging=Tagging("tag_queue", "untag_queue", "QueueUrl"),
        replaces="FifoQueue QueueName",
        name="QueueName",
        longest=75,
        create="create_queue",
        found="get_queue_url QueueName",
        takes_over=True,
        ref="{QueueUrl}",
        attributes="QueueName QueueUrl",
        delete="delete_queue QueueUrl",
    )

    def made_up_name(self, logical: LogicalResource, properties: Properties) -> str:
        """Return a name; a FIFO queue's ends in ``.fifo``."""
        fifo = ".fifo" if _attributes(properties).get("FifoQueue") == "true" else ""
        return super().made_up_name(logical, properties) + fifo

    def arguments(self, logical: LogicalResource, properties: Properties) -> dict[str, Any]:
        """Return the attributes."""
        return {"Attributes": _attributes(properties)}

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change the attributes and tags."""
        wanted = without(_attributes(new), "FifoQueue")
        self.call("set_queue_attributes", QueueUrl=physical.id, Attributes=wanted)
        self.retag(physical, old.get("Tags"), new.get("Tags"))
        return physical

    def attributes(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Add the ARN."""
        named = {"QueueUrl": document["QueueUrl"], "AttributeNames": ["QueueArn"]}
        arn = self.call("get_queue_attributes", **named)["Attributes"]["QueueArn"]
        return super().attributes(document) | {"Arn": arn}


class QueuePolicy(Resource):
    """Who may do what with queues."""

    form = Form(
        type="AWS::SQS::QueuePolicy",
        service="sqs",
        honoured="PolicyDocument Queues",
        attributes="Id=Ref",
    )

    def settle(self, physical: Physical, old: Properties, new: Properties) -> None:
        """Put the policy; queues it no longer names lose it, if they are still there."""
        for url in differ(old, new, "Queues")[0]:
            self.remove("set_queue_attributes", QueueUrl=url, Attributes={"Policy": ""})
        for url in new.get("Queues", ()):
            policy = text(new["PolicyDocument"])
            self.call("set_queue_attributes", QueueUrl=url, Attributes={"Policy": policy})

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Take the policy from each queue."""
        self.settle(physical, properties, {})


def _attributes(properties: Properties) -> dict[str, str]:
    """Return the queue's attributes as SQS takes them: as text."""
    return {name: text(properties[name]) for name in ATTRIBUTES.split() if name in properties}
