"""``[privatelink]``, ``[tls]`` and ``[[consumers]]``: who comes in, and how."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Literal

from pydantic import Field

from underpass.config import types as t
from underpass.config.model.section import Section


class PrivateLink(Section):
    """The endpoint service."""

    allow: tuple[t.Principal, ...] = Field(default=(), description="Who may ask for an endpoint.")
    acceptance: t.Flag = Field(
        default=True,
        description=(
            "Connections wait until accepted; those of [[consumers]] are accepted by underpass."
        ),
    )
    alb_targets: Literal["lambda", "alb"] = Field(
        default="lambda",
        description=(
            "How the NLB finds the ALB: the registrar function, or an ALB-type target group."
        ),
    )
    domain: t.Domain | None = Field(
        default=None, description="The name consumers use; NAME.internal when left out."
    )
    private_dns_name: t.Domain | None = Field(
        default=None,
        description=(
            "The endpoint service's own private DNS name; "
            "a TXT record in a public zone has to prove that it is yours."
        ),
    )
    supported_regions: tuple[t.RegionName, ...] = Field(
        default=(),
        description="Other regions whose VPCs may have an endpoint; those of [[consumers]] may anyway.",
    )
    enforce: Literal["named", "off"] | None = Field(
        default=None,
        description=(
            "Whether only the blocks of [[consumers]] and allow_cidrs get in, or whoever has an accepted "
            'endpoint; left out: "named" where there are such blocks.'
        ),
    )
    allow_cidrs: tuple[t.Cidr, ...] = Field(
        default=(), description="The addresses of those in allow that are no [[consumers]]."
    )


class Tls(Section):
    """HTTPS on the private path."""

    certificate: t.Certificate = Field(
        description="The certificate's ARN; the twin issues its own."
    )
    to_tasks: t.Flag = Field(
        default=False,
        description=(
            "The ALB speaks HTTPS to the tasks too; it does not verify their certificates."
        ),
    )


class Consumer(Section):
    """A VPC that reaches the application."""

    name: t.Name = Field(description="What to call it.", examples=["analytics"])
    cidr: t.Cidr = Field(
        default=IPv4Network("10.20.0.0/16"),
        description=(
            "Its addresses; the twin makes this VPC, and overlap with the provider's is fine."
        ),
    )
    cidrs: tuple[t.Cidr, ...] = Field(
        default=(),
        description=(
            "Instead of cidr: several blocks, one of them its VPC's own, the others further ones of the VPC "
            "or of networks behind it; the twin makes the VPC of the first."
        ),
    )
    region: t.RegionName | None = Field(
        default=None, description="Its region, when it is another one; the twin has only one."
    )
    account: t.Account | None = Field(default=None, description="Its AWS account.")
    profile: t.Text | None = Field(
        default=None, description="The AWS profile to deploy its endpoint with."
    )
    role: t.Role | None = Field(default=None, description="The role to assume instead.")
    vpc_id: t.VpcId | None = Field(default=None, description="Its VPC in AWS.")
    subnet_ids: tuple[t.SubnetId, ...] = Field(
        default=(), description="Its subnets in AWS, one per zone."
    )
    private_dns: t.Flag = Field(
        default=False,
        description="Its endpoint answers to private_dns_name too, once that is verified.",
    )

    @property
    def blocks(self) -> tuple[IPv4Network, ...]:
        """Its addresses, whichever key they stand in."""
        return self.cidrs or (self.cidr,)

    @property
    def named_account(self) -> str:
        """The account it says it is in, by ``account`` or ``role``; empty for the provider's own."""
        return self.account or (self.role.split(":")[4] if self.role else "")
