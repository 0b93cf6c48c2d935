"""Keep an Application Load Balancer's addresses registered as a Network Load Balancer's targets.

An AWS Lambda function in one file, for the Python runtime as it comes: nothing but boto3 and the
standard library. It stores nothing. Every run compares the ALB's network interfaces, which are the
truth, with the target groups, and repairs the difference; so runs may be lost, repeated or overlap.

Environment
-----------
LOAD_BALANCER_ARN
    The ALB.
VPC_ID
    Its VPC.
TARGET_GROUPS
    ``ARN=PORT``, separated by commas: each target group, and the ALB's listener port it leads to.
MAX_REMOVALS
    How many targets one run may remove from a group; 20 when not set. What is left waits for the next run.

Permissions
-----------
``ec2:DescribeNetworkInterfaces`` and ``elasticloadbalancing:DescribeTargetHealth`` on ``*`` (neither
knows resources), ``elasticloadbalancing:RegisterTargets`` and ``DeregisterTargets`` on the target groups.

A run that could not do all it should raises, so that the function's Errors metric tells the truth, and
each run writes one line of JSON that says what was seen, what was done, and what went wrong.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True, order=True)
class Target:
    """An address and port as a target group holds it."""

    address: str
    port: int


@dataclass(frozen=True)
class Limits:
    """How far one run may go."""

    removals: int = 20


@dataclass(frozen=True)
class Actions:
    """What one target group needs; ``held_back`` should go too, but not in this run."""

    register: tuple[Target, ...] = ()
    deregister: tuple[Target, ...] = ()
    held_back: tuple[Target, ...] = ()


def plan(observed: AbstractSet[Target], targets: Mapping[Target, str], limits: Limits) -> Actions:
    """Return what makes ``targets`` agree with ``observed``.

    ``observed`` is where the ALB's interfaces listen; ``targets`` is what the group holds, and the
    state of each. The rules:

    1. An address is registered as soon as its interface is seen; health checks decide when it serves.
    2. A target is deregistered as soon as its interface is gone: the address may be a stranger's next.
    3. A ``draining`` target counts as absent: it is registered again when its interface is back, and
       not deregistered twice.
    4. Never to empty: when no interface is seen, nothing is removed.
    5. At most ``limits.removals`` targets are removed; the others are held back.
    6. A target on a port the ALB is not observed on is not ours, and is left alone.

    The answer does not depend on the order of anything, and applying it twice changes nothing more.
    """
    present = {target for target, state in targets.items() if state != "draining"}
    ports = {target.port for target in observed}
    gone = sorted(target for target in present - observed if target.port in ports)
    return Actions(
        register=tuple(sorted(observed - present)),
        deregister=tuple(gone[: limits.removals]),
        held_back=tuple(gone[limits.removals :]),
    )


class SettingError(ValueError):
    """An environment variable is missing or malformed."""

    def __init__(self, name: str, value: str | None, expected: str) -> None:
        super().__init__(f"{name}={value!r}: expected {expected}")


class RunFailedError(RuntimeError):
    """A run could not do all it should; what it could do is done."""


@dataclass(frozen=True)
class Settings:
    """The environment, understood."""

    interface_description: str
    vpc_id: str
    target_groups: tuple[tuple[str, int], ...]  # ARN, port
    limits: Limits

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """Return the settings.

        Raises
        ------
        SettingError
            Naming the variable and its value.
        """

        def matched(name: str, pattern: str, expected: str, default: str | None = None) -> str:
            value = environment.get(name, default)
            match = re.fullmatch(pattern, value) if value is not None else None
            if match is None:
                raise SettingError(name, value, expected)
            return match[1]

        load_balancer = matched(
            "LOAD_BALANCER_ARN", r"arn:.+:loadbalancer/(app/[^/]+/[^/]+)", "the ARN of an ALB"
        )
        group = r"arn:[^=,]+:targetgroup/[^=,]+=\d{1,5}"
        pairs = matched("TARGET_GROUPS", rf"({group}(?:,{group})*)", "ARN=PORT[,ARN=PORT...]")
        target_groups = tuple(
            (arn, int(port)) for arn, port in (p.split("=") for p in pairs.split(","))
        )
        if not all(1 <= port <= 65535 for _, port in target_groups):
            raise SettingError("TARGET_GROUPS", pairs, "ports from 1 to 65535")
        return cls(
            # What ELB calls the interfaces of an ALB's nodes.
            # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html
            interface_description=f"ELB {load_balancer}",
            vpc_id=matched("VPC_ID", r"(vpc-[0-9a-f]+)", "the id of a VPC"),
            target_groups=target_groups,
            limits=Limits(int(matched("MAX_REMOVALS", r"(\d{1,4})", "a number", default="20"))),
        )


def handler(event: object, context: object) -> dict[str, Any]:  # noqa: ARG001  Lambda's signature
    """Run once; every trigger asks for the same."""
    settings = Settings.read(os.environ)
    return run(settings, client("ec2"), client("elbv2"))


@cache
def client(service: str) -> Any:
    """Return a boto3 client, made once per execution environment."""
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 4}
    )
    return boto3.client(service, config=config)


def run(settings: Settings, ec2: Any, elbv2: Any) -> dict[str, Any]:
    """Bring every target group in line, print the line of JSON, and return what it says.

    Raises
    ------
    RunFailedError
        When anything failed, after everything else was done.
    """
    errors: list[str] = []
    addresses: frozenset[str] = frozenset()
    try:
        addresses = interface_addresses(settings, ec2)
        if not addresses:
            errors.append(
                f"no interface {settings.interface_description!r} in {settings.vpc_id}: "
                "check LOAD_BALANCER_ARN and VPC_ID"
            )
    except Exception as error:  # noqa: BLE001  reported below, as every failure is
        errors.append(f"describe_network_interfaces: {error}")
    report = {
        "event": "registrar",
        "load_balancer": settings.interface_description,
        "addresses": sorted(addresses),
        "target_groups": [
            repair(arn, port, addresses, settings.limits, elbv2, errors)
            for arn, port in settings.target_groups
            if addresses
        ],
        "errors": errors,
    }
    print(json.dumps(report))  # noqa: T201  standard output is the function's log
    if errors:
        raise RunFailedError("; ".join(errors))
    return report


def interface_addresses(settings: Settings, ec2: Any) -> frozenset[str]:
    """Return the addresses of the ALB's nodes."""
    pages = ec2.get_paginator("describe_network_interfaces").paginate(
        Filters=[
            {"Name": "description", "Values": [settings.interface_description]},
            {"Name": "vpc-id", "Values": [settings.vpc_id]},
        ]
    )
    return frozenset(
        interface["PrivateIpAddress"] for page in pages for interface in page["NetworkInterfaces"]
    )


def repair(
    arn: str,
    port: int,
    addresses: Iterable[str],
    limits: Limits,
    elbv2: Any,
    errors: list[str],
) -> dict[str, Any]:
    """Bring one target group in line; append what fails to ``errors`` and return what was done."""
    done: dict[str, Any] = {"arn": arn, "registered": [], "deregistered": []}
    try:
        targets = {
            Target(item["Target"]["Id"], item["Target"]["Port"]): item["TargetHealth"]["State"]
            for item in elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        }
    except Exception as error:  # noqa: BLE001  the other groups still get their turn
        errors.append(f"describe_target_health {arn}: {error}")
        return done
    observed = {Target(address, port) for address in addresses}
    actions = plan(observed, targets, limits)
    done["held_back"] = [target.address for target in actions.held_back]
    # New addresses first, so that a group never passes through empty.
    done["registered"] = change(elbv2, "register_targets", arn, actions.register, errors)
    if done["registered"] or observed.difference(actions.register):  # a live one is left
        done["deregistered"] = change(elbv2, "deregister_targets", arn, actions.deregister, errors)
    return done


def change(
    elbv2: Any, operation: str, arn: str, targets: Iterable[Target], errors: list[str]
) -> list[str]:
    """Carry out one change, if there is anything to change; return the addresses it was done for."""
    wanted = [{"Id": target.address, "Port": target.port} for target in targets]
    if not wanted:
        return []
    try:
        getattr(elbv2, operation)(TargetGroupArn=arn, Targets=wanted)
    except Exception as error:  # noqa: BLE001  the other changes still get their turn
        errors.append(f"{operation} {arn}: {error}")
        return []
    return [str(target["Id"]) for target in wanted]
