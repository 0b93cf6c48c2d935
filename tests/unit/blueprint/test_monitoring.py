"""The alarms and the dashboard: right names, deliberate silence, and everything leads somewhere."""

import json
import re
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from tests.unit.blueprint.configs import CURATED, EVERYTHING, config, configs
from tests.unit.blueprint.templates import monitoring, resource, resources

from underpass.blueprint import Stack
from underpass.blueprint.monitoring.database import connections, memory_gib
from underpass.config.model import Config

# What AWS publishes, with the dimensions each metric is published under. Sources: metrics.py.
ZONE = "AvailabilityZone"
SERVICE = "ClusterName ServiceName"
HOSTS = ("LoadBalancer TargetGroup", f"{ZONE} LoadBalancer TargetGroup")
PUBLISHED = {
    ("AWS/NetworkELB", *HOSTS): "HealthyHostCount UnHealthyHostCount",
    ("AWS/NetworkELB", "LoadBalancer"): (
        "ActiveFlowCount NewFlowCount PortAllocationErrorCount TCP_Client_Reset_Count "
        "TCP_ELB_Reset_Count TCP_Target_Reset_Count"
    ),
    ("AWS/ApplicationELB", *HOSTS): (
        "HealthyHostCount UnHealthyHostCount TargetResponseTime HTTPCode_Target_5XX_Count "
        "TargetConnectionErrorCount RequestCount"
    ),
    ("AWS/ApplicationELB", "LoadBalancer"): "HTTPCode_ELB_5XX_Count RequestCount",
    ("AWS/PrivateLinkServices", "Service Id"): "EndpointsCount ActiveConnections",
    ("AWS/ECS", SERVICE): "CPUUtilization MemoryUtilization",
    ("ECS/ContainerInsights", SERVICE): "DesiredTaskCount RunningTaskCount PendingTaskCount",
    ("AWS/ECS/ManagedScaling", "CapacityProviderName ClusterName"): "CapacityProviderReservation",
    ("AWS/RDS", "DBInstanceIdentifier"): (
        "CPUUtilization FreeStorageSpace DatabaseConnections ReadLatency WriteLatency"
    ),
    ("AWS/EFS", "FileSystemId"): "PercentIOLimit TotalIOBytes",
    ("AWS/Lambda", "FunctionName"): "Invocations Errors",
    ("Underpass/Registrar", "LoadBalancer"): "Success Addresses Registered Removed HeldBack",
}
KNOWN = {
    (namespace, name, dimensions)
    for (namespace, *sets), names in PUBLISHED.items()
    for dimensions in sets
    for name in names.split()
}
drawn = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def alarms(stack: Stack) -> dict[str, dict[str, Any]]:
    return resources(stack, "CloudWatch::Alarm")


def measured(stack: Stack) -> list[tuple[str, str, str]]:
    """Return namespace, name and dimensions of every metric an alarm looks at."""
    plain = []
    for alarm in alarms(stack).values():
        queries = [
            one["MetricStat"]["Metric"] for one in alarm.get("Metrics", []) if "MetricStat" in one
        ]
        plain += queries or [alarm]
    return [
        (one["Namespace"], one["MetricName"], joined(d["Name"] for d in one["Dimensions"]))
        for one in plain
    ]


def joined(names: Iterable[str]) -> str:
    return " ".join(sorted(names))


def body(stack: Stack) -> Any:
    return json.loads(resource(stack, "Dashboard")["DashboardBody"]["Fn::Sub"])


@drawn
@given(configs())
def test_every_metric_is_one_that_aws_publishes(config: Config) -> None:
    stack = monitoring(config)
    shown = [
        (line[0], line[1], joined(line[2:-1:2]))
        for widget in body(stack)["widgets"]
        for line in widget["properties"].get("metrics", [])
    ]
    assert {*measured(stack), *shown} - KNOWN == set()


@drawn
@given(configs())
def test_every_alarm_tells_the_topic_and_says_what_silence_means(config: Config) -> None:
    topic = {"Ref": "TopicArn"}
    for alarm in alarms(monitoring(config)).values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [topic]
        assert alarm["TreatMissingData"] in {"breaching", "notBreaching", "missing"}
        assert alarm["DatapointsToAlarm"] <= alarm["EvaluationPeriods"]
        assert alarm["AlarmDescription"]


@drawn
@given(configs())
def test_the_dashboard_asks_in_order_and_shows_every_alarm(config: Config) -> None:
    stack = monitoring(config)
    widgets = body(stack)["widgets"]
    assert [one["properties"]["markdown"] for one in widgets if one["type"] == "text"] == [
        *("## Is it reachable?", "## Is it healthy?", "## Is it fast?", "## Is it full?"),
    ]
    assert set(widgets[0]["properties"]["alarms"]) == {f"${{{name}.Arn}}" for name in alarms(stack)}
    assert all(one["x"] + one["width"] <= 24 for one in widgets)
    taken = [(one["x"] + x, one["y"] + y) for one in widgets for x, y in _cells(one)]
    assert len(taken) == len(set(taken))  # no two widgets overlap


def _cells(widget: dict[str, Any]) -> list[tuple[int, int]]:
    return [(x, y) for x in range(widget["width"]) for y in range(widget["height"])]


def test_a_host_is_missed_in_each_zone_and_silence_is_no_host() -> None:
    found = alarms(monitoring(CURATED["three-zones"]))
    for number in (1, 2, 3):
        alarm = found[f"NlbHealthyHostsZone{number}"]
        assert {"Name": ZONE, "Value": {"Ref": f"Zone{number}"}} in alarm["Dimensions"]
        assert (alarm["TreatMissingData"], alarm["Statistic"]) == ("breaching", "Maximum")
    assert "AlbHealthyHosts" in found  # two tasks cannot be in three zones


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ({"min": 2, "max": 4}, {"AlbHealthyHostsZone1", "AlbHealthyHostsZone2"}),
        ({"min": 1, "max": 4}, {"AlbHealthyHosts"}),
        ({"min": 0, "max": 4}, set()),
    ],
)
def test_a_zone_that_may_be_without_a_task_is_not_missed(
    tasks: dict[str, int], expected: set[str]
) -> None:
    found = alarms(monitoring(config(service={"tasks": tasks})))
    assert {name for name in found if name.startswith("AlbHealthy")} == expected


def test_the_shortfall_is_what_is_wanted_less_what_runs() -> None:
    alarm = alarms(monitoring(config()))["TaskShortfall"]
    *queries, result = alarm["Metrics"]
    assert {one["Id"]: one["MetricStat"]["Metric"]["MetricName"] for one in queries} == {
        "wanted": "DesiredTaskCount",
        "running": "RunningTaskCount",
    }
    assert (result["Expression"], result["ReturnData"]) == ("wanted - running", True)
    assert not any(one["ReturnData"] for one in queries)


def test_what_is_not_there_is_not_watched() -> None:
    fewest = config(capacity={"provider": "fargate"}, privatelink={"alb_targets": "alb"})
    assert {
        name
        for name in alarms(monitoring(fewest))
        if name.startswith(("Database", "Files", "Registrar", "Capacity"))
    } == set()
    most = set(alarms(monitoring(config(**EVERYTHING))))
    assert most >= {"DatabaseCpu", "FilesIoLimit", "RegistrarErrors", "CapacityShortage"}


def test_rds_tells_of_failovers() -> None:
    events = resource(monitoring(config(**EVERYTHING)), "DatabaseEvents")
    assert events["EventCategories"] == ["failover", "failure", "low storage"]
    assert events["SourceIds"] == [{"Ref": "DatabaseInstanceId"}]
    assert events["SnsTopicArn"] == {"Ref": "TopicArn"}


@pytest.mark.parametrize(
    ("instance_class", "gib"),
    # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Summary.html
    [
        ("db.t4g.micro", 1),
        ("db.t3.medium", 4),
        ("db.m6g.large", 8),
        ("db.m6g.4xlarge", 64),
        ("db.r6g.xlarge", 32),
        ("db.x2g.large", 32),
    ],
)
def test_memory_follows_the_name_of_the_class(instance_class: str, gib: float) -> None:
    assert memory_gib(instance_class) == gib


@pytest.mark.parametrize(
    ("engine", "version", "instance_class", "most"),
    [  # what RDS was seen to allow
        ("postgres", "16", "db.t4g.micro", 81),
        ("postgres", "16", "db.t3.small", 198),
        ("postgres", "16", "db.m6g.large", 856),
        ("postgres", "16", "db.r6g.16xlarge", 5000),
        ("mysql", "8.4", "db.t3.micro", 60),
        ("mysql", "8.4", "db.m6g.large", 648),
        ("mariadb", "11.4", "db.m6g.large", 324),
        ("mariadb", "11.4", "db.r6g.16xlarge", 12000),
    ],
)
def test_connections_are_about_what_rds_allows(
    engine: str, version: str, instance_class: str, most: int
) -> None:
    named = {"engine": engine, "version": version, "instance_class": instance_class}
    database = config(database=named).database
    assert database
    assert 0.85 * most <= connections(database) <= 1.05 * most


def test_an_alb_as_target_has_no_alarm_on_hosts_the_nlb_does_not_count() -> None:
    stack = monitoring(config(privatelink={"alb_targets": "alb"}))
    named = {name for name in stack.template["Resources"] if name.startswith("Nlb")}
    assert named == {"NlbResets", "NlbPortAllocation"}
    assert "NLB: healthy nodes of the ALB" not in json.dumps(stack.template)
    assert "NLB: healthy nodes of the ALB" in json.dumps(monitoring(config()).template)


def test_no_text_of_the_dashboard_is_left_unfilled() -> None:
    stack = monitoring(CURATED["nat-ec2-everything"])
    names = set(re.findall(r"\$\{([A-Za-z0-9:]+)(?:\.Arn)?\}", json.dumps(body(stack))))
    known = {*stack.template["Parameters"], *stack.template["Resources"], "AWS::Region"}
    assert names <= known
