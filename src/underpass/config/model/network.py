"""``[network]``: the provider's VPC."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Literal

from pydantic import Field

from underpass.config import types as t
from underpass.config.model.section import Section


class WayOut(Section):
    """A port the tasks may reach besides AWS's APIs: of a block, a prefix list or a security group."""

    port: t.Whole = Field(ge=1, le=65535, description="The TCP port.", examples=[6379])
    cidr: t.Cidr | None = Field(default=None, description="The addresses that are reached.")
    prefix_list: t.PrefixListId | None = Field(
        default=None, description="A prefix list of them, instead."
    )
    security_group: t.GroupId | None = Field(
        default=None, description="A security group of theirs, instead."
    )

    @property
    def peers(self) -> tuple[str, ...]:
        """What is reached; a rule has one."""
        named = (self.cidr, self.prefix_list, self.security_group)
        return tuple(str(one) for one in named if one is not None)


class Network(Section):
    """The provider's VPC."""

    cidr: t.Cidr = Field(
        default=IPv4Network("10.20.0.0/16"), description="The VPC's private addresses."
    )
    zones: Literal[2, 3] = Field(default=2, description="How many Availability Zones.")
    zone_ids: tuple[t.ZoneId, ...] = Field(
        default=(),
        description="Which ones, by their ids; left out, the first deployment chooses, for good.",
    )
    egress: Literal["nat", "endpoints"] = Field(
        default="nat",
        description=(
            "How tasks reach AWS: through NAT gateways, or through VPC endpoints "
            "with no way to the internet at all."
        ),
    )
    endpoints: tuple[t.Endpoint, ...] = Field(
        default=(),
        description=(
            'Further AWS services that tasks reach by an endpoint, with egress = "endpoints".'
        ),
    )
    buckets: tuple[t.Bucket, ...] = Field(
        default=(),
        description='Buckets the S3 endpoint lets through besides, with egress = "endpoints".',
    )
    allow_out: tuple[WayOut, ...] = Field(
        default=(), description="What tasks may reach besides: ports of other addresses."
    )
    flow_logs: Literal["all", "rejected", "off"] = Field(
        default="all", description="Which flows of the VPC are logged."
    )
    vpc_id: t.VpcId | None = Field(
        default=None, description="An existing VPC instead of a new one; cidr is then its own."
    )
    app_subnets: tuple[t.SubnetId, ...] = Field(
        default=(), description="Its subnets for the tasks and balancers, one per zone."
    )
    data_subnets: tuple[t.SubnetId, ...] = Field(
        default=(), description="Its subnets for the database and the files, in the same zones."
    )
