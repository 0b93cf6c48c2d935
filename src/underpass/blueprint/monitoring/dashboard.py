"""The dashboard: is it reachable, healthy, fast, full? In this order, with the alarms above all.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from troposphere import Sub, Template
from troposphere.cloudwatch import Alarm, Dashboard

from underpass.blueprint.monitoring import metrics as m
from underpass.blueprint.monitoring.metrics import Metric
from underpass.config import Config

COLUMNS = 24  # of CloudWatch's grid
PER_ROW = 3
HEIGHT = 6


@dataclass(frozen=True)
class Graph:
    """One graph: what it shows, by the label of each line."""

    title: str
    lines: Mapping[str, Metric]


@dataclass(frozen=True)
class Section:
    """One question, and the graphs that answer it."""

    question: str
    graphs: Sequence[Graph]


def add(template: Template, config: Config) -> None:
    """Add the dashboard of everything the configuration has; the alarms must be there already."""
    body = {"widgets": [*_widgets(template, config)]}
    template.add_resource(
        Dashboard(
            "Dashboard",
            # Dashboards are global in an account, and a second one of a name overwrites the first.
            DashboardName=Sub(f"underpass-{config.name}-${{AWS::Region}}"),
            DashboardBody=Sub(json.dumps(body, separators=(",", ":"))),
        )
    )


def sections(config: Config) -> list[Section]:
    """Return the four questions with their graphs."""
    return [
        Section("Is it reachable?", _reachable(config)),
        Section("Is it healthy?", _healthy(config)),
        Section("Is it fast?", _fast(config)),
        Section("Is it full?", _full(config)),
    ]


def _reachable(config: Config) -> list[Graph]:
    zones = m.zones(config) if config.privatelink.alb_targets == "lambda" else []
    graphs = [
        Graph(
            "Endpoints and their connections",
            {
                "endpoints": m.endpoint_service("EndpointsCount", "Average"),
                "connections": m.endpoint_service("ActiveConnections", "Average"),
            },
        ),
        Graph(
            "NLB: healthy nodes of the ALB",
            {f"${{{zone}}}": m.nlb_targets("HealthyHostCount", "Maximum", zone) for zone in zones},
        ),
        Graph(
            "NLB: flows and resets",
            {
                "active": m.nlb("ActiveFlowCount", "Average"),
                "new": m.nlb("NewFlowCount", "Sum"),
                "reset by the client": m.nlb("TCP_Client_Reset_Count", "Sum"),
                "reset by the NLB": m.nlb("TCP_ELB_Reset_Count", "Sum"),
                "reset by the ALB": m.nlb("TCP_Target_Reset_Count", "Sum"),
                "no port left": m.nlb("PortAllocationErrorCount", "Sum"),
            },
        ),
    ]
    return [graph for graph in graphs if graph.lines]


def _healthy(config: Config) -> list[Graph]:
    zones = m.zones(config)
    graphs = [
        Graph(
            "ALB: healthy tasks",
            {f"${{{zone}}}": m.alb_targets("HealthyHostCount", "Maximum", zone) for zone in zones}
            | {"unhealthy": m.alb_targets("UnHealthyHostCount", "Minimum")},
        ),
        Graph(
            "Errors",
            {
                "5xx of the ALB": m.alb("HTTPCode_ELB_5XX_Count", "Sum"),
                "5xx of the tasks": m.alb_targets("HTTPCode_Target_5XX_Count", "Sum"),
                "no connection": m.alb_targets("TargetConnectionErrorCount", "Sum"),
            },
        ),
    ]
    if config.capacity.container_insights != "off":
        lines = {
            "wanted": m.insights("DesiredTaskCount", "Average"),
            "running": m.insights("RunningTaskCount", "Average"),
            "pending": m.insights("PendingTaskCount", "Average"),
        }
        graphs.insert(1, Graph("Tasks", lines))
    if config.privatelink.alb_targets == "lambda":
        lines = {
            "runs": m.function("Registrar", "Invocations", "Sum"),
            "errors": m.function("Registrar", "Errors", "Sum"),
            "throttled": m.function("Registrar", "Throttles", "Sum"),
            "addresses": m.registrar("Addresses", "Maximum"),
            "registered": m.registrar("Registered", "Sum"),
            "removed": m.registrar("Removed", "Sum"),
            "held back": m.registrar("HeldBack", "Sum"),
        }
        graphs.append(Graph("Registrar", lines))
    return graphs


def _fast(config: Config) -> list[Graph]:
    graphs = [
        Graph("Requests a minute", {"requests": m.alb("RequestCount", "Sum")}),
        Graph(
            "Seconds to an answer",
            {part: m.alb_targets("TargetResponseTime", part) for part in ("p50", "p90", "p99")},
        ),
    ]
    if config.instance:
        lines = {
            "read": m.rds("ReadLatency", "Average"),
            "write": m.rds("WriteLatency", "Average"),
        }
        graphs.append(Graph("Database: seconds to disk", lines))
    return graphs


def _full(config: Config) -> list[Graph]:
    graphs = [
        Graph(
            "Tasks: percent of CPU and memory",
            {
                "CPU": m.ecs("CPUUtilization", "Average"),
                "memory": m.ecs("MemoryUtilization", "Maximum"),
            },
        )
    ]
    if config.capacity.provider == "ec2":
        lines = {"reserved": m.capacity("CapacityProviderReservation", "Average")}
        graphs.append(Graph("Instances: percent reserved", lines))
    if config.instance:
        graphs += [
            Graph("Database: percent of CPU", {"CPU": m.rds("CPUUtilization", "Average")}),
            Graph(
                "Database: free bytes",
                {
                    "storage": m.rds("FreeStorageSpace", "Minimum"),
                    "memory": m.rds("FreeableMemory", "Minimum"),
                },
            ),
            Graph("Database: connections", {"open": m.rds("DatabaseConnections", "Maximum")}),
        ]
    if config.files:
        graphs += [
            Graph(
                "Files: percent of the limit", {"operations": m.efs("PercentIOLimit", "Maximum")}
            ),
            Graph("Files: bytes", {"transferred": m.efs("TotalIOBytes", "Sum")}),
        ]
    return graphs


def _widgets(template: Template, config: Config) -> list[dict[str, Any]]:
    arns = [
        f"${{{title}.Arn}}" for title, one in template.resources.items() if isinstance(one, Alarm)
    ]
    alarms = {"title": "Alarms", "alarms": arns}
    widgets = [_widget("alarm", 0, 0, COLUMNS, 3, alarms)]
    top = 3
    for section in sections(config):
        heading = {"markdown": f"## {section.question}"}
        widgets.append(_widget("text", 0, top, COLUMNS, 1, heading))
        top += 1
        for start in range(0, len(section.graphs), PER_ROW):
            row = section.graphs[start : start + PER_ROW]
            width = COLUMNS // len(row)
            widgets += [
                _widget("metric", place * width, top, width, HEIGHT, _graph(graph))
                for place, graph in enumerate(row)
            ]
            top += HEIGHT
    return widgets


def _widget(
    kind: str, x: int, y: int, width: int, height: int, properties: dict[str, Any]
) -> dict[str, Any]:
    where = {"x": x, "y": y, "width": width, "height": height}
    return {"type": kind, **where, "properties": properties}


def _graph(graph: Graph) -> dict[str, Any]:
    return {
        "title": graph.title,
        "region": "${AWS::Region}",
        "view": "timeSeries",
        "period": m.MINUTE_S,
        "yAxis": {"left": {"min": 0}},
        "metrics": [_line(label, metric) for label, metric in graph.lines.items()],
    }


def _line(label: str, metric: Metric) -> list[Any]:
    pairs = [
        text
        for name, parameter in metric.dimensions.items()
        for text in (name, f"${{{parameter}}}")
    ]
    return [metric.namespace, metric.name, *pairs, {"label": label, "stat": metric.statistic}]
