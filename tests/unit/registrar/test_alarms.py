"""The alarms watch what the function writes, under the same names, and mean what they say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.blueprint.configs import CURATED
from tests.unit.blueprint.templates import resources
from tests.unit.registrar.fakes import ALB, Aws, once

from underpass.blueprint import stacks


def alarms() -> dict[str, dict[str, Any]]:
    (stack,) = (
        one for one in stacks(CURATED["nat-ec2-nothing"]) if one.name.endswith("monitoring")
    )
    found = resources(stack, "CloudWatch::Alarm")
    return {name: alarm for name, alarm in found.items() if name.startswith("Registrar")}


def test_they_watch_metrics_that_a_run_writes(capsys: pytest.CaptureFixture[str]) -> None:
    once(Aws(["10.0.0.1"]))
    said = json.loads(capsys.readouterr().out)
    (directive,) = said["_aws"]["CloudWatchMetrics"]
    assert said["LoadBalancer"] == ALB.split(":loadbalancer/")[1]  # as LoadBalancerFullName is
    own = [one for one in alarms().values() if one["Namespace"] != "AWS/Lambda"]
    assert len(own) == 2
    for alarm in own:
        assert alarm["Namespace"] == directive["Namespace"]
        assert alarm["MetricName"] in {metric["Name"] for metric in directive["Metrics"]}
        assert [[one["Name"] for one in alarm["Dimensions"]]] == directive["Dimensions"]
        assert alarm["Dimensions"][0]["Value"] == {"Ref": "AlbFullName"}


def test_three_minutes_without_a_success_are_an_alarm_also_when_nothing_runs() -> None:
    alarm = alarms()["RegistrarStale"]
    assert alarm["MetricName"] == "Success"
    assert alarm["Period"] * alarm["EvaluationPeriods"] == 180
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
    assert alarm["TreatMissingData"] == "breaching"


def test_one_refused_removal_is_an_alarm() -> None:
    alarm = alarms()["RegistrarHeldBack"]
    assert (alarm["MetricName"], alarm["EvaluationPeriods"]) == ("HeldBack", 1)
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)
