"""The alarms and the dashboard: right names, deliberate silence, and everything leads somewhere."""

import ast
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from tests.unit.blueprint.configs import CURATED, EVERYTHING, config, configs
from tests.unit.blueprint.templates import asked, by_part, monitoring, resource, resources

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
        "CPUUtilization FreeStorageSpace DatabaseConnections ReadLatency WriteLatency "
        "FreeableMemory CPUSurplusCreditsCharged"
    ),
    ("AWS/EC2", "AutoScalingGroupName"): "CPUSurplusCreditsCharged",
    ("AWS/NATGateway", "NatGatewayId"): "ErrorPortAllocation",
    ("AWS/CertificateManager", "CertificateArn"): "DaysToExpiry",
    ("AWS/EFS", "FileSystemId"): "PercentIOLimit TotalIOBytes",
    ("AWS/Events", "RuleName"): "FailedInvocations",
    ("AWS/Scheduler", "ScheduleGroup"): "InvocationDroppedCount",
    ("AWS/Lambda", "FunctionName"): "Invocations Errors Throttles",
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


# Metric math, as far as the alarms use it: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
def value(alarm: dict[str, Any], data: Mapping[str, float]) -> float | None:
    """Return what an alarm's expression makes of a minute's data, by metric; None where it has none."""
    expression = next(one["Expression"] for one in alarm["Metrics"] if "Expression" in one)
    return calculated(ast.parse(expression, mode="eval").body, data)


def calculated(node: ast.AST, data: Mapping[str, float]) -> float | None:
    match node:
        case ast.Constant(value=float() | int() as number):
            return number
        case ast.Name(id=name):
            return data.get(name)
        case ast.Call(func=ast.Name(id="FILL"), args=[series, ast.Constant(value=filled)]):
            found = calculated(series, data)
            return float(str(filled)) if found is None else found
        case ast.BinOp(left=left, op=operator, right=right):
            one, other = calculated(left, data), calculated(right, data)
            if one is None or other is None or (isinstance(operator, ast.Div) and not other):
                return None  # no data point
            by = {ast.Add: one + other, ast.Sub: one - other, ast.Mult: one * other}
            return one / other if isinstance(operator, ast.Div) else by[type(operator)]
    raise AssertionError(ast.dump(node))


@pytest.mark.parametrize(
    ("title", "data", "percent"),
    [
        # AWS counts a request only where a target was chosen for it: without any it counts none.
        ("AlbErrors", {"errors": 10}, 100),
        ("AlbErrors", {"errors": 10, "requests": 190}, 5),
        ("AlbErrors", {"requests": 1000}, 0),
        ("AlbErrors", {}, None),
        ("AlbErrors", {"requests": 0}, None),
        ("TargetErrors", {"errors": 10, "requests": 100}, 10),
        ("TargetErrors", {"requests": 1000}, 0),
        ("TargetErrors", {}, None),
    ],
)
def test_errors_are_a_part_of_all_that_was_asked(
    title: str, data: dict[str, float], percent: float | None
) -> None:
    alarm = alarms(monitoring(config()))[title]
    assert value(alarm, data) == percent
    assert alarm["TreatMissingData"] == "notBreaching"  # nobody asks: nothing is wrong
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanOrEqualToThreshold", 5)


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


def test_rds_tells_of_what_happens_to_the_database() -> None:
    events = resource(monitoring(config(**EVERYTHING)), "DatabaseEvents")
    assert events["SourceType"] == "db-instance"
    assert set(events["EventCategories"]) == {
        *("availability", "configuration change", "failover", "failure", "low storage"),
        "maintenance",
    }
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


@pytest.mark.parametrize(
    "database", [{"rotation_days": 30}, {"rotation_window": {"schedule": "cron(0 3 ? * SUN *)"}}]
)
def test_a_rotation_that_fails_or_never_starts_is_told(database: dict[str, Any]) -> None:
    rotated = config(database=database)
    assert "RotationFunctionName" in by_part(rotated)[1].template["Outputs"]
    for metric in ("Errors", "Throttles"):
        alarm = alarms(monitoring(rotated))[f"Rotation{metric}"]
        assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", metric)
        assert alarm["Dimensions"] == [
            {"Name": "FunctionName", "Value": {"Ref": "RotationFunctionName"}}
        ]
        # It runs once in weeks: one failure is all there is to see.
        assert (alarm["Threshold"], alarm["DatapointsToAlarm"]) == (0, 1)
        assert alarm["TreatMissingData"] == "notBreaching"
    without = monitoring(config(database={}))
    assert not [name for name in alarms(without) if name.startswith("Rotation")]
    assert "RotationFunctionName" not in asked(without)


def test_a_dashboard_is_named_by_region_too_as_an_account_has_one_of_a_name() -> None:
    named = resource(monitoring(config()), "Dashboard")["DashboardName"]
    assert named == {"Fn::Sub": "underpass-notes-${AWS::Region}"}
    longest = resource(monitoring(config(name="n" * 31)), "Dashboard")["DashboardName"]
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html
    assert len(longest["Fn::Sub"].replace("${AWS::Region}", "ap-southeast-2")) <= 255


@pytest.mark.parametrize(
    ("chosen", "setting", "watched"),
    [("enhanced", "enhanced", True), ("enabled", "enabled", True), ("off", "disabled", False)],
)
def test_what_container_insights_measures_is_watched_where_it_measures(
    chosen: str, setting: str, *, watched: bool
) -> None:
    chosen_config = config(capacity={"container_insights": chosen})
    cluster = resource(by_part(chosen_config)[1], "Cluster")
    assert cluster["ClusterSettings"] == [{"Name": "containerInsights", "Value": setting}]
    stack = monitoring(chosen_config)
    assert ("ECS/ContainerInsights" in json.dumps(stack.template)) is watched
    assert ("TaskShortfall" in alarms(stack)) is watched


def test_container_insights_is_as_it_was_unless_said_otherwise() -> None:
    assert config().capacity.container_insights == "enhanced"


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ({"capacity": {"instance_type": "t3.medium"}}, {"InstanceCredits"}),
        ({"capacity": {"instance_type": "m7g.large"}}, set()),
        ({"capacity": {"provider": "fargate"}}, set()),
        ({"capacity": {"provider": "fargate"}, "database": {}}, {"DatabaseCredits"}),
        (
            {
                "capacity": {"instance_type": "trn1.2xlarge"},
                "database": {"instance_class": "db.m7g.large"},
            },
            set(),
        ),
    ],
)
def test_credits_are_watched_where_cpu_is_burstable(
    sections: dict[str, Any], expected: set[str]
) -> None:
    found = alarms(monitoring(config(**sections)))
    assert {name for name in found if name.endswith("Credits")} == expected
    for name in expected:
        assert found[name]["MetricName"] == "CPUSurplusCreditsCharged"
        assert found[name]["Period"] == 300  # AWS publishes credits every five minutes


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ({}, {"NatPorts1", "NatPorts2"}),
        ({"zones": 3}, {"NatPorts1", "NatPorts2", "NatPorts3"}),
        ({"egress": "endpoints"}, set()),
    ],
)
def test_a_nat_gateway_without_ports_is_told(network: dict[str, Any], expected: set[str]) -> None:
    found = alarms(monitoring(config(network=network)))
    assert {name for name in found if name.startswith("NatPorts")} == expected


def test_nobody_watches_the_nat_gateways_of_a_vpc_that_is_anothers() -> None:
    found = alarms(monitoring(CURATED["existing-vpc-nat"]))
    assert not [name for name in found if name.startswith("NatPorts")]


def test_a_certificate_is_told_of_before_it_expires() -> None:
    stack = monitoring(CURATED["tls"])
    alarm = alarms(stack)["CertificateExpiry"]
    assert alarm["Dimensions"] == [{"Name": "CertificateArn", "Value": {"Ref": "CertificateArn"}}]
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
    assert alarm["Period"] * alarm["EvaluationPeriods"] <= 86_400  # published twice a day
    assert "CertificateExpiry" not in alarms(monitoring(config()))


def test_an_alarm_is_told_how_much_memory_the_database_has() -> None:
    alarm = alarms(monitoring(config(database={"instance_class": "db.t4g.micro"})))[
        "DatabaseMemory"
    ]
    assert alarm["Threshold"] == round(0.05 * 2**30)


def test_the_largest_is_far_from_what_a_request_takes() -> None:
    sizes = {name: len(monitoring(one).body().encode()) for name, one in CURATED.items()}
    assert {name: size for name, size in sizes.items() if size >= 45_000} == {}
