"""The connections of an endpoint service: who asks, who is in, and the provider's decision. moto has none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses import EC2Response

from underpass.twin.api import patch
from underpass.twin.services.privatelink import connection_notifications
from underpass.twin.services.privatelink.endpoint_services import (
    LIVE,
    connections,
    failure,
    requested_service,
)


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
            connection_notifications.tell(event, endpoint)
        else:
            unsuccessful.append(
                failure(
                    endpoint_id,
                    "InvalidState",
                    f"The VPC endpoint '{endpoint_id}' is in the state {endpoint.state}",
                )
            )
    return ActionResult({"Unsuccessful": unsuccessful})
