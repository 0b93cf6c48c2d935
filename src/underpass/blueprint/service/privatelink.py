"""The endpoint service: the PrivateLink offer on the NLB, and who may ask for an endpoint."""

from __future__ import annotations

from typing import Any

from troposphere import Ref, Sub, Template
from troposphere.ec2 import VPCEndpointService, VPCEndpointServicePermissions

from underpass.blueprint.service.balancers import Path
from underpass.config import Config

ACCOUNT = "arn:${{AWS::Partition}}:iam::{}:root"
OWN_ACCOUNT = ACCOUNT.format("${AWS::AccountId}")


def add(template: Template, config: Config, path: Path) -> dict[str, Any]:
    """Add the endpoint service and its permissions."""
    service = template.add_resource(
        VPCEndpointService(
            "EndpointService",
            AcceptanceRequired=config.privatelink.acceptance,
            NetworkLoadBalancerArns=[Ref(path.nlb)],
            DependsOn=path.nlb_listener.title,  # nothing is offered before it can answer
        )
    )
    template.add_resource(
        VPCEndpointServicePermissions(
            "EndpointServicePermissions",
            ServiceId=Ref(service),
            AllowedPrincipals=[
                Sub(principal) if "${" in principal else principal
                for principal in allowed_principals(config)
            ],
        )
    )
    return {
        "EndpointServiceId": Ref(service),
        "EndpointServiceName": Sub(f"com.amazonaws.vpce.${{AWS::Region}}.${{{service.title}}}"),
    }


def allowed_principals(config: Config) -> tuple[str, ...]:
    """Return who may ask for an endpoint: ``privatelink.allow`` and the account of every named consumer.

    A consumer without an account is in the stack's own; with nobody named, so is whoever comes.
    """
    accounts = [
        ACCOUNT.format(consumer.account) if consumer.account else OWN_ACCOUNT
        for consumer in config.consumers
    ]
    return tuple(dict.fromkeys([*config.privatelink.allow, *accounts])) or (OWN_ACCOUNT,)
