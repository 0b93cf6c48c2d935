"""EC2 and ELB as far as the registrar sees them, in memory; they record what was called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from underpass.registrar.index import Target

ALB = "arn:aws:elasticloadbalancing:us-east-1:111111111111:loadbalancer/app/notes/0123456789abcdef"
GROUP = "arn:aws:elasticloadbalancing:us-east-1:111111111111:targetgroup/notes/0123456789abcdef"
OTHER_GROUP = GROUP.replace("/notes/", "/other/")
VPC = "vpc-01234567"


class Ec2:
    """Interfaces of one ALB in one VPC, two to a page."""

    def __init__(self, addresses: Sequence[str], error: Exception | None = None) -> None:
        self.addresses = addresses
        self.error = error
        self.called: list[str] = []

    def get_paginator(self, operation: str) -> Ec2:
        assert operation == "describe_network_interfaces"
        return self

    def paginate(self, *, Filters: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        self.called.append("describe_network_interfaces")
        if self.error:
            raise self.error
        asked = {item["Name"]: item["Values"] for item in Filters}
        ours = asked == {"description": [f"ELB {ALB.split(':loadbalancer/')[1]}"], "vpc-id": [VPC]}
        addresses = list(self.addresses) if ours else []
        for start in range(0, max(len(addresses), 1), 2):
            page = addresses[start : start + 2]
            yield {"NetworkInterfaces": [{"PrivateIpAddress": address} for address in page]}


class Elbv2:
    """Target groups: targets and the state of each. ``errors`` is by operation, or operation and group."""

    def __init__(
        self,
        groups: Mapping[str, Mapping[Target, str]],
        errors: Mapping[tuple[str, str], Exception] | None = None,
    ) -> None:
        self.groups = {arn: dict(targets) for arn, targets in groups.items()}
        self.errors = errors or {}
        self.called: list[str] = []

    def describe_target_health(self, *, TargetGroupArn: str) -> dict[str, Any]:
        self._call("describe_target_health", TargetGroupArn)
        return {
            "TargetHealthDescriptions": [
                {
                    "Target": {"Id": target.address, "Port": target.port},
                    "TargetHealth": {"State": state},
                }
                for target, state in self.groups[TargetGroupArn].items()
            ]
        }

    def register_targets(self, *, TargetGroupArn: str, Targets: list[dict[str, Any]]) -> None:
        self._call("register_targets", TargetGroupArn)
        for item in Targets:
            self.groups[TargetGroupArn][Target(item["Id"], item["Port"])] = "initial"

    def deregister_targets(self, *, TargetGroupArn: str, Targets: list[dict[str, Any]]) -> None:
        self._call("deregister_targets", TargetGroupArn)
        for item in Targets:
            self.groups[TargetGroupArn][Target(item["Id"], item["Port"])] = "draining"

    def serving(self, arn: str) -> set[Target]:
        """Return the targets that are not on their way out."""
        return {target for target, state in self.groups[arn].items() if state != "draining"}

    def _call(self, operation: str, arn: str) -> None:
        self.called.append(operation)
        if error := self.errors.get((operation, arn)):
            raise error
        if arn not in self.groups:
            raise LookupError(f"One or more target groups not found: {arn}")
