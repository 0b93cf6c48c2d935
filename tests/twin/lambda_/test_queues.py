"""Queues between rules and functions: only with permission, one batch at a time, a burst in two."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.twin.inside import run_inside

CODE = """
import json, time
def handler(event, context):
    bodies = [json.loads(record["body"]) for record in event["Records"]]
    print("GOT " + json.dumps([body["detail"] for body in bodies]))
    detail = bodies[0]["detail"]
    time.sleep(detail.get("takes", 0))
    if detail.get("fail"):
        raise RuntimeError("as asked")
"""
PATTERN = json.dumps({"source": ["aws.ec2"]})


def hidden_from_others(small: Any, code: str) -> list[bool]:
    """Have a function work on a message of the application's for two seconds, and then fail.

    Return whether the message was hidden meanwhile, and afterwards.
    """
    import json
    import time

    sqs = small.region.clients("sqs")
    url = sqs.create_queue(QueueName="work", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    small.create(code, "worker")
    small.region.clients("lambda").create_event_source_mapping(
        EventSourceArn=arn, FunctionName="worker"
    )
    body = json.dumps({"detail": {"takes": 2, "fail": True}})
    sqs.send_message(QueueUrl=url, MessageBody=body)
    asked = {"QueueUrl": url, "AttributeNames": ["ApproximateNumberOfMessagesNotVisible"]}
    hidden = "ApproximateNumberOfMessagesNotVisible"
    small.wait(
        lambda: sqs.get_queue_attributes(**asked)["Attributes"][hidden] == "1", "nobody reads it"
    )
    found = []
    for _ in range(2):
        time.sleep(1.5)
        found.append("Messages" not in sqs.receive_message(QueueUrl=url))
    return found


def use(state: str) -> dict[str, Any]:  # one story, told in order
    """Send events through a queue and tell what the function was invoked with."""
    import json
    import time

    from botocore.exceptions import ClientError
    from tests.twin.lambda_.small_region import SmallRegion

    from underpass.twin.api import patch
    from underpass.twin.region import clock
    from underpass.twin.region.reconcile import Reconciler
    from underpass.twin.services.lambda_.event_source_mappings import Queues
    from underpass.twin.services.sqs import patches as sqs_api

    clock.SPEED = 60.0  # the registrar's visibility timeout of a minute is a second
    patch.apply(sqs_api)
    small = SmallRegion(Path(state))
    queues = Queues(small.region)
    sqs_api.attach(queues.arrived)
    Reconciler("queues", queues.reconcile).start(small.region.feed, Queues.topics)
    clients = small.region.clients
    seen: dict[str, Any] = {}
    events, sqs = clients("events"), clients("sqs")

    def got() -> list[Any]:
        try:
            return [json.loads(line[4:]) for line in small.log() if line.startswith("GOT ")]
        except ClientError:
            return []

    def send(*details: dict[str, Any]) -> None:
        events.put_events(
            Entries=[
                {"Source": "aws.ec2", "DetailType": "call", "Detail": json.dumps(detail)}
                for detail in details
            ]
        )

    small.create(CODE)
    attributes = {
        "FifoQueue": "true",
        "ContentBasedDeduplication": "true",
        "VisibilityTimeout": "60",
        "MessageRetentionPeriod": "360",
    }
    name = "notes-path-RegistrarQueue-0123456789ab.fifo"
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn = asked["Attributes"]["QueueArn"]
    rule = events.put_rule(Name="calls", EventPattern=PATTERN)["RuleArn"]
    target = {"Id": "queue", "Arn": arn, "SqsParameters": {"MessageGroupId": "one"}}
    events.put_targets(Rule="calls", Targets=[target])
    mapping = clients("lambda").create_event_source_mapping(
        EventSourceArn=arn, FunctionName="f", BatchSize=10
    )["UUID"]

    send({"n": "not permitted"})
    small.wait(lambda: small.metric("FailedInvocations", "calls", "AWS/Events") == 1, "not counted")
    seen["not permitted"] = got()
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": ["sqs:SendMessage"],
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": [rule]}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "0"})  # keeps the policy

    send({"n": 1, "takes": 1.5}, *({"n": number} for number in range(2, 9)))
    small.wait(lambda: sum(map(len, got())) == 8, "not all came")
    seen["burst"] = [[one["n"] for one in batch] for batch in got()]

    count = len(got())
    send({"n": "bad", "fail": True})
    small.wait(lambda: len(got()) == count + 2, "not tried again")  # after the visibility timeout
    send({"n": "behind"})
    small.wait(lambda: [{"n": "behind"}] in got(), "blocked for ever")  # the bad one has expired
    seen["attempts"] = sum(batch[0]["n"] == "bad" for batch in got())

    seen["hidden"] = hidden_from_others(small, CODE)

    clients("lambda").update_event_source_mapping(UUID=mapping, Enabled=False)
    time.sleep(0.3)
    send({"n": "unread"})
    time.sleep(1)
    seen["disabled"] = [{"n": "unread"}] in got()
    queues.stop()
    small.schedules.stop()
    small.functions.stop()
    return seen


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    found: dict[str, Any] = run_inside(use, str(tmp_path_factory.mktemp("state")), timeout_s=120)
    return found


def test_a_rule_without_permission_reaches_no_queue(seen: dict[str, Any]) -> None:
    assert seen["not permitted"] == []


def test_a_burst_is_two_batches_at_most_and_in_order(seen: dict[str, Any]) -> None:
    assert len(seen["burst"]) <= 2, "what came while the first was at work is one batch"
    assert [one for batch in seen["burst"] for one in batch] == list(range(1, 9))


def test_a_batch_that_fails_is_tried_again_until_it_expires(seen: dict[str, Any]) -> None:
    assert seen["attempts"] >= 2


def test_what_a_function_works_on_is_hidden_for_as_long_as_in_aws(seen: dict[str, Any]) -> None:
    assert seen["hidden"] == [True, True], "a minute of the twin's clock is a second here"


def test_a_mapping_that_is_off_reads_nothing(seen: dict[str, Any]) -> None:
    assert seen["disabled"] is False
