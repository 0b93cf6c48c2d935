"""The queue and the bucket, by AWS's own SDK."""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any

import botocore.session


@cache
def _client(service: str) -> Any:
    return botocore.session.get_session().create_client(service)


def send(order: int) -> None:
    """Have an order fulfilled."""
    body = json.dumps({"order": order})
    _client("sqs").send_message(QueueUrl=os.environ["ORDERS_QUEUE_URL"], MessageBody=body)


def receive() -> list[tuple[int, str]]:
    """Return the next orders, each with what to ``forget`` it by; wait for one if there is none."""
    queue = os.environ["ORDERS_QUEUE_URL"]
    found = _client("sqs").receive_message(
        QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=10
    )
    return [
        (json.loads(one["Body"])["order"], one["ReceiptHandle"])
        for one in found.get("Messages", [])
    ]


def forget(receipt: str) -> None:
    """Take an order that is fulfilled out of the queue."""
    _client("sqs").delete_message(QueueUrl=os.environ["ORDERS_QUEUE_URL"], ReceiptHandle=receipt)


def keep(order: int, text: str) -> None:
    """Keep an order's receipt in the bucket."""
    bucket, key = os.environ["ASSETS_BUCKET"], f"receipts/{order}.txt"
    _client("s3").put_object(Bucket=bucket, Key=key, Body=text.encode())


def page(key: str) -> bytes:
    """Return a file of the bucket."""
    found = _client("s3").get_object(Bucket=os.environ["ASSETS_BUCKET"], Key=key)
    return bytes(found["Body"].read())
