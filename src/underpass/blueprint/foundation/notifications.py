"""The topic that alarms are told to."""

from __future__ import annotations

from troposphere import GetAtt, Ref, Template
from troposphere.kms import Key
from troposphere.sns import Topic

from underpass.blueprint.exports import export
from underpass.config import Config


def add(template: Template, config: Config, key: Key) -> None:
    """Add the topic."""
    topic = template.add_resource(Topic("Topic", KmsMasterKeyId=GetAtt(key, "Arn")))
    export(template, config, "TopicArn", Ref(topic))
