"""Who is told, and who may tell: the topic's policy judged as AWS's services would meet it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.blueprint.configs import CURATED, config
from tests.unit.blueprint.templates import by_part, monitoring, resource, resources

from underpass.policies.resource_policies import Act, policy_allows

TOPIC = "arn:aws:sns:us-east-1:111111111111:topic"
OWN = {"aws:SourceAccount": "111111111111", "aws:SecureTransport": "true"}


def policy(name: str = "nat-ec2-nothing") -> Any:
    document = resource(by_part(CURATED[name])[0], "TopicPolicy")["PolicyDocument"]
    text = json.dumps(document)
    text = text.replace('{"Ref": "Topic"}', f'"{TOPIC}"')
    return json.loads(text.replace('{"Ref": "AWS::AccountId"}', '"111111111111"'))


@pytest.mark.parametrize(
    ("service", "context", "allowed"),
    [
        ("vpce.amazonaws.com", OWN, True),
        ("vpce.amazonaws.com", OWN | {"aws:SourceAccount": "222222222222"}, False),
        ("vpce.amazonaws.com", {"aws:SecureTransport": "true"}, False),
        ("vpce.amazonaws.com", OWN | {"aws:SecureTransport": "false"}, False),
        ("cloudwatch.amazonaws.com", OWN, True),
        ("events.amazonaws.com", OWN, False),
        ("s3.amazonaws.com", OWN, False),
    ],
)
def test_who_may_publish(service: str, context: dict[str, str], *, allowed: bool) -> None:
    assert policy_allows(policy(), Act(service, "sns:Publish", TOPIC, context)) is allowed


def test_rds_publishes_where_there_is_a_database() -> None:
    act = Act("events.rds.amazonaws.com", "sns:Publish", TOPIC, OWN)
    assert policy_allows(policy("nat-ec2-everything"), act)
    assert not policy_allows(policy(), act)


def test_eventbridge_publishes_where_there_are_jobs() -> None:
    # It says for whom in no way a condition could read.
    act = Act("events.amazonaws.com", "sns:Publish", TOPIC, {"aws:SecureTransport": "true"})
    assert policy_allows(policy("jobs"), act)
    assert not policy_allows(policy(), act)
    over_http = Act("events.amazonaws.com", "sns:Publish", TOPIC, {"aws:SecureTransport": "false"})
    assert not policy_allows(policy("jobs"), over_http)


def test_the_topic_is_encrypted_and_every_connection_is_told() -> None:
    foundation = by_part(CURATED["nat-ec2-nothing"])[0]
    key = {"Fn::GetAtt": ["Key", "Arn"]}
    assert resource(foundation, "Topic")["KmsMasterKeyId"] == key
    # Where PrivateLink cannot publish to a topic with a key of ours, only what watches fails.
    told = resource(monitoring(CURATED["nat-ec2-nothing"]), "EndpointConnectionNotification")
    assert told["ServiceId"] == {"Ref": "EndpointServiceId"}
    assert set(told["ConnectionEvents"]) == {"Connect", "Accept", "Reject", "Delete"}
    assert told["ConnectionNotificationArn"] == {"Ref": "TopicArn"}


def test_an_address_is_told_only_where_one_is_named() -> None:
    named = by_part(config(alarms={"email": "ops@example.com"}))[0]
    (subscription,) = resources(named, "SNS::Subscription").values()
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ops@example.com")
    assert not resources(by_part(config())[0], "SNS::Subscription")
