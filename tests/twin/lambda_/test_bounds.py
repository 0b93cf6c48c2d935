from __future__ import annotations

import time

import boto3
import pytest
from moto import mock_aws

from underpass.twin.api import patch
from underpass.twin.services.cloudwatch import patches as cloudwatch_patches
from underpass.twin.services.logs import patches as logs_patches


def test_logs_and_metrics_keep_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setattr(logs_patches, "EVENTS", 100)
    monkeypatch.setattr(cloudwatch_patches, "DATA", 100)
    with mock_aws():
        patch.apply(logs_patches, cloudwatch_patches)
        logs, cloudwatch = (boto3.client(name, "us-east-1") for name in ("logs", "cloudwatch"))
        logs.create_log_group(logGroupName="g")
        logs.create_log_stream(logGroupName="g", logStreamName="s")
        now_ms = int(time.time() * 1000)
        for number in range(10):
            numbers = range(number * 15, number * 15 + 15)
            events = [{"timestamp": now_ms + one, "message": str(one)} for one in numbers]
            logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=events)
            data = [{"MetricName": "m", "Value": float(number)}] * 15
            cloudwatch.put_metric_data(Namespace="n", MetricData=data)
        kept = logs.get_log_events(logGroupName="g", logStreamName="s", startFromHead=True)[
            "events"
        ]
        assert 75 <= len(kept) <= 100
        assert kept[-1]["message"] == "149"
        samples = cloudwatch.get_metric_statistics(
            Namespace="n",
            MetricName="m",
            StartTime=0,
            EndTime=2**31,
            Period=86400,
            Statistics=["SampleCount"],
        )["Datapoints"][0]["SampleCount"]
        assert 75 <= samples <= 100
