"""The endpoint service: the PrivateLink offer on the NLB, and who may ask for an endpoint."""

from __future__ import annotations

from typing import Any

from troposphere import GetAtt, Ref, Sub, Template
from troposphere.ec2 import (
    VPCEndpointService,
    VPCEndpointServicePermissions,
)

from underpass.blueprint.checkov_skips import skipped
from underpass.blueprint.path.balancers import Path
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
            **_names_and_regions(config),
            **_linter_notes(config),
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
        **_proof_of_the_name(config, service),
    }


def _proof_of_the_name(config: Config, service: VPCEndpointService) -> dict[str, Any]:
    """Return the TXT record that proves whose the private DNS name is, and whether it has."""
    if not config.privatelink.private_dns_name:
        return {}
    return {
        f"PrivateDnsName{part}": GetAtt(service, f"PrivateDnsNameConfiguration.{part}")
        for part in ("Name", "Value", "State")
    }


def _linter_notes(config: Config) -> dict[str, Any]:
    if config.privatelink.acceptance:
        return {}
    why = "acceptance = false in underpass.toml, to named principals only"
    return {"Metadata": skipped({"CKV_AWS_123": why})}


def _names_and_regions(config: Config) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if config.privatelink.private_dns_name:
        # Answers consumers once a TXT record has proved whose the domain is; nothing waits for it.
        # https://docs.aws.amazon.com/vpc/latest/privatelink/manage-dns-names.html
        found["PrivateDnsName"] = config.privatelink.private_dns_name
    if config.other_regions:
        found["SupportedRegions"] = [Ref("AWS::Region"), *config.other_regions]
    return found


def allowed_principals(config: Config) -> tuple[str, ...]:
    """Return who may ask for an endpoint: ``privatelink.allow`` and the account of every named consumer.

    A consumer without an account is in the stack's own; with nobody named, so is whoever comes.
    """
    accounts = [
        ACCOUNT.format(consumer.named_account) if consumer.named_account else OWN_ACCOUNT
        for consumer in config.consumers
    ]
    return tuple(dict.fromkeys([*config.privatelink.allow, *accounts])) or (OWN_ACCOUNT,)
