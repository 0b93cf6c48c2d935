"""An endpoint service's connections: who asks, who is in, the provider's decision, and who is told of it.

moto has none of it.

A notification publishes to its SNS topic, if the topic's policy lets PrivateLink do so: in AWS it is dropped
silently otherwise, here the region's log says it. AWS documents the events, and not the message: here it is
a JSON object of the fields DescribeVpcEndpointConnections has.
Source: vpc/latest/privatelink/create-endpoint-service (notifications) and the EC2 API's
CreateVpcEndpointConnectionNotification.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses import EC2Response
from moto.ec2.utils import random_id
from moto.sns.models import sns_backends

from underpass.policies.resource_policies import Act, policy_allows
from underpass.twin.api import patch
from underpass.twin.services.privatelink.endpoint_services import (
    LIVE,
    connections,
    failure,
    find,
    requested_service,
)

log = logging.getLogger(__name__)

PUBLISHER = "vpce.amazonaws.com"
EVENTS = ("Accept", "Connect", "Delete", "Reject")


@dataclass
class Notification:
    """A connection notification of an endpoint service."""

    id: str
    service_id: str
    topic_arn: str
    events: tuple[str, ...]

    def described(self) -> dict[str, Any]:
        """Return it as the API does."""
        return {
            "ConnectionNotificationId": self.id,
            "ServiceId": self.service_id,
            "ConnectionNotificationType": "Topic",
            "ConnectionNotificationArn": self.topic_arn,
            "ConnectionEvents": list(self.events),
            "ConnectionNotificationState": "Enabled",
        }


def tell(event: str, endpoint: Any) -> None:
    """Publish one of ``EVENTS`` of an endpoint's connection to whoever wants to hear of its service."""
    service = find(endpoint.service_name, endpoint.ec2_backend.region_name)
    if service is None:  # one of AWS's own, or gone
        return
    for notification in _of(service.ec2_backend).values():
        if notification.service_id == service.id and event in notification.events:
            _publish(notification, event, service, endpoint)


def _publish(notification: Notification, event: str, service: Any, endpoint: Any) -> None:
    account, region = service.ec2_backend.account_id, service.ec2_backend.region_name
    topic = sns_backends[account][region].topics.get(notification.topic_arn)
    if topic is None:
        log.warning("%s: %s is gone", notification.id, notification.topic_arn)
        return
    source = f"arn:aws:ec2:{region}:{account}:vpc-endpoint-service/{service.id}"
    context = {
        "aws:SourceAccount": account,
        "aws:SourceArn": source,
        "aws:SecureTransport": "true",
    }
    act = Act(PUBLISHER, "sns:Publish", topic.arn, context)
    if not policy_allows(topic.policy, act):
        log.warning("%s: the policy of %s does not admit %s", notification.id, topic.arn, PUBLISHER)
        return
    message = {
        "Event": event,
        "ServiceId": service.id,
        "VpcEndpointId": endpoint.id,
        "VpcEndpointOwner": endpoint.ec2_backend.account_id,
        "VpcEndpointState": endpoint.state,
    }
    topic.publish(json.dumps(message), subject=f"VPC endpoint connection: {event}")


# Notifications


@patch.add(EC2Response, "create_vpc_endpoint_connection_notification")
def _created(response: Any) -> Any:
    backend, params = response.ec2_backend, response._get_params()  # noqa: SLF001
    if "ServiceId" not in params:
        raise EC2ClientError("UnsupportedOperation", "The twin notifies of endpoint services only")
    backend.describe_vpc_endpoint_service_configurations([params["ServiceId"]])
    made = Notification(
        random_id("vpce-nfn"),
        params["ServiceId"],
        _topic(params["ConnectionNotificationArn"]),
        _events(params["ConnectionEvents"]),
    )
    _of(backend)[made.id] = made
    return ActionResult({"ConnectionNotification": made.described()})


@patch.add(EC2Response, "describe_vpc_endpoint_connection_notifications")
def _described(response: Any) -> Any:
    wanted = response._get_param("ConnectionNotificationId")  # noqa: SLF001
    kept = _of(response.ec2_backend)
    found = [_found(response, wanted)] if wanted else list(kept.values())
    return ActionResult({"ConnectionNotificationSet": [one.described() for one in found]})


@patch.add(EC2Response, "modify_vpc_endpoint_connection_notification")
def _modified(response: Any) -> Any:
    params = response._get_params()  # noqa: SLF001
    found = _found(response, params["ConnectionNotificationId"])
    if "ConnectionNotificationArn" in params:
        found.topic_arn = _topic(params["ConnectionNotificationArn"])
    if "ConnectionEvents" in params:
        found.events = _events(params["ConnectionEvents"])
    return ActionResult({"ReturnValue": True})


@patch.add(EC2Response, "delete_vpc_endpoint_connection_notifications")
def _deleted(response: Any) -> Any:
    kept = _of(response.ec2_backend)
    asked = response._get_param("ConnectionNotificationIds", [])  # noqa: SLF001
    unknown = [wanted for wanted in asked if kept.pop(wanted, None) is None]
    return ActionResult({"Unsuccessful": [failure(one, *_unknown(one)) for one in unknown]})


def _found(response: Any, wanted: str) -> Notification:
    found = _of(response.ec2_backend).get(wanted)
    if found is None:
        raise EC2ClientError(*_unknown(wanted))
    return found


def _unknown(wanted: str) -> tuple[str, str]:
    return (
        "InvalidConnectionNotification.NotFound",
        f"The connection notification '{wanted}' does not exist",
    )


def _topic(arn: str) -> str:
    _, _, service, region, account, _ = [*arn.split(":", 5), *[""] * 6][:6]
    if service != "sns" or arn not in sns_backends[account][region].topics:
        raise EC2ClientError("InvalidParameter", f"The SNS topic '{arn}' does not exist")
    return arn


def _events(wanted: list[str]) -> tuple[str, ...]:
    for event in wanted:
        if event not in EVENTS:
            raise EC2ClientError(
                "InvalidParameter", f"'{event}' is none of the events {', '.join(EVENTS)}"
            )
    return tuple(wanted)


def _of(backend: Any) -> dict[str, Notification]:
    """Return the notifications of an account's region, which moto has no place for."""
    if not hasattr(backend, "connection_notifications"):
        backend.connection_notifications = {}
    kept: dict[str, Notification] = backend.connection_notifications
    return kept


# Connections


@patch.add(EC2Response, "describe_vpc_endpoint_connections")
def _connections_described(response: Any) -> Any:
    wanted = response._filters_from_querystring()  # noqa: SLF001
    described = [
        _connection(service, endpoint)
        for service in response.ec2_backend.configurations.values()
        for endpoint in connections(service)
    ]
    names = {
        "service-id": "ServiceId",
        "vpc-endpoint-id": "VpcEndpointId",
        "vpc-endpoint-owner": "VpcEndpointOwner",
        "vpc-endpoint-state": "VpcEndpointState",
        "ip-address-type": "IpAddressType",
    }
    for name, values in wanted.items():
        if name not in names:
            raise EC2ClientError("InvalidParameterValue", f"The filter '{name}' is invalid")
        described = [one for one in described if one[names[name]] in values]
    return ActionResult({"VpcEndpointConnections": described})


def _connection(service: Any, endpoint: Any) -> dict[str, Any]:
    return {
        "ServiceId": service.id,
        "VpcEndpointId": endpoint.id,
        "VpcEndpointOwner": endpoint.ec2_backend.account_id,
        "VpcEndpointState": endpoint.state,
        "VpcEndpointRegion": endpoint.ec2_backend.region_name,
        "VpcEndpointConnectionId": endpoint.connection_id,
        "CreationTimestamp": endpoint.creation_timestamp,
        "DnsEntries": endpoint.dns_entries,
        "IpAddressType": "ipv4",
        "NetworkLoadBalancerArns": service.network_load_balancer_arns,
    }


@patch.add(EC2Response, "accept_vpc_endpoint_connections")
def _accepted(response: Any) -> Any:
    return _decided(response, {"pendingAcceptance", "rejected"}, "pending", "Accept")


@patch.add(EC2Response, "reject_vpc_endpoint_connections")
def _rejected(response: Any) -> Any:
    return _decided(response, LIVE, "rejected", "Reject")


def _decided(response: Any, before: Iterable[str], after: str, event: str) -> Any:
    service, unsuccessful = requested_service(response), []
    known = {endpoint.id: endpoint for endpoint in connections(service)}
    for endpoint_id in response._get_param("VpcEndpointIds", []):  # noqa: SLF001
        endpoint = known.get(endpoint_id)
        if endpoint is None:
            unsuccessful.append(
                failure(
                    endpoint_id,
                    "InvalidVpcEndpointId.NotFound",
                    f"The Vpc Endpoint Id '{endpoint_id}' does not exist",
                )
            )
        elif endpoint.state in before:
            endpoint.state = after
            tell(event, endpoint)
        else:
            unsuccessful.append(
                failure(
                    endpoint_id,
                    "InvalidState",
                    f"The VPC endpoint '{endpoint_id}' is in the state {endpoint.state}",
                )
            )
    return ActionResult({"Unsuccessful": unsuccessful})
