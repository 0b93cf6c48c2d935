"""What load balancing does to interfaces, told to EventBridge as CloudTrail would tell it.

Only the calls Elastic Load Balancing makes for its nodes are told, and each arrives late, as CloudTrail's
events do: ``DELAY_S`` of AWS's time after the call, which is two seconds on the twin. AWS promises neither a
delay nor delivery ("best effort"), and sends them only in an account with a trail that logs such calls; the
twin always does.
Source: eventbridge/latest/userguide/eb-service-event-cloudtrail,
awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from underpass.twin.region import clock
from underpass.twin.region.aws import ACCOUNT_ID, Clients

log = logging.getLogger(__name__)

DELAY_S = 40.0
SERVICE = "elasticloadbalancing.amazonaws.com"
ROLE = "AWSServiceRoleForElasticLoadBalancing"
_ONCE = 10  # entries of one PutEvents call


class CloudTrail:
    """Tells of calls, each in its time, in the order they were made."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._waiting: deque[tuple[float, dict[str, Any]]] = deque()
        self._changed = threading.Condition()
        self._stopping = False

    def start(self) -> None:
        """Start the thread that delivers."""
        threading.Thread(target=self._deliver, name="trail", daemon=True).start()

    def stop(self) -> None:
        """Deliver nothing any more."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def note(self, name: str, asked: Mapping[str, Any], answered: Mapping[str, Any]) -> None:
        """Note a call to EC2 that was just made; returns at once."""
        region = self._clients.region
        detail = call(name, asked, answered, region, datetime.now(UTC))
        entry = {
            "Source": "aws.ec2",
            "DetailType": "AWS API Call via CloudTrail",
            "Detail": json.dumps(detail),
        }
        with self._changed:
            due_s = time.monotonic() + clock.scaled_s(DELAY_S, at_least_s=0.0)
            self._waiting.append((due_s, entry))
            self._changed.notify_all()

    def _deliver(self) -> None:
        while True:
            with self._changed:
                while not self._stopping and not self._due():
                    left_s = self._waiting[0][0] - time.monotonic() if self._waiting else None
                    self._changed.wait(left_s)
                if self._stopping:
                    return
                entries = [self._waiting.popleft()[1] for _ in range(min(self._due(), _ONCE))]
            try:
                self._clients("events").put_events(Entries=entries)
            except (BotoCoreError, ClientError):
                log.exception("%d events were lost", len(entries))

    def _due(self) -> int:
        now_s = time.monotonic()
        return sum(due_s <= now_s for due_s, _ in self._waiting)


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
