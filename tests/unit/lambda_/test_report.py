from __future__ import annotations

import json

import pytest

from underpass.twin.services.events.targets import admits
from underpass.twin.services.lambda_.model import Function
from underpass.twin.services.lambda_.patches import refusal
from underpass.twin.services.lambda_.report import Run, embedded_metrics, framed, tail

FUNCTION = Function(
    name="registrar",
    arn="arn:aws:lambda:us-east-1:123456789012:function:registrar",
    role_arn="arn:aws:iam::123456789012:role/registrar",
    version="$LATEST",
    runtime="python3.13",
    handler="index.handler",
    timeout_s=3,
    memory_mib=256,
    environment=(),
    log_group="/aws/lambda/registrar",
    tmp_mib=512,
    code_sha256="x",
)


def test_log_of_a_cold_run_is_framed_as_lambda_frames_it() -> None:
    run = Run("id-1", duration_ms=12.345, init_ms=300.4, memory_mib=48, status="success")
    lines = [text for _, text in framed(FUNCTION, run, [(5, "hello")])]
    assert lines[0].startswith("INIT_START Runtime Version: python3.13 (here: Python 3.")
    assert lines[1:4] == ["START RequestId: id-1 Version: $LATEST", "hello", "END RequestId: id-1"]
    assert lines[4].split("\t") == [
        "REPORT RequestId: id-1",
        "Duration: 12.35 ms",
        "Billed Duration: 313 ms",
        "Memory Size: 256 MB",
        "Max Memory Used: 48 MB",
        "Init Duration: 300.40 ms",
    ]


def test_log_of_a_timeout_says_so() -> None:
    run = Run("id-1", duration_ms=3000, init_ms=0, memory_mib=0, status="timeout")
    lines = [text for _, text in framed(FUNCTION, run, [])]
    assert lines[-1].endswith("id-1 Task timed out after 3.00 seconds")
    assert lines[-2].endswith("Status: timeout")


def test_tail_is_the_last_four_kilobytes() -> None:
    assert tail([(0, "é" * 5000), (0, "end")]).endswith("é\nend\n")
    assert len(tail([(0, "é" * 5000)]).encode()) <= 4096


def test_embedded_metrics() -> None:
    line = {
        "_aws": {
            "Timestamp": 1,
            "CloudWatchMetrics": [
                {
                    "Namespace": "Underpass",
                    "Dimensions": [["Group"], []],
                    "Metrics": [{"Name": "Registered", "Unit": "Count"}, {"Name": "Seen"}],
                }
            ],
        },
        "Group": "g1",
        "Registered": 2,
        "Seen": [1, 3],
    }
    found = list(embedded_metrics(["START", json.dumps(line), '{"_aws": 1}', '{"_aws"']))
    assert [(namespace, datum["MetricName"]) for namespace, datum in found] == [
        ("Underpass", "Registered"),
        ("Underpass", "Seen"),
    ] * 2
    assert found[0][1] == {
        "MetricName": "Registered",
        "Dimensions": [{"Name": "Group", "Value": "g1"}],
        "Unit": "Count",
        "Value": 2,
    }
    assert found[3][1]["Values"] == [1, 3]


RULE = "arn:aws:events:us-east-1:123456789012:rule/notes-registrar"
STATEMENT = {
    "Effect": "Allow",
    "Principal": {"Service": "events.amazonaws.com"},
    "Action": "lambda:InvokeFunction",
    "Resource": FUNCTION.arn,
    "Condition": {"ArnLike": {"AWS:SourceArn": RULE}},
}


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ({}, True),
        ({"Condition": {}}, True),
        ({"Condition": {"ArnLike": {"AWS:SourceArn": RULE[:-9] + "*"}}}, True),
        ({"Condition": {"StringEquals": {"AWS:SourceAccount": "123456789012"}}}, True),
        ({"Condition": {"ArnLike": {"AWS:SourceArn": RULE + "-other"}}}, False),
        ({"Condition": {"StringEquals": {"AWS:SourceAccount": "210987654321"}}}, False),
        ({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}, False),
        ({"Condition": {"StringNotEquals": {"AWS:SourceAccount": "123456789012"}}}, False),
        ({"Effect": "Deny"}, False),
        ({"Principal": {"Service": "s3.amazonaws.com"}}, False),
        ({"Principal": {"AWS": "arn:aws:iam::123456789012:root"}}, False),
        ({"Action": "lambda:GetFunction"}, False),
        ({"Resource": FUNCTION.arn + "2"}, False),
    ],
)
def test_rule_needs_a_permission_that_names_it(change: dict[str, object], allowed: bool) -> None:
    policy = {"Statement": [{**STATEMENT, **change}]}
    assert admits(policy, FUNCTION.arn, RULE) is allowed


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"Runtime": "nodejs22.x"}, "nodejs22.x does not run"),
        ({"Runtime": "python2.7"}, "python2.7 does not run"),
        ({"PackageType": "Image"}, "not from images"),
        ({"Layers": ["arn"]}, "Layers"),
        ({"LoggingConfig": {"LogFormat": "JSON"}}, "LogFormat JSON"),
    ],
)
def test_function_that_would_run_otherwise_is_refused(spec: dict[str, object], says: str) -> None:
    assert says in str(refusal({"Runtime": "python3.13", **spec}))


def test_function_that_runs_is_not_refused() -> None:
    assert refusal({"Runtime": "python3.14", "VpcConfig": {"SubnetIds": ["subnet-1"]}}) is None
