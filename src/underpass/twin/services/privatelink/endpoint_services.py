"""Endpoint services, the provider's side of PrivateLink: configurations and permissions.

moto keeps the configurations; the zones come from the load balancers as they are now, one NLB serves one
service, and permissions name who was added. Connections are in ``endpoint_connections``.
Source: vpc/latest/privatelink/create-endpoint-service and configure-endpoint-service.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.vpc_service_configuration import VPCServiceConfiguration
from moto.ec2.responses import EC2Response
from moto.ec2.utils import random_id

from underpass.policies.request import Principal
from underpass.twin.api import patch
from underpass.twin.services.iam.callers import Caller

PRINCIPAL = re.compile(r"^(\*|arn:aws[a-z-]*:(iam|sts)::\d{12}:\S+|[a-z0-9.-]+\.amazonaws\.com)$")
LIVE = {"pendingAcceptance", "pending", "available"}


def find(name: str, region: str) -> Any:
    """Return the endpoint service of that name, of whatever account, or None."""
    for backend in _backends(region):
        for service in backend.configurations.values():
            if service.service_name == name:
                return service
    return None


def allows(service: Any, account: str, caller: Caller | None = None) -> bool:
    """Tell whether somebody may connect to a service: only whom its permissions name, its owner too.

    Parameters
    ----------
    account
        Whose endpoint it would be.
    caller
        The user or the role's session that asks. Without one it is the account's administrator, or
        CloudFormation for whoever has the stack: any principal of the account that is named counts.
    """
    if caller is None:
        return any(one == "*" or f"::{account}:" in one for one in service.principals)
    named = (_means(one, caller.principal) for one in service.principals)
    return any(named)


def _means(named: str, who: Principal) -> bool:
    partition = who.arn.split(":")[1]
    return named in {"*", f"arn:{partition}:iam::{who.account}:root", who.arn, who.role}


def connections(service: Any) -> Iterator[Any]:
    """Yield the endpoints that ask for, or have, a connection to the service."""
    for backend in _backends(service.ec2_backend.region_name):
        for endpoint in backend.vpc_end_points.values():
            if endpoint.service_name == service.service_name:
                yield endpoint


def _backends(region: str) -> Iterator[Any]:
    for account in list(ec2_backends):
        if region in ec2_backends[account]:
            yield ec2_backends[account][region]


# Configurations


@patch.wrap(EC2Backend, "create_vpc_endpoint_service_configuration")
def _created(
    original: Callable[..., Any],
    backend: Any,
    lb_arns: list[str],
    acceptance_required: Any,
    private_dns_name: str,
    tags: list[dict[str, str]],
    supported_regions: list[str],
) -> Any:
    for arn in lb_arns:
        balancer = backend.elbv2_backend.load_balancers.get(arn)
        if balancer is None or balancer.type != "network":
            raise EC2ClientError(
                "InvalidParameter", f"The Network Load Balancer '{arn}' does not exist"
            )
        for other in backend.configurations.values():
            if arn in other.network_load_balancer_arns:
                raise EC2ClientError(
                    "InvalidParameter",
                    f"The Network Load Balancer '{arn}' is already associated with the VPC endpoint"
                    f" service '{other.id}'",
                )
    service = original(
        backend,
        lb_arns,
        str(acceptance_required).lower() == "true",
        private_dns_name,
        [],
        supported_regions,
    )
    del backend.configurations[service.id]
    service.id = random_id("vpce-svc")
    service.service_name = f"com.amazonaws.vpce.{backend.region_name}.{service.id}"
    service.endpoint_dns_name = f"{service.id}.{backend.region_name}.vpce.amazonaws.com"
    backend.configurations[service.id] = service
    service.payer_responsibility, service.supported_ip_address_types = "ServiceOwner", ("ipv4",)
    service.add_tags({tag["Key"]: tag["Value"] for tag in tags or []})
    return service


@patch.compute(VPCServiceConfiguration, "private_dns_name_configuration")
def _proof(service: Any) -> dict[str, str] | None:
    """Return the record that proves whose the private name is: in the twin, where nobody else is, it has."""
    if not getattr(service, "private_dns_name", None):
        return None
    token = hashlib.sha256(f"{service.id} {service.private_dns_name}".encode()).hexdigest()[:20]
    return {"State": "verified", "Type": "TXT", "Name": f"_{token}", "Value": f"vpce:{token}"}


def _subnets(service: Any) -> list[Any]:
    if not hasattr(service, "ec2_backend"):
        return []  # moto's constructor asks before it has set it
    balancers = service.ec2_backend.elbv2_backend.load_balancers
    return [
        subnet
        for arn in service.network_load_balancer_arns
        if arn in balancers
        for subnet in balancers[arn].subnets
    ]


@patch.compute(VPCServiceConfiguration, "availability_zones")
def _zones(service: Any) -> list[str]:
    return sorted({subnet.availability_zone for subnet in _subnets(service)})


@patch.compute(VPCServiceConfiguration, "availability_zone_ids")
def _zone_ids(service: Any) -> list[str]:
    zones = {subnet.availability_zone: subnet.availability_zone_id for subnet in _subnets(service)}
    return [zones[zone] for zone in sorted(zones)]


@patch.replace(VPCServiceConfiguration, "to_dict")
def _detail(service: Any) -> dict[str, Any]:
    named = {"PrivateDnsName": service.private_dns_name} if service.private_dns_name else {}
    return {
        "AcceptanceRequired": service.acceptance_required,
        "AvailabilityZoneIds": _zone_ids(service),
        "AvailabilityZones": _zones(service),
        "BaseEndpointDnsNames": [service.endpoint_dns_name],
        "ManagesVpcEndpoints": False,
        "Owner": service.ec2_backend.account_id,
        "PayerResponsibility": service.payer_responsibility,
        **(named | {"PrivateDnsNames": [named]} if named else {}),
        "ServiceId": service.id,
        "ServiceName": service.service_name,
        "ServiceRegion": service.ec2_backend.region_name,
        "ServiceType": service.service_type,
        "SupportedIpAddressTypes": ["ipv4"],
        "Tags": service.get_tags(),
        "VpcEndpointPolicySupported": False,
    }


@patch.wrap(EC2Backend, "describe_vpc_endpoint_services")
def _services_described(
    original: Callable[..., dict[str, Any]],
    backend: Any,
    service_names: list[str],
    filters: Any,
    max_results: int,
    next_token: str | None,
    region: str,
) -> dict[str, Any]:
    own = [service for name in service_names if (service := find(name, region))]
    if not own:
        return original(backend, service_names, filters, max_results, next_token, region)
    for name in service_names:
        if not any(s.service_name == name and _visible(s, backend.account_id) for s in own):
            raise invalid_service_name(name)
    return {
        "servicesDetails": [_detail(service) for service in own],
        "serviceNames": [service.service_name for service in own],
        "nextToken": None,
    }


def _visible(service: Any, account: str) -> bool:
    return account == service.ec2_backend.account_id or allows(service, account)


def invalid_service_name(name: str) -> Any:
    """Return AWS's answer for a service that does not exist, or not for this principal."""
    return EC2ClientError("InvalidServiceName", f"The Vpc Endpoint Service '{name}' does not exist")


@patch.replace(EC2Response, "delete_vpc_endpoint_service_configurations")
def _deleted(response: Any) -> Any:
    backend, unsuccessful = response.ec2_backend, []
    for service_id in response._get_param("ServiceIds", []):  # noqa: SLF001
        service = backend.configurations.get(service_id)
        if service is None:
            unsuccessful.append(
                failure(
                    service_id,
                    "InvalidVpcEndpointService.NotFound",
                    f"The VpcEndpointService Id '{service_id}' does not exist",
                )
            )
        elif any(endpoint.state in LIVE for endpoint in connections(service)):
            unsuccessful.append(
                failure(
                    service_id,
                    "ExistingVpcEndpointConnections",
                    "Service has existing active VPC Endpoint connections!",
                )
            )
        else:
            del backend.configurations[service_id]
    return ActionResult({"Unsuccessful": unsuccessful})


def failure(resource_id: str, code: str, message: str) -> dict[str, Any]:
    """Return one item of a response's ``Unsuccessful``."""
    return {"ResourceId": resource_id, "Error": {"Code": code, "Message": message}}


# Permissions


@patch.replace(EC2Response, "modify_vpc_endpoint_service_permissions")
def _permissions_modified(response: Any) -> Any:
    service = requested_service(response)
    added = response._get_param("AddAllowedPrincipals", [])  # noqa: SLF001
    removed = response._get_param("RemoveAllowedPrincipals", [])  # noqa: SLF001
    for principal in added:
        if not PRINCIPAL.match(principal):
            raise EC2ClientError("InvalidPrincipal", f"Invalid Principal: '{principal}'")
    new = [principal for principal in dict.fromkeys(added) if principal not in service.principals]
    service.principals = [p for p in [*service.principals, *new] if p not in removed]
    return ActionResult(
        {
            "AddedPrincipals": [_permission(service, principal) for principal in new],
            "ReturnValue": True,
        }
    )


@patch.replace(EC2Response, "describe_vpc_endpoint_service_permissions")
def _permissions_described(response: Any) -> Any:
    service = requested_service(response)
    return ActionResult(
        {"AllowedPrincipals": [_permission(service, one) for one in service.principals]}
    )


def _permission(service: Any, principal: str) -> dict[str, str]:
    digest = hashlib.sha256(f"{service.id} {principal}".encode()).hexdigest()[:17]
    return {
        "Principal": principal,
        "PrincipalType": _principal_type(principal),
        "ServiceId": service.id,
        "ServicePermissionId": f"vpce-svc-perm-{digest}",
    }


def _principal_type(principal: str) -> str:
    if principal == "*":
        return "All"
    if not principal.startswith("arn:"):
        return "Service"
    kind = principal.rpartition(":")[2].partition("/")[0]
    return {"user": "User", "role": "Role", "assumed-role": "Role"}.get(kind, "Account")


def requested_service(response: Any) -> Any:
    """Return the endpoint service a request names.

    Raises
    ------
    EC2ClientError
        When there is none of that id.
    """
    service_id = response._get_param("ServiceId")  # noqa: SLF001
    return response.ec2_backend.describe_vpc_endpoint_service_configurations([service_id])[0]
