"""Connections of an endpoint service are told to its topic, when the topic's policy lets PrivateLink in."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.sns.models import sns_backends
from tests.unit.elbv2.conftest import OWNER, REGION, Apis

from underpass.twin.region.aws import ACCOUNT_ID

Told = Callable[[], list[tuple[str, str]]]


def topic(policy: dict[str, Any]) -> tuple[str, Told]:
    """Return a topic, and what it was told: (event, state of the endpoint then)."""
    backend = sns_backends[ACCOUNT_ID][REGION]
    made = backend.create_topic("told")
    made.policy = json.dumps(policy)
    made.sent_notifications.clear()

    def told() -> list[tuple[str, str]]:
        messages = [json.loads(sent[1]) for sent in made.sent_notifications]
        return [(message["Event"], message["VpcEndpointState"]) for message in messages]

    return made.arn, told


def admitting(account: str = ACCOUNT_ID) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "vpce.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }
    return {"Statement": [statement]}


def offer(apis: Apis, arn: str, *events: str, acceptance: bool = True) -> dict[str, Any]:
    balancer = apis.balancer("network")["LoadBalancerArn"]
    service = apis.service(balancer, OWNER, acceptance=acceptance)
    apis.ec2.create_vpc_endpoint_connection_notification(
        ServiceId=service["ServiceId"],
        ConnectionNotificationArn=arn,
        ConnectionEvents=list(events),
    )
    return service


def test_each_change_of_a_connection_is_told(apis: Apis) -> None:
    arn, told = topic(admitting())
    service = offer(apis, arn, "Accept", "Connect", "Delete", "Reject")
    vpc, subnets = apis.new_vpc()
    endpoint = apis.endpoint(vpc, service["ServiceName"], subnets[0])["VpcEndpointId"]
    one = {"ServiceId": service["ServiceId"], "VpcEndpointIds": [endpoint]}
    apis.ec2.accept_vpc_endpoint_connections(**one)
    apis.ec2.reject_vpc_endpoint_connections(**one)
    apis.ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])
    assert told() == [
        ("Connect", "pendingAcceptance"),
        ("Accept", "pending"),
        ("Reject", "rejected"),
        ("Delete", "deleted"),
    ]


def test_only_the_events_asked_for_are_told(apis: Apis) -> None:
    arn, told = topic(admitting())
    service = offer(apis, arn, "Delete", acceptance=False)
    vpc, subnets = apis.new_vpc()
    endpoint = apis.endpoint(vpc, service["ServiceName"], subnets[0])["VpcEndpointId"]
    assert told() == []
    apis.ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])
    assert told() == [("Delete", "deleted")]


@pytest.mark.parametrize("policy", [{"Statement": []}, admitting("222222222222")])
def test_a_topic_that_does_not_let_privatelink_in_hears_nothing(
    apis: Apis, policy: dict[str, Any]
) -> None:
    arn, told = topic(policy)
    service = offer(apis, arn, "Connect")
    vpc, subnets = apis.new_vpc()
    apis.endpoint(vpc, service["ServiceName"], subnets[0])
    assert told() == []


def test_a_notification_is_changed_and_ended(apis: Apis) -> None:
    arn, told = topic(admitting())
    service = offer(apis, arn, "Accept")
    (made,) = (one for one in described(apis) if one["ServiceId"] == service["ServiceId"])
    assert (made["ConnectionNotificationType"], made["ConnectionEvents"]) == ("Topic", ["Accept"])
    made_id = made["ConnectionNotificationId"]
    apis.ec2.modify_vpc_endpoint_connection_notification(
        ConnectionNotificationId=made_id, ConnectionEvents=["Connect"]
    )
    vpc, subnets = apis.new_vpc()
    apis.endpoint(vpc, service["ServiceName"], subnets[0])
    assert [event for event, _ in told()] == ["Connect"]
    ended = apis.ec2.delete_vpc_endpoint_connection_notifications
    assert not ended(ConnectionNotificationIds=[made_id])["Unsuccessful"]
    (refused,) = ended(ConnectionNotificationIds=[made_id])["Unsuccessful"]
    assert refused["Error"]["Code"] == "InvalidConnectionNotification.NotFound"
    assert made_id not in {one["ConnectionNotificationId"] for one in described(apis)}


def described(apis: Apis) -> list[Any]:
    found: list[Any] = apis.ec2.describe_vpc_endpoint_connection_notifications()[
        "ConnectionNotificationSet"
    ]
    return found


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"ConnectionNotificationArn": "arn:aws:sns:us-east-1:1:gone"}, "does not exist"),
        ({"ConnectionNotificationArn": "told"}, "does not exist"),
        ({"ConnectionEvents": ["Connected"]}, "none of the events"),
        ({"ServiceId": "vpce-svc-0"}, "vpce-svc-0"),
    ],
)
def test_what_aws_refuses_is_refused(apis: Apis, wrong: dict[str, Any], message: str) -> None:
    arn, _ = topic(admitting())
    service = apis.service(apis.balancer("network")["LoadBalancerArn"], OWNER)
    asked = {
        "ServiceId": service["ServiceId"],
        "ConnectionNotificationArn": arn,
        "ConnectionEvents": ["Connect"],
    }
    with pytest.raises(ClientError, match=message):
        apis.ec2.create_vpc_endpoint_connection_notification(**(asked | wrong))
