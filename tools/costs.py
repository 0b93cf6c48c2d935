"""docs/costs.md: what a configuration costs before anybody uses it, counted from the templates."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from tests.unit.blueprint.configs import CERTIFICATE, EVERYTHING, config

from underpass.blueprint import stacks
from underpass.config.model import Config

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "costs.md"
PRICES = tomllib.loads((HERE / "prices.toml").read_text(encoding="utf-8"))
HOURS = 730  # a month
REGISTRAR_METRICS = 6  # that it writes of itself; a test counts them

GROUPS = ("network", "balancers", "endpoint", "tasks", "database", "keys", "watching")
ROWS = {
    "the least: `[service]` and a consumer": config(consumers=[{"name": "analytics"}]),
    "**the pattern**: with database, files and assets": config(**EVERYTHING),
    "with `rotation_days`, `exec`, `[tls]`": config(
        **EVERYTHING | {"database": {"rotation_days": 30}},
        service={"exec": True},
        tls={"certificate": CERTIFICATE},
    ),
    '`provider = "fargate"`': config(**EVERYTHING, capacity={"provider": "fargate"}),
    '`provider = "fargate"`, `architecture = "arm64"`': config(
        **EVERYTHING, capacity={"provider": "fargate", "architecture": "arm64"}
    ),
    '`alb_targets = "alb"`': config(**EVERYTHING, privatelink={"alb_targets": "alb"}),
    "`multi_az = false`": config(**EVERYTHING | {"database": {"multi_az": False}}),
    "`zones = 3`": config(**EVERYTHING, network={"zones": 3}),
    '`egress = "endpoints"`': config(**EVERYTHING, network={"egress": "endpoints"}),
    '`egress = "endpoints"`, `zones = 3`': config(
        **EVERYTHING, network={"egress": "endpoints", "zones": 3}
    ),
    '`egress = "endpoints"`, `provider = "fargate"`': config(
        **EVERYTHING, network={"egress": "endpoints"}, capacity={"provider": "fargate"}
    ),
    "everything: `rotation_days`, `exec`, `[tls]`, `zones = 3`": config(
        **EVERYTHING | {"database": {"rotation_days": 30}},
        service={"exec": True},
        tls={"certificate": CERTIFICATE},
        network={"zones": 3},
    ),
}

Properties: TypeAlias = Mapping[str, Any]
Priced: TypeAlias = tuple[str, float]  # the group, and dollars a month
Price: TypeAlias = Callable[[Config, str, Properties], Priced]


def page() -> str:
    """Return the whole page: its tables anew, the rest as it is."""
    text = PAGE.read_text(encoding="utf-8")
    for name, table in (("fixed", fixed_table()), ("use", use_table())):
        start = f"<!-- {name}: made by tools/costs.py -->\n"
        before, _, after = text.partition(start)
        text = before + start + table + after[after.index("<!-- end -->") :]
    return text


def fixed_table() -> str:
    """Return what each configuration costs a month, whether or not anybody uses it."""
    rows = [["", *GROUPS, "a month"]]
    for name, configuration in ROWS.items():
        costs = monthly(configuration)
        cells = [f"{costs[group]:.2f}" if costs[group] else "" for group in GROUPS]
        rows.append([name, *cells, f"**{sum(costs.values()):.2f}**"])
    return _table(rows, "|---|" + "---:|" * (len(GROUPS) + 1))


def use_table() -> str:
    """Return what use costs, and which key changes it."""
    rows = [["for", "$", "per", "changed by"]]
    rows += [
        [one["what"], f"{one['usd']:.10f}".rstrip("0"), one["per"], one["changed"]]
        for one in PRICES["use"]
    ]
    return _table(rows, "|---|---:|---|---|")


def monthly(configuration: Config) -> dict[str, float]:
    """Return dollars a month by group, with the least number of tasks and instances."""
    found: dict[str, float] = defaultdict(float)
    for stack in stacks(configuration):
        for name, resource in stack.template["Resources"].items():
            price = PRICED.get(resource["Type"])
            if price:
                group, dollars = price(configuration, name, resource["Properties"])
                found[group] += dollars
    return found


def _table(rows: list[list[str]], rule: str) -> str:
    head, *others = [f"| {' | '.join(row)} |" for row in rows]
    return "".join(f"{line}\n" for line in (head, rule, *others))


def _hours(price: float) -> float:
    return price * HOURS


def _fixed(group: str, kind: str, count: int = 1) -> Price:
    return lambda *_: (group, PRICES["month"][kind] * count)


def _hourly(group: str, kind: str) -> Price:
    return lambda *_: (group, _hours(PRICES["hour"][kind]))


def _balancer(_: Config, __: str, properties: Properties) -> Priced:
    kind = {"network": "nlb", "application": "alb"}[properties["Type"]]
    return "balancers", _hours(PRICES["hour"][kind])


def _endpoint(configuration: Config, name: str, properties: Properties) -> Priced:
    if properties["VpcEndpointType"] == "Gateway":
        return "network", 0.0
    subnets = properties["SubnetIds"]
    zones = len(subnets) if isinstance(subnets, list) else configuration.network.zones
    group = "endpoint" if name == "Endpoint" else "network"  # a consumer's, or of AWS's services
    return group, _hours(PRICES["hour"]["interface_endpoint"]) * zones


def _instances(configuration: Config, _: str, properties: Properties) -> Priced:
    each = _hours(PRICES["hour"]["instance"][configuration.capacity.instance_type])
    return "tasks", each * int(properties["MinSize"])


def _disks(configuration: Config, _: str, properties: Properties) -> Priced:
    (disk,) = properties["LaunchTemplateData"]["BlockDeviceMappings"]
    each = disk["Ebs"]["VolumeSize"] * PRICES["month"]["ebs_gb"]
    return "tasks", each * configuration.capacity.instances.min


def _tasks(configuration: Config, _: str, properties: Properties) -> Priced:
    if configuration.capacity.provider == "ec2":
        return "tasks", 0.0
    vcpus, gigabytes = int(properties["Cpu"]) / 1024, int(properties["Memory"]) / 1024
    arm = "_arm" if properties["RuntimePlatform"]["CpuArchitecture"] == "ARM64" else ""
    each = PRICES["hour"]
    hour = each[f"fargate_vcpu{arm}"] * vcpus + each[f"fargate_gb{arm}"] * gigabytes
    return "tasks", _hours(hour) * configuration.service.tasks.min


def _database(_: Config, __: str, properties: Properties) -> Priced:
    storage = int(properties["AllocatedStorage"]) * PRICES["month"]["database_gb"]
    instance = _hours(PRICES["hour"]["multi_az"][properties["DBInstanceClass"]])
    return "database", (storage + instance) / (1 if properties["MultiAZ"] else 2)


def _alarm(_: Config, __: str, properties: Properties) -> Priced:
    metrics = sum("MetricStat" in one for one in properties.get("Metrics", ())) or 1
    return "watching", metrics * PRICES["month"]["alarm_metric"]


def _function(_: Config, name: str, __: Properties) -> Priced:
    metrics = REGISTRAR_METRICS if name == "RegistrarFunction" else 0
    return "watching", metrics * PRICES["month"]["custom_metric"]


PRICED: dict[str, Price] = {
    "AWS::EC2::NatGateway": _hourly("network", "nat_gateway"),
    "AWS::EC2::EIP": _hourly("network", "public_ipv4"),
    "AWS::EC2::VPCEndpoint": _endpoint,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": _balancer,
    "AWS::AutoScaling::AutoScalingGroup": _instances,
    "AWS::EC2::LaunchTemplate": _disks,
    "AWS::ECS::TaskDefinition": _tasks,
    "AWS::RDS::DBInstance": _database,
    "AWS::Route53::HostedZone": _fixed("endpoint", "hosted_zone"),
    "AWS::KMS::Key": _fixed("keys", "key"),
    "AWS::SecretsManager::Secret": _fixed("keys", "secret"),
    # Following a target makes two alarms of its own, one above and one below it.
    "AWS::ApplicationAutoScaling::ScalingPolicy": _fixed("watching", "alarm_metric", 2),
    "AWS::ECS::CapacityProvider": _fixed("watching", "alarm_metric", 2),
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::CloudWatch::Dashboard": _fixed("watching", "dashboard"),
    "AWS::Lambda::Function": _function,
}
