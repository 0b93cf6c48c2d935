"""The published way to keep an ALB's addresses registered with an NLB, written anew from its description.

Not the published code: the same algorithm, with the same environment and the same faults, for comparison
only. It resolves the ALB's DNS name many times, keeps two lists in S3 (the addresses of the last run, and how
often in a row each registered address was missed), registers what is new, and deregisters what was missed
often enough. Errors are logged and swallowed; an unreadable list counts as a first run; what drains counts
as registered. Each is a fault its users reported; see docs/registrar.md.
"""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Iterable
from importlib import import_module
from typing import Any

import boto3

dnspython: Any = None
try:
    dnspython = import_module("dns.resolver")
except ImportError:  # the published package ships it; without it the same is asked another way
    pass

logger = logging.getLogger()
logger.setLevel(logging.INFO)

ALB_DNS_NAME = os.environ["ALB_DNS_NAME"]
ALB_LISTENER = int(os.environ["ALB_LISTENER"])
S3_BUCKET = os.environ["S3_BUCKET"]
NLB_TG_ARN = os.environ["NLB_TG_ARN"]
MAX_LOOKUP_PER_INVOCATION = int(os.environ["MAX_LOOKUP_PER_INVOCATION"])
INVOCATIONS_BEFORE_DEREGISTRATION = int(os.environ["INVOCATIONS_BEFORE_DEREGISTRATION"])
CW_METRIC_FLAG_IP_COUNT = os.environ["CW_METRIC_FLAG_IP_COUNT"].lower() == "true"
ACTIVE_KEY = f"Active IP list of {ALB_DNS_NAME}"
PENDING_KEY = f"Pending deregistration list of {ALB_DNS_NAME}"

s3 = boto3.client("s3")
elbv2 = boto3.client("elbv2")
cloudwatch = boto3.client("cloudwatch")


def handler(event: object, context: object) -> None:
    """Run once."""
    active = look_up()
    if not active:
        logger.error("no address of %s was found", ALB_DNS_NAME)
        return
    if CW_METRIC_FLAG_IP_COUNT:
        put_count(len(active))
    registered = registered_addresses()
    new = active - registered
    if new:
        change("register_targets", new)
    missed = read(PENDING_KEY)
    before = set(read(ACTIVE_KEY))
    pending = {}
    for address in (registered | before | set(missed)) - active:
        pending[address] = missed.get(address, 0) + 1
    gone = {
        address for address, times in pending.items() if times >= INVOCATIONS_BEFORE_DEREGISTRATION
    }
    if gone & registered:
        change("deregister_targets", gone & registered)
    write(ACTIVE_KEY, dict.fromkeys(sorted(active), 1))
    write(
        PENDING_KEY, {address: times for address, times in pending.items() if address not in gone}
    )


def look_up() -> set[str]:
    """Return the addresses that so many look-ups find: each answer holds at most eight of them."""
    found: set[str] = set()
    for _ in range(MAX_LOOKUP_PER_INVOCATION):
        try:
            if dnspython:
                found.update(str(one) for one in dnspython.resolve(ALB_DNS_NAME, "A"))
            else:
                answer = socket.getaddrinfo(ALB_DNS_NAME, 80, socket.AF_INET, socket.SOCK_STREAM)
                found.update(str(one[4][0]) for one in answer)
        except Exception as error:
            logger.error("look-up failed: %s", error)
    return found


def registered_addresses() -> set[str]:
    """Return what the target group holds, whatever its state."""
    try:
        described = elbv2.describe_target_health(TargetGroupArn=NLB_TG_ARN)
    except Exception as error:
        logger.error("describe_target_health failed: %s", error)
        return set()
    return {one["Target"]["Id"] for one in described["TargetHealthDescriptions"]}


def change(operation: str, addresses: Iterable[str]) -> None:
    """Register or deregister addresses."""
    targets = [{"Id": address, "Port": ALB_LISTENER} for address in sorted(addresses)]
    try:
        getattr(elbv2, operation)(TargetGroupArn=NLB_TG_ARN, Targets=targets)
        logger.info("%s %s", operation, sorted(addresses))
    except Exception as error:
        logger.error("%s failed: %s", operation, error)


def read(key: str) -> dict[str, int]:
    """Return a list kept in S3; one that cannot be read is empty."""
    try:
        kept: dict[str, int] = json.loads(s3.get_object(Bucket=S3_BUCKET, Key=key)["Body"].read())
    except Exception as error:
        logger.error("%s was not read: %s", key, error)
        return {}
    return kept


def write(key: str, content: dict[str, int]) -> None:
    """Keep a list in S3."""
    try:
        s3.put_object(Bucket=S3_BUCKET, Key=key, Body=json.dumps(content))
    except Exception as error:
        logger.error("%s was not written: %s", key, error)


def put_count(count: int) -> None:
    """Put how many addresses were found, where the published function does."""
    try:
        cloudwatch.put_metric_data(
            Namespace="AWS/ApplicationELB",
            MetricData=[
                {
                    "MetricName": "LoadBalancerIPCount",
                    "Dimensions": [{"Name": "LoadBalancerName", "Value": ALB_DNS_NAME}],
                    "Value": float(count),
                    "Unit": "Count",
                }
            ],
        )
    except Exception as error:
        logger.error("the metric was not put: %s", error)
