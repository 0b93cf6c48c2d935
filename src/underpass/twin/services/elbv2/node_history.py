"""What happens to load balancers' nodes: when, kept for whoever asks, and told to EventBridge.

An ALB's nodes have a history, so that nobody has to guess from outside how long a step took. EventBridge is
told as CloudTrail would tell it: only the calls Elastic Load Balancing makes for its nodes, and each late, as
CloudTrail's events are: ``DELAY_S`` of AWS's time after the call, which is two seconds on the twin. AWS
promises neither a delay nor delivery ("best effort"), and sends them only in an account with a trail that
logs such calls; the twin always does.
Source: eventbridge/latest/userguide/eb-service-event-cloudtrail,
awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from underpass.twin.region.aws import ACCOUNT_ID, Clients
from underpass.twin.region.clock import Wait, scaled_s
from underpass.twin.region.timers import later

_MOST = 5000
DELAY_S = 40.0
SERVICE = "elasticloadbalancing.amazonaws.com"
ROLE = "AWSServiceRoleForElasticLoadBalancing"
RETURNED = {"_return": True}  # what EC2 answers where it has nothing to say


class History:
    """The nodes there were, the oldest first, each with its events in monotonic seconds.

    An event is ``created`` (its interface), ``named`` (it listens, and DNS names it), ``registered`` (its
    address is a target of an NLB), ``serving`` (an NLB's node sends it flows, finding it well), ``left``
    (DNS no longer names it; it still serves), ``unsent`` (no NLB's node sends it new flows any more),
    ``detached`` (nothing answers there any more), ``deleted`` (its interface: anybody may have the
    address) or ``deregistered`` (its address is no NLB's target any more, or drains).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._nodes: dict[str, dict[str, Any]] = {}

    def create(self, interface_id: str, address: str, balancer_arn: str) -> None:
        """Note a new node."""
        with self._lock:
            self._nodes[interface_id] = {
                "interface_id": interface_id,
                "address": address,
                "balancer": balancer_arn,
                "created": time.monotonic(),
            }
            while len(self._nodes) > _MOST:
                del self._nodes[next(iter(self._nodes))]

    def mark(self, interface_id: str, event: str) -> None:
        """Note an event, unless it was noted before."""
        with self._lock:
            if interface_id in self._nodes:
                self._nodes[interface_id].setdefault(event, time.monotonic())

    def registered(self, addresses: Collection[str]) -> None:
        """Note whose addresses are targets of NLBs now, and whose are no more."""
        self._compare(addresses, "registered", "deregistered")

    def sent(self, addresses: Collection[str]) -> None:
        """Note which addresses NLBs' nodes send flows to now, and which no more."""
        self._compare(addresses, "serving", "unsent")

    def of(self, balancer_arn: str) -> list[dict[str, Any]]:
        """Return a load balancer's nodes."""
        with self._lock:
            return [dict(one) for one in self._nodes.values() if one["balancer"] == balancer_arn]

    def _compare(self, addresses: Collection[str], began: str, ended: str) -> None:
        now = time.monotonic()
        with self._lock:
            for one in self._nodes.values():
                here = one["address"] in addresses
                if here and "deleted" not in one:
                    one.setdefault(began, now)
                elif not here and began in one:
                    one.setdefault(ended, now)


class CloudTrail:
    """Tells of calls, each in its time, in the order they were made."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def note(
        self, name: str, asked: Mapping[str, Any], answered: Mapping[str, Any] = RETURNED
    ) -> None:
        """Note a call to EC2 that was just made; returns at once."""
        region = self._clients.region
        detail = call(name, asked, answered, region, datetime.now(UTC))
        entry = {
            "Source": "aws.ec2",
            "DetailType": "AWS API Call via CloudTrail",
            "Detail": json.dumps(detail),
        }
        delay_s = scaled_s(Wait.TRAIL, DELAY_S, at_least_s=0.0)
        later(delay_s, lambda: self._clients("events").put_events(Entries=[entry]))


def call(
    name: str, asked: Mapping[str, Any], answered: Mapping[str, Any], region: str, at: datetime
) -> dict[str, Any]:
    """Return CloudTrail's record of a call to EC2 that Elastic Load Balancing made for itself."""
    moment = f"{at:%Y-%m-%dT%H:%M:%SZ}"
    role = f"arn:aws:iam::{ACCOUNT_ID}:role/aws-service-role/{SERVICE}/{ROLE}"
    issuer = {"type": "Role", "arn": role, "accountId": ACCOUNT_ID, "userName": ROLE}
    return {
        "eventVersion": "1.09",
        "userIdentity": {
            "type": "AssumedRole",
            "arn": f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{ROLE}/ElasticLoadBalancing",
            "accountId": ACCOUNT_ID,
            "sessionContext": {
                "sessionIssuer": issuer,
                "attributes": {"creationDate": moment, "mfaAuthenticated": "false"},
            },
            "invokedBy": SERVICE,
        },
        "eventTime": moment,
        "eventSource": "ec2.amazonaws.com",
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": SERVICE,
        "userAgent": SERVICE,
        "requestParameters": dict(asked),
        "responseElements": dict(answered),
        "requestID": str(uuid.uuid4()),
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT_ID,
        "eventCategory": "Management",
    }
