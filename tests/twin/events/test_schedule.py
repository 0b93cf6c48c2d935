"""Rules that invoke functions: on schedule, on events, and only with permission."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.twin.inside import run_inside

OFTEN, DAILY, LATE = (f"notes-path-RegistrarSchedule-{number:012x}" for number in range(3))
CODE = """
import json
def handler(event, context):
    print("GOT " + json.dumps(event, sort_keys=True))
    if isinstance(event, dict) and event.get("fail"):
        raise RuntimeError("as asked")
"""


def to_a_queue_that_admits_it_late(small: Any) -> bool:
    """Have a schedule that is older than its queue's policy, and return whether it waited for that."""
    import json
    import time

    sqs, events = small.region.clients("sqs"), small.region.clients("events")
    url = sqs.create_queue(QueueName="late")["QueueUrl"]
    asked = {"QueueUrl": url, "AttributeNames": ["QueueArn"]}
    arn = sqs.get_queue_attributes(**asked)["Attributes"]["QueueArn"]
    events.put_rule(Name=LATE, ScheduleExpression="rate(1 hour)")
    events.put_targets(Rule=LATE, Targets=[{"Id": "1", "Arn": arn}])
    time.sleep(0.7)  # by then it has come due, and was not let in
    before = sqs.receive_message(QueueUrl=url).get("Messages")
    admits = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Statement": [admits]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    small.wait(lambda: sqs.receive_message(QueueUrl=url).get("Messages"), "nothing came")
    return not before


def of_the_application(small: Any) -> dict[str, Any]:
    """Have a rule run at the next minute, and another hours from now; tell what came, and when."""
    import json
    import time
    from datetime import UTC, datetime, timedelta

    sqs, events = small.region.clients("sqs"), small.region.clients("events")
    url = sqs.create_queue(QueueName="nightly")["QueueUrl"]
    asked = {"QueueUrl": url, "AttributeNames": ["QueueArn"]}
    arn = sqs.get_queue_attributes(**asked)["Attributes"]["QueueArn"]
    admits = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}}
    statement = {**admits, "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    now = datetime.now(UTC)
    soon = (now + timedelta(seconds=65)).replace(second=0, microsecond=0)
    for name, due in (("soon", soon), ("nightly", now + timedelta(hours=6))):
        events.put_rule(Name=name, ScheduleExpression=f"cron({due.minute} {due.hour} * * ? *)")
        events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])

    def received() -> list[Any]:
        found = sqs.receive_message(QueueUrl=url).get("Messages", ())
        return [json.loads(one["Body"]) for one in found]

    time.sleep(3)  # a minute of the registrar's clock is one second
    early = received()
    came = small.wait(received, "it never ran", timeout_s=70)
    late_s = (datetime.now(UTC) - soon).total_seconds()
    for name in ("soon", "nightly"):
        events.disable_rule(Name=name)
    names = [one["resources"][0].rpartition("/")[2] for one in came]
    return {
        "early": early,
        "names": names,
        "time": came[0]["time"] == f"{soon:%Y-%m-%dT%H:%M:%SZ}",
        "late_s": late_s,
    }


def odd(small: Any) -> dict[str, Any]:
    """Make a rule whose target's policy says nothing sensible; tell what else was refused."""
    import json

    from moto.sqs.models import sqs_backends

    from underpass.twin.region.aws import ACCOUNT_ID

    client, events = small.region.clients("lambda"), small.region.clients("events")
    bad = json.dumps({"source": [{"like": "aws"}]})
    bad_pattern = _refusal(events.put_rule, Name="bad", EventPattern=bad)
    events.put_rule(Name="odd", ScheduleExpression="rate(1 minute)")
    target = {"Id": "1", "Arn": "arn:aws:ecs:us-east-1:123456789012:cluster/app"}
    cluster = _refusal(events.put_targets, Rule="odd", Targets=[target])
    small.region.clients("sqs").create_queue(QueueName="odd")
    queue = sqs_backends[ACCOUNT_ID]["us-east-1"].get_queue("odd")
    queue.policy = '{"Statement": [{"Principal": "*", "Action": "sqs:*", "Resource": "*"}]}'
    events.put_targets(Rule="odd", Targets=[{"Id": "1", "Arn": queue.queue_arn}])
    source = {"FunctionName": "f", "EventSourceArn": "arn:aws:kinesis:us-east-1:1:stream/x"}
    stream = _refusal(client.create_event_source_mapping, **source)
    source = {"FunctionName": "f", "EventSourceArn": queue.queue_arn}
    window = _refusal(
        client.create_event_source_mapping, **source, MaximumBatchingWindowInSeconds=5
    )
    aged = {"FunctionName": "f", "MaximumEventAgeInSeconds": 60}
    age = _refusal(client.put_function_event_invoke_config, **aged)
    refused = {"bad pattern": bad_pattern, "cluster": cluster, "stream": stream}
    return {**refused, "window": window, "age": age}


def _refusal(call: Any, **wanted: Any) -> list[str]:
    from botocore.exceptions import ClientError

    try:
        call(**wanted)
    except ClientError as error:
        return [error.response["Error"]["Code"], error.response["Error"]["Message"]]
    return []


def use(state: str) -> dict[str, Any]:
    """Make rules come and go, and tell which invocations there were."""
    import json
    import time

    from botocore.exceptions import ClientError
    from tests.twin.lambda_.small_region import SmallRegion

    from underpass.twin.region import clock

    clock.SPEED = 60.0  # rate(1 minute) is a second
    small = SmallRegion(Path(state))
    client, events = small.region.clients("lambda"), small.region.clients("events")
    seen: dict[str, Any] = {}

    def got(name: str = "f") -> list[Any]:
        try:
            lines = small.log(name)
        except ClientError:
            return []
        return [json.loads(line[4:]) for line in lines if line.startswith("GOT ")]

    def rule(name: str, function: str = "f", permit: bool = True, **more: Any) -> str:
        arn: str = events.put_rule(Name=name, **more.pop("rule"))["RuleArn"]
        target = client.get_function_configuration(FunctionName=function)["FunctionArn"]
        if permit:
            permission(name, arn, function)
        events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": target, **more}])
        return arn

    def permission(name: str, arn: str, function: str) -> None:
        client.add_permission(
            FunctionName=function,
            StatementId=f"{function}-{name}",
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=arn,
        )

    small.create(CODE)
    seen |= odd(small)
    arn = rule(OFTEN, permit=False, rule={"ScheduleExpression": "rate(1 minute)"})
    time.sleep(0.7)  # by then it has come due, and was not let in
    seen["without permission"] = got()
    permission(OFTEN, arn, "f")
    began = time.monotonic()
    small.wait(got, "no first run")
    seen["event"] = got()[0]
    seen["arn"] = arn
    small.wait(lambda: len(got()) >= 3, "no third run")
    seen["runs"], seen["seconds"] = len(got()), time.monotonic() - began
    client.remove_permission(FunctionName="f", StatementId=f"f-{OFTEN}")
    small.wait(
        lambda: (small.metric("FailedInvocations", OFTEN, "AWS/Events") or 0) >= 2, "not counted"
    )
    events.disable_rule(Name=OFTEN)
    seen["to a queue"] = to_a_queue_that_admits_it_late(small)
    time.sleep(1.2)
    count = len(got())
    time.sleep(1.3)
    seen["after disabling"] = len(got()) - count

    seen["application"] = of_the_application(small)

    small.create(CODE, "seldom")
    rule(DAILY, "seldom", rule={"ScheduleExpression": "rate(1 day)"}, Input='"constant"')
    small.wait(lambda: got("seldom"), "no first run")
    seen["constant"] = got("seldom")

    small.create(CODE, "listener")
    pattern = {"source": ["aws.ec2"], "detail": {"eventName": ["CreateNetworkInterface"]}}
    rule("created", "listener", rule={"EventPattern": json.dumps(pattern)})
    unpermitted = {"source": ["aws.ec2"]}
    rule("not-permitted", "listener", permit=False, rule={"EventPattern": json.dumps(unpermitted)})
    off = {"EventPattern": json.dumps(unpermitted), "State": "DISABLED"}
    rule("off", "listener", rule=off)
    for name in ("CreateNetworkInterface", "DeleteVpc"):
        entry = {
            "Source": "aws.ec2",
            "DetailType": "call",
            "Detail": json.dumps({"eventName": name}),
        }
        events.put_events(Entries=[entry])
    small.wait(lambda: got("listener"), "no event")
    small.wait(
        lambda: small.metric("FailedInvocations", "not-permitted", "AWS/Events") == 2, "not counted"
    )
    time.sleep(0.5)
    seen["listened"] = got("listener")

    small.create(CODE, "failing")
    client.invoke(FunctionName="failing", InvocationType="Event", Payload=b'{"fail": 1}')
    small.wait(lambda: len(got("failing")) == 3, "not retried twice")
    time.sleep(2.5)
    seen["attempts"] = len(got("failing"))
    client.put_function_event_invoke_config(FunctionName="failing", MaximumRetryAttempts=0)
    client.invoke(FunctionName="failing", InvocationType="Event", Payload=b'{"fail": 2}')
    small.wait(lambda: len(got("failing")) > seen["attempts"], "not tried")
    time.sleep(1.7)
    seen["attempts without retries"] = len(got("failing")) - seen["attempts"]

    refused = {}
    for name, wanted in (
        ("cron(0 10 * * * *)", {"ScheduleExpression": "cron(0 10 * * * *)"}),
        ("rate(1 minutes)", {"ScheduleExpression": "rate(1 minutes)"}),
    ):
        try:
            events.put_rule(Name="bad", **wanted)
        except ClientError as error:
            refused[name] = error.response["Error"]["Message"]
    try:
        events.put_targets(
            Rule=OFTEN,
            Targets=[{"Id": "2", "Arn": small.create(CODE, "x"), "InputPath": "$.a[*]"}],
        )
    except ClientError as error:
        refused["InputPath"] = error.response["Error"]["Message"]
    seen["refused"] = refused
    small.schedules.stop()
    small.functions.stop()
    return seen


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    found: dict[str, Any] = run_inside(use, str(tmp_path_factory.mktemp("state")), timeout_s=240)
    return found


def test_rule_without_permission_invokes_nothing(seen: dict[str, Any]) -> None:
    assert seen["without permission"] == []


def test_rule_runs_at_once_and_then_on_its_schedule(seen: dict[str, Any]) -> None:
    assert seen["runs"] <= seen["seconds"] + 1  # once a second, and the first at once
    assert seen["event"]["detail-type"] == "Scheduled Event"
    assert seen["event"]["resources"] == [seen["arn"]]


def test_the_applications_rules_run_by_the_real_clock(seen: dict[str, Any]) -> None:
    told = seen["application"]
    assert (told["early"], told["names"], told["time"]) == ([], ["soon"], True)
    assert 0 <= told["late_s"] < 3


def test_a_queue_whose_policy_comes_late_is_reached_soon(seen: dict[str, Any]) -> None:
    assert seen["to a queue"]


def test_disabled_rule_stops(seen: dict[str, Any]) -> None:
    assert seen["after disabling"] == 0


def test_a_rules_constant_input_is_what_its_function_gets(seen: dict[str, Any]) -> None:
    assert seen["constant"] == ["constant"]


def test_event_that_matches_invokes_the_function(seen: dict[str, Any]) -> None:
    assert [event["detail"] for event in seen["listened"]] == [
        {"eventName": "CreateNetworkInterface"}
    ]
    assert seen["listened"][0]["source"] == "aws.ec2"
    assert seen["listened"][0]["time"].endswith("Z")


def test_asynchronous_failure_is_tried_three_times(seen: dict[str, Any]) -> None:
    assert seen["attempts"] == 3
    assert seen["attempts without retries"] == 1


def test_what_a_rule_cannot_do_is_refused(seen: dict[str, Any]) -> None:
    assert "exactly one of day-of-month" in seen["refused"]["cron(0 10 * * * *)"]
    assert "singular" in seen["refused"]["rate(1 minutes)"]
    assert "is not a path" in seen["refused"]["InputPath"]


def test_what_the_twin_cannot_do_is_refused_by_name(seen: dict[str, Any]) -> None:
    assert seen["bad pattern"][0] == "InvalidEventPatternException"
    assert "Unrecognized match type like" in seen["bad pattern"][1]
    assert seen["cluster"][0] == "ValidationException"
    assert "cluster/app does not work on the twin" in seen["cluster"][1]
    assert seen["stream"][0] == "InvalidParameterValueException"
    assert "it reads SQS queues" in seen["stream"][1]
    assert "MaximumBatchingWindowInSeconds does not work" in seen["window"][1]
    assert "MaximumEventAgeInSeconds does not work" in seen["age"][1]
