"""Any configuration that ``underpass check`` would accept, as hypothesis draws it."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from tests.unit.blueprint import addons

from underpass.config import rules
from underpass.config.facts import regions, zone_prefix
from underpass.config.model import Config

_PORTS = st.integers(1, 65535)
_NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,29}[a-z0-9]", fullmatch=True)
_DOMAINS = st.from_regex(r"[a-z][a-z0-9]{0,9}(\.[a-z]{2,9}){1,3}", fullmatch=True)
_MOUNTS = st.sampled_from(["/data", "/srv/files", "/mnt/a.b/c-d", "/tmp/shared"])
_WAYS_OUT = [
    {"port": 6379, "cidr": "10.9.0.0/16"},
    {"port": 6379, "cidr": "10.10.0.0/16"},
    {"port": 443, "prefix_list": "pl-0123456789abcdef0"},
    {"port": 5432, "security_group": "sg-0123456789abcdef0"},
]
_SECRETS = ["a/b-AbCdEf:k::", "a/b-AbCdEf::AWSPREVIOUS:", "other"]
_EXISTING = {
    "secret": "arn:aws:secretsmanager:us-east-1:111111111111:secret:orders-AbCdEf",
    "security_group": "sg-0fedcba9876543210",
    "host": "orders.example.com",
}
_REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-2")
_LETTERS = st.characters(codec="utf-8", exclude_characters="\0")  # a process is given no NUL


def configs() -> st.SearchStrategy[Config]:
    """Draw from the whole of the configuration's space: every section, every key."""
    drawn = st.fixed_dictionaries(
        {"name": _NAMES, "service": _service()},
        optional={
            "region": st.sampled_from(_REGIONS),
            "production": st.booleans(),
            "tags": st.dictionaries(
                st.sampled_from(["team", "cost center", "a:b/c=d+e-f@g.h_1"]), st.just("4 711")
            ),
            "permissions_boundary": st.just("arn:aws:iam::111111111111:policy/apps/boundary"),
            "role_path": st.sampled_from(["/apps/", "/a/b.c/"]),
            "key": st.sampled_from(["new", "shared", "existing"]),
            "log_bucket": st.sampled_from(["central-logs", "central-logs/a/b"]),
            "capacity": _capacity(),
            "network": _network(),
            "database": _database(),
            "files": st.fixed_dictionaries({}, optional={"mount": _MOUNTS}),
            "assets": st.just({"source": "static/"}),
            "privatelink": _privatelink(),
            "tls": st.fixed_dictionaries({}, optional={"to_tasks": st.booleans()}),
            "alarms": st.fixed_dictionaries({}, optional={"email": st.just("ops@example.com")})
            | st.just({"topic": "there"}),
            "addons": st.just(addons.SECTIONS["addons"]),
            "workers": st.lists(_worker(), max_size=2, unique_by=lambda w: str(w["name"])),
            "jobs": st.lists(_job(), max_size=2, unique_by=lambda job: str(job["name"])),
            "consumers": st.lists(_consumer(), max_size=3, unique_by=lambda c: str(c["name"])),
        },
    )
    return drawn.map(_agreed).map(Config.model_validate).filter(lambda c: not rules.check(c))


def _blocks(longest: int) -> st.SearchStrategy[str]:
    return st.integers(16, longest).flatmap(
        lambda length: st.integers(0, 2 ** (length - 8) - 1).map(
            lambda number: _block(number, length)
        )
    )


def _between(least: int) -> st.SearchStrategy[dict[str, int]]:
    return st.tuples(st.integers(least, 5), st.integers(0, 5)).map(
        lambda pair: {"min": pair[0], "max": max(sum(pair), 1)}
    )


def _service() -> st.SearchStrategy[dict[str, Any]]:
    words = st.lists(st.text(_LETTERS, min_size=1, max_size=9), max_size=3)
    return st.fixed_dictionaries(
        {"build": st.just("."), "port": _PORTS, "tasks": _between(0)},
        optional={
            "health_check": st.one_of(st.sampled_from(["/", "/healthz", "/a?b=c"]), _health()),
            "protocol": st.sampled_from(["http1", "http2", "grpc"]),
            "sticky_cookie": st.sampled_from(["sid", "__Host-session"]),
            "capabilities": st.lists(
                st.sampled_from(["SETUID", "SETGID", "NET_BIND_SERVICE"]), unique=True
            ),
            "user": st.sampled_from(["0", "root:root", "1000", "1000:33", "www-data"]),
            "grace_period": st.integers(0, 7200),
            "size": st.sampled_from([(256, 512), (512, 2048), (1024, 2048), (4096, 30720)]),
            "scaling": st.fixed_dictionaries(
                {}, optional={"cpu": st.integers(0, 100), "requests": st.integers(0, 9999)}
            ),
            "health_command": words,
            "stop_timeout": st.integers(2, 120),
            "drain": st.integers(0, 3600),
            "timeout": st.integers(1, 340),
            "sticky": st.sampled_from([0, 60, 604800]),
            "read_only": st.booleans(),
            "writable": st.lists(_MOUNTS, max_size=2, unique=True),
            "exec": st.booleans(),
            "environment": st.dictionaries(
                st.from_regex(r"[A-Z]{1,5}_X", fullmatch=True),
                st.text(_LETTERS, max_size=9),
                max_size=3,
            ),
            "secrets": st.dictionaries(
                st.from_regex(r"[A-Z]{1,5}_S", fullmatch=True),
                st.sampled_from(["ssm:/a/b", "ssm:level", *_SECRETS]),
                max_size=3,
            ),
            "permissions": st.lists(_permission(), max_size=3),
            "policies": st.lists(st.sampled_from(["a", "b/c"]), max_size=2, unique=True),
            "process": words,
            "sidecars": st.lists(_sidecar(), max_size=2, unique_by=lambda one: str(one["name"])),
            "release": words,
        },
    )


def _sidecar() -> st.SearchStrategy[dict[str, Any]]:
    words = st.lists(st.text(_LETTERS, min_size=1, max_size=9), max_size=3)
    return st.fixed_dictionaries(
        {"name": _NAMES, "image": st.just("registry.example/beside:1.0")},
        optional={
            "command": words,
            "essential": st.booleans(),
            "depends_on": st.sampled_from([{}, {"app": "start"}, {"app": "healthy"}]),
            "environment": st.dictionaries(st.just("A_X"), st.text(_LETTERS, max_size=9)),
            "secrets": st.dictionaries(
                st.sampled_from(["A_S", "B_S"]), st.sampled_from(["ssm:/a/b", *_SECRETS])
            ),
            "health_command": words,
            "start_timeout": st.integers(2, 120),
            "stop_timeout": st.integers(2, 120),
            "cpu": st.integers(2, 64),
            "memory": st.integers(6, 128),
            "port": _PORTS,
            "user": st.sampled_from(["0", "1000:33", "www-data"]),
            "read_only": st.booleans(),
            "writable": st.lists(_MOUNTS, max_size=2, unique=True),
            "process": words,
        },
    )


def _worker() -> st.SearchStrategy[dict[str, Any]]:
    words = st.lists(st.text(_LETTERS, min_size=1, max_size=9), min_size=1, max_size=3)
    return st.fixed_dictionaries(
        {"name": _NAMES, "command": words},
        optional={
            "tasks": _between(0),
            "scaling": st.fixed_dictionaries({}, optional={"cpu": st.integers(0, 100)}),
            "health_command": words,
            "stop_timeout": st.integers(2, 120),
            "environment": st.dictionaries(
                st.from_regex(r"[A-Z]{1,5}_X", fullmatch=True), st.text(_LETTERS, max_size=9)
            ),
        },
    )


def _health() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {},
        optional={
            "path": st.sampled_from(["/", "/up", "/package.Service/Method"]),
            "port": _PORTS,
            "codes": st.sampled_from(["200", "200-299,301", "0,12"]),
            "interval": st.integers(5, 300),
            "timeout": st.integers(2, 120),
            "healthy": st.integers(2, 10),
            "unhealthy": st.integers(2, 10),
        },
    )


def _permission() -> st.SearchStrategy[dict[str, Any]]:
    fitting = st.sampled_from(
        [
            (["sqs:SendMessage", "sqs:GetQueueUrl"], "arn:*:sqs:*:111111111111:jobs"),
            (["kms:Encrypt"], "{key}"),
            (["dynamodb:GetItem"], "arn:*:dynamodb:*:111111111111:table/notes"),
        ]
    )
    values = st.lists(st.sampled_from(["", "${aws:username}", "a*"]), min_size=1, unique=True)
    keys = st.dictionaries(st.just("aws:PrincipalTag/a"), values, min_size=1)
    conditions = st.dictionaries(st.sampled_from(["StringLike", "Null"]), keys)
    return st.tuples(fitting, conditions).map(
        lambda drawn: {
            "actions": drawn[0][0],
            "resources": [drawn[0][1]],
            **({"conditions": drawn[1]} if drawn[1] else {}),
        }
    )


def _capacity() -> st.SearchStrategy[dict[str, Any]]:
    # What every region of _REGIONS offers, as cfn-lint knows it; what an account offers, preflight asks.
    types = ["t3.medium", "t4g.micro", "im4gn.large", "m5.xlarge", "r6g.large"]
    return st.fixed_dictionaries(
        {},
        optional={
            "provider": st.sampled_from(["ec2", "fargate"]),
            "instance_type": st.sampled_from(types),
            "instance_image": st.sampled_from(["auto", "ami-0123456789abcdef0"]),
            "instances": _between(1),
            "architecture": st.sampled_from(["arm64", "x86_64"]),
            "spot": st.booleans(),
            "ssm": st.booleans(),
            "container_insights": st.sampled_from(["enhanced", "enabled", "off"]),
        },
    )


def _network() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {},
        optional={
            "cidr": _blocks(23),
            "zone_ids": st.just([]),  # filled in where the region is known
            "endpoints": st.lists(
                st.sampled_from(["sqs", "dynamodb", "logs", "kinesis-streams"]), unique=True
            ),
            "buckets": st.lists(st.sampled_from(["one", "two.example"]), unique=True),
            "allow_out": st.lists(st.sampled_from(_WAYS_OUT), max_size=3, unique_by=repr),
            "zones": st.sampled_from([2, 3]),
            "egress": st.sampled_from(["nat", "endpoints"]),
            "flow_logs": st.sampled_from(["all", "rejected", "off"]),
            "vpc_id": st.just("vpc-0123456789abcdef0"),
        },
    )


def _database() -> st.SearchStrategy[dict[str, Any]]:
    engines = [
        ("postgres", "16"),
        ("postgres", "17.6"),
        ("postgres", "18"),
        ("mysql", "8.4"),
        ("mariadb", "11.4"),
    ]
    return st.fixed_dictionaries(
        {"engine": st.sampled_from(engines)},
        optional={
            "instance_class": st.sampled_from(["db.t4g.micro", "db.t3.small", "db.m7g.large"]),
            "storage_gb": st.sampled_from([20, 399, 400, 1000]),
            "multi_az": st.booleans(),
            "name": st.just("notes"),
            "backup_days": st.integers(1, 35),
            "rotation": st.one_of(
                st.fixed_dictionaries({"rotation_days": st.integers(1, 1000)}),
                st.fixed_dictionaries({"rotation_window": _rotation_windows()}),
            ),
            "maintenance_window": st.sampled_from(["Sun:03:00-Sun:04:00", "sat:22:30-Sun:00:00"]),
            "backup_window": st.sampled_from(["01:00-02:00", "12:15-12:45"]),
            "more": st.one_of(
                st.just({"seed": "seed.sql"}),
                st.fixed_dictionaries(
                    {"snapshot": st.sampled_from(["orders-2026", "rds:orders-2026-11-28"])},
                    optional={"master": st.sampled_from(["underpass", "postgres"])},
                ),
                st.just({"existing": _EXISTING}),
            ),
            "parameters": st.dictionaries(
                st.sampled_from(["work_mem", "max_connections"]), st.sampled_from(["90", "900"])
            ),
            "allow_major_upgrade": st.booleans(),
        },
    ).map(_one_rotation)


def _rotation_windows() -> st.SearchStrategy[dict[str, Any]]:
    days = st.sampled_from(["? * SUN", "1,15 * ?", "L 1-6 ?", "? */2 2#1"])
    schedules = st.builds("cron(0 {} {} *)".format, st.integers(0, 20), days)
    return st.fixed_dictionaries({"schedule": schedules}, optional={"hours": st.integers(1, 4)})


def _one_rotation(drawn: dict[str, Any]) -> dict[str, Any]:
    """Put the one of several ways to say something in its place."""
    merged: dict[str, Any] = drawn.get("rotation", {}) | drawn.get("more", {})
    if "existing" in merged:
        return {"engine": drawn["engine"], "existing": merged["existing"]}
    others: dict[str, Any] = {key: drawn[key] for key in drawn if key not in ("rotation", "more")}
    return others | merged


def _privatelink() -> st.SearchStrategy[dict[str, Any]]:
    principals = ["*", "arn:aws:iam::222222222222:root", "arn:aws:iam::333333333333:role/a"]
    return st.fixed_dictionaries(
        {},
        optional={
            "allow": st.lists(st.sampled_from(principals), max_size=2, unique=True),
            "acceptance": st.booleans(),
            "alb_targets": st.sampled_from(["lambda", "alb"]),
            "domain": _DOMAINS,
            "private_dns_name": _DOMAINS,
            "supported_regions": st.lists(st.sampled_from(_REGIONS[1:]), max_size=2, unique=True),
            "enforce": st.sampled_from(["named", "off"]),
            "allow_cidrs": st.lists(_blocks(24), max_size=3, unique=True),
        },
    )


def _job() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "name": _NAMES,
            "command": st.lists(st.text(_LETTERS, min_size=1, max_size=9), min_size=1, max_size=3),
            "schedule": st.sampled_from(["rate(1 minute)", "cron(0/5 8-17 ? * MON-FRI *)"]),
        },
        optional={
            "timezone": st.sampled_from(["UTC", "Europe/Berlin"]),
            "cpu": st.sampled_from([256, 512]),
            "memory": st.just(1024),
            "environment": st.dictionaries(
                st.sampled_from(["A_X", "B"]), st.text(_LETTERS), max_size=2
            ),
        },
    )


def _consumer() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"name": _NAMES},
        optional={
            "cidr": _blocks(24),
            "account": st.from_regex(r"[0-9]{12}", fullmatch=True),
            "profile": st.just("other"),
            "role": st.just("arn:aws:iam::333333333333:role/deploy"),
            "vpc_id": st.just("vpc-01234567"),
            "subnet_ids": st.just(["subnet-01234567", "subnet-01234568"]),
            "cidrs": st.lists(_blocks(24), min_size=1, max_size=4, unique=True),
            "region": st.sampled_from(_REGIONS),
            "private_dns": st.booleans(),
        },
    )


def _agreed(drawn: dict[str, Any]) -> dict[str, Any]:
    """Make what belongs together agree, which two draws would seldom do by chance."""
    sections = drawn | {"service": _service_agreed(drawn)} | _there(drawn)
    sections.pop("key", None)
    if "capacity" in drawn:
        other = {"fargate": ("ssm",)}.get(
            drawn["capacity"].get("provider"), ("architecture", "spot")
        )
        kept = {key: value for key, value in drawn["capacity"].items() if key not in other}
        sections["capacity"] = kept
    sections |= {"network": _network_agreed(drawn)} if "network" in drawn else {}
    if database := drawn.get("database"):
        engine, version = database["engine"]
        said = {"engine": engine, "version": version}
        if "existing" in database:
            existing = database["existing"]
            arn = existing["secret"].replace("us-east-1", drawn.get("region", _REGIONS[0]))
            database = {"existing": existing | {"secret": arn}}
            said = {"engine": engine}
        sections["database"] = database | said
    if "tls" in drawn:
        region = drawn.get("region", _REGIONS[0])
        certificate = f"arn:aws:acm:{region}:111111111111:certificate/0f0f"
        sections["tls"] = drawn["tls"] | {"certificate": certificate}
    consumers = [_consumer_agreed(one, drawn) for one in drawn.get("consumers", ())]
    if consumers:
        sections["consumers"] = consumers
    if "addons" in drawn:
        sections["documents"] = addons.SECTIONS["documents"]
    if link := dict(drawn.get("privatelink", {})):
        if link.get("enforce") == "off" or not (link.get("allow_cidrs") or consumers):
            link = {key: value for key, value in link.items() if key != "allow_cidrs"}
            link |= {"enforce": "off"} if "enforce" in link else {}
        elif link.get("allow"):
            link["allow_cidrs"] = link.get("allow_cidrs") or ["10.8.0.0/16"]
        sections["privatelink"] = link
    return sections


def _service_agreed(drawn: dict[str, Any]) -> dict[str, Any]:
    service = dict(drawn["service"])
    if size := service.pop("size", None):
        service["cpu"], service["memory"] = size
    region = drawn.get("region", _REGIONS[0])
    service |= _of_place(service, region)
    if sidecars := service.get("sidecars"):
        service["sidecars"] = [{**one, **_of_place(one, region)} for one in sidecars]
    if service.get("protocol") == "grpc":
        service["health_check"] = _grpc_agreed(service.get("health_check"))
    if "tls" not in drawn:
        service.pop("protocol", None)
    return service


def _of_place(service: dict[str, Any], region: str) -> dict[str, Any]:
    """Return the secrets and policies of the drawn region, and of its partition."""
    partition = regions()[region]
    found: dict[str, Any] = {}
    if secrets := service.get("secrets"):
        start = f"arn:{partition}:secretsmanager:{region}:111111111111:secret:"
        found["secrets"] = {
            name: start + text if text in _SECRETS else text for name, text in secrets.items()
        }
    if policies := service.get("policies"):
        found["policies"] = [
            f"arn:{partition}:iam::111111111111:policy/{name}" for name in policies
        ]
    return found


def _grpc_agreed(check: Any) -> dict[str, Any]:
    """Leave out of a health check what is HTTP's."""
    found: dict[str, Any] = check if isinstance(check, dict) else {}
    no_method = found.get("path", "").count("/") == 1
    http = {"path"} if no_method else set()
    http |= {"codes"} if found.get("codes") != "0,12" else set()
    return {key: value for key, value in found.items() if key not in http}


def _there(drawn: dict[str, Any]) -> dict[str, Any]:
    """Return what is there already, in the region that was drawn."""
    where = f"{drawn.get('region', _REGIONS[0])}:111111111111"
    found: dict[str, Any] = {}
    if "topic" in drawn.get("alarms", {}):
        found["alarms"] = {"topic": f"arn:aws:sns:{where}:alarms"}
    if drawn.get("key") == "existing":
        found["kms_key"] = f"arn:aws:kms:{where}:key/0123abcd-01ab-23cd-45ef-0123456789ab"
    if drawn.get("key") == "shared":
        found["kms_key_users"] = ["backup", "arn:aws:iam::222222222222:root"]
    return found


def _network_agreed(drawn: dict[str, Any]) -> dict[str, Any]:
    network: dict[str, Any] = drawn["network"]
    if "zone_ids" in network and "vpc_id" not in network:
        start = zone_prefix(drawn.get("region", _REGIONS[0]))
        ids = [f"{start}{number}" for number in range(1, network.get("zones", 2) + 1)]
        network = network | {"zone_ids": ids}
    if network.get("egress") != "endpoints" or "vpc_id" in network:
        network = {**network, "endpoints": [], "buckets": []}
    if "vpc_id" in network:
        count = range(network.get("zones", 2))
        network = network | {
            "app_subnets": [f"subnet-0aaaaaa{n}" for n in count],
            "data_subnets": [f"subnet-0dddddd{n}" for n in count],
        }
    return network


def _consumer_agreed(consumer: dict[str, Any], drawn: dict[str, Any]) -> dict[str, Any]:
    """Leave out one way of naming its blocks, and a private name that the service has not."""
    without = {"cidr"} if "cidrs" in consumer else set()
    if "private_dns_name" not in drawn.get("privatelink", {}):
        without.add("private_dns")
    return {key: value for key, value in consumer.items() if key not in without}


def _block(number: int, length: int) -> str:
    """Return the ``number``-th block of ``length`` within 10.0.0.0/8."""
    first = (10 << 24) + (number << (32 - length))
    return f"{'.'.join(str(first >> shift & 255) for shift in (24, 16, 8, 0))}/{length}"
