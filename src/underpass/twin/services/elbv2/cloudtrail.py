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
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from underpass.twin.region import clock
from underpass.twin.region.aws import ACCOUNT_ID, Clients
from underpass.twin.region.timers import later

DELAY_S = 40.0
SERVICE = "elasticloadbalancing.amazonaws.com"
ROLE = "AWSServiceRoleForElasticLoadBalancing"


class CloudTrail:
    """Tells of calls, each in its time, in the order they were made."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def note(self, name: str, asked: Mapping[str, Any], answered: Mapping[str, Any]) -> None:
        """Note a call to EC2 that was just made; returns at once."""
        region = self._clients.region
        detail = call(name, asked, answered, region, datetime.now(UTC))
        entry = {
            "Source": "aws.ec2",
            "DetailType": "AWS API Call via CloudTrail",
            "Detail": json.dumps(detail),
        }
        delay_s = clock.scaled_s(DELAY_S, at_least_s=0.0)
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
