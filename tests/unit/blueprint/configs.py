"""The configurations the templates are tried with: a curated matrix, and any that hypothesis draws."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

from tests.unit.blueprint import addons
from tests.unit.blueprint.drawn import configs
from tests.unit.blueprint.pairs import Row, pairs

from underpass.config import rules
from underpass.config.model import Config

__all__ = ["AXES", "CURATED", "EVERYTHING", "config", "configs", "of_row"]

CERTIFICATE = "arn:aws:acm:us-east-1:111111111111:certificate/0f0f"
KEY = "arn:aws:kms:us-east-1:111111111111:key/01234567-89ab-cdef-0123-456789abcdef"
TOPIC = "arn:aws:sns:us-east-1:111111111111:alarms"
BOUNDARY = "arn:aws:iam::111111111111:policy/apps/boundary"
ACCOUNT: dict[str, Any] = {
    "tags": {"team": "notes", "cost center": "4 711"},
    "permissions_boundary": BOUNDARY,
    "role_path": "/apps/",
}
KEY_USERS = ["backup", "arn:aws:iam::222222222222:role/restore"]
THERE: dict[str, Any] = {
    "kms_key": KEY,
    "log_bucket": "central-logs/notes",
    "alarms": {"topic": TOPIC},
}
SERVICE = {"build": ".", "port": 8000, "health_check": "/healthz"}
EVERYTHING: dict[str, Any] = {
    "database": {"seed": "seed.sql"},
    "files": {},
    "assets": {"source": "static/"},
    "consumers": [{"name": "analytics"}],
}
ELSEWHERE: list[dict[str, Any]] = [
    {"name": "one", "account": "333333333333", "cidr": "10.1.0.0/16"},
    {"name": "two", "vpc_id": "vpc-01234567", "subnet_ids": ["subnet-01234567"]},
]
BEYOND: list[dict[str, Any]] = [
    {"name": "one", "cidrs": ["10.1.0.0/16", "100.64.0.0/16", "10.9.9.0/30"]},
    {"name": "two", "cidr": "10.2.0.0/16", "region": "eu-west-1"},
]
EXISTING: dict[str, Any] = {
    "vpc_id": "vpc-0123456789abcdef0",
    "app_subnets": [f"subnet-0000000{letter}" for letter in "abc"],
    "data_subnets": [f"subnet-0000000{letter}" for letter in "def"],
}
MORE_ENDPOINTS = {
    "endpoints": ["sqs", "dynamodb", "sagemaker.runtime", "secretsmanager"],
    "buckets": ["models"],
}
WAYS_OUT = [
    {"port": 6379, "cidr": "10.9.0.0/16"},
    {"port": 443, "prefix_list": "pl-0123456789abcdef0"},
    {"port": 5432, "security_group": "sg-0123456789abcdef0"},
]

BESIDE: dict[str, Any] = {
    "depends_on": {"proxy": "healthy", "set-up": "success"},
    "sidecars": [
        {
            "name": "proxy",
            "image": "registry.example/proxy:1.0",
            "port": 9001,
            "health_command": ["/proxy", "check"],
            "cpu": 64,
            "memory": 128,
            "user": "101:101",
            "secrets": {"PROXY_KEY": "ssm:/notes/proxy-key"},
            "depends_on": {"set-up": "complete"},
        },
        {
            "name": "set-up",
            "build": "set-up/",
            "essential": False,
            "command": ["/set-up"],
            "start_timeout": 60,
            "writable": ["/tmp", "/var/cache"],
        },
        {
            "name": "otel",
            "image": "registry.example/otel:1.0",
            "essential": False,
            "depends_on": {"app": "start"},
            "environment": {"LEVEL": "info"},
            "stop_timeout": 10,
            "read_only": False,
            "writable": [],
        },
    ],
}
SECRETS = {
    "SECRET_KEY": "arn:aws:secretsmanager:us-east-1:111111111111:secret:notes/key-AbCdEf:key::",
    "OLD_KEY": "arn:aws:secretsmanager:us-east-1:111111111111:secret:notes/key-AbCdEf:key:AWSPREVIOUS:",
    "TOKEN": "arn:aws:secretsmanager:us-east-1:222222222222:secret:shared/token",
    "LEVEL": "ssm:/notes/level",
    "COLOUR": "arn:aws:ssm:us-east-1:111111111111:parameter/colour",
}
PERMISSIONS: list[dict[str, Any]] = [
    {
        "actions": ["sqs:SendMessage", "sqs:GetQueueUrl"],
        "resources": ["arn:aws:sqs:us-east-1:111111111111:jobs"],
    },
    {"actions": ["kms:Encrypt"], "resources": ["{key}"]},
    {"actions": ["ses:GetSendQuota"], "resources": ["*"]},  # knows no resources
]
UPLOADS: list[dict[str, Any]] = [
    {
        "actions": ["s3:PutObject"],
        "resources": ["{assets}/uploads/${aws:PrincipalTag/team}/*"],
        "conditions": {"StringEquals": {"s3:x-amz-storage-class": ["STANDARD", "STANDARD_IA"]}},
    },
    {"actions": ["s3:DeleteObject"], "resources": ["{assets}/uploads/*"]},
]
JOBS: list[dict[str, Any]] = [
    {"name": "report", "command": ["python", "-m", "app.report"], "schedule": "cron(0 5 * * ? *)"},
    {
        "name": "tidy-up",
        "command": ["tidy"],
        "schedule": "rate(1 hour)",
        "timezone": "Europe/Berlin",
        "cpu": 512,
        "memory": 1024,
        "environment": {"LEVEL": "warning"},
    },
]
ANYBODYS: dict[str, Any] = {
    "secret": "arn:aws:secretsmanager:us-east-1:111111111111:secret:orders-AbCdEf",
    "security_group": "sg-0fedcba9876543210",
}
FURTHER = {"log_min_duration_statement": "500", "work_mem": "8192"}

WINDOWS = {
    "rotation_window": {"schedule": "cron(0 3 ? * SUN *)", "hours": 2},
    "maintenance_window": "Sun:03:00-Sun:04:00",
    "backup_window": "01:00-02:00",
}
CHECKED: dict[str, Any] = {
    "path": "/up",
    "port": 8001,
    "codes": "200-299,301",
    "interval": 30,
    "timeout": 10,
    "healthy": 3,
    "unhealthy": 5,
}
GRPC: dict[str, Any] = {
    "protocol": "grpc",
    "health_check": {"path": "/grpc.health.v1.Health/Check", "codes": "0"},
}

WORKERS = [
    {"name": "mail", "command": ["python", "-m", "app.mail"]},
    {
        "name": "thumb-nails",
        "command": ["python", "-m", "app.thumbnails"],
        "cpu": 512,
        "memory": 1024,
        "tasks": {"min": 2, "max": 4},
        "scaling": {"cpu": 80},
        "health_command": ["python", "-m", "app.health"],
        "stop_timeout": 120,
        "environment": {"WIDTH": "640"},
    },
]

# What can be set independently, and in what ways; the first is the default.
AXES: dict[str, dict[str, Mapping[str, Any]]] = {
    "vpc": {"new": {}, "existing": {"network": EXISTING}},
    "egress": {"nat": {}, "endpoints": {"network": {"egress": "endpoints"}}},
    "zones": {"two": {}, "three": {"network": {"zones": 3}}},
    "provider": {"ec2": {}, "fargate": {"capacity": {"provider": "fargate"}}},
    "hosts": {"newest": {}, "named": {"capacity": {"instance_image": "ami-0123456789abcdef0"}}},
    "processor": {"x86": {}, "graviton": {"capacity": {"instance_type": "m7g.large"}}},
    "architecture": {"left out": {}, "arm64": {"capacity": {"architecture": "arm64"}}},
    "spot": {"off": {}, "on": {"capacity": {"spot": True}}},
    "ssm": {"off": {}, "on": {"capacity": {"ssm": True}}},
    "account": {"plain": {}, "conforming": ACCOUNT},
    "key": {"new": {}, "shared": {"kms_key_users": KEY_USERS}, "existing": {"kms_key": KEY}},
    "access logs": {"new": {}, "existing": {"log_bucket": "central-logs/notes"}},
    "insights": {
        "enhanced": {},
        "enabled": {"capacity": {"container_insights": "enabled"}},
        "off": {"capacity": {"container_insights": "off"}},
    },
    "database": {
        "none": {},
        "postgres": {"database": {}},
        "rotated": {"database": {"rotation_days": 30}},
        "windows": {"database": WINDOWS},
        "mysql": {"database": {"engine": "mysql", "version": "8.4", "rotation_days": 7}},
        "mariadb": {"database": {"engine": "mariadb", "version": "11.4", "multi_az": False}},
        "parameters": {"database": {"parameters": FURTHER, "allow_major_upgrade": True}},
        "snapshot": {"database": {"snapshot": "orders-2026", "master": "postgres"}},
        "existing": {"database": {"existing": ANYBODYS}},  # with an existing VPC
    },
    "files": {"none": {}, "mounted": {"files": {"mount": "/srv/files"}}},
    "assets": {"none": {}, "bucket": {"assets": {"source": "static/"}}},
    "tls": {
        "off": {},
        "on": {"tls": {"certificate": CERTIFICATE}},
        "to tasks": {"tls": {"certificate": CERTIFICATE, "to_tasks": True}},
    },
    "targets": {"lambda": {}, "alb": {"privatelink": {"alb_targets": "alb"}}},
    "consumers": {
        "none": {},
        "here": {"consumers": [{"name": "analytics"}]},
        "elsewhere": {"consumers": ELSEWHERE},
        "beyond": {"consumers": BEYOND},
    },
    "enforce": {
        "left out": {},
        "named": {"privatelink": {"enforce": "named", "allow_cidrs": ["10.8.0.0/16"]}},
        "off": {"privatelink": {"enforce": "off"}},
    },
    "principals": {
        "own": {},
        "any": {"privatelink": {"allow": ["*"]}},
        "unasked": {
            "privatelink": {"allow": ["arn:aws:iam::222222222222:root"], "acceptance": False}
        },
    },
    "name": {"private zone": {}, "service": {"privatelink": {"private_dns_name": "n.example.com"}}},
    "regions": {"one": {}, "more": {"privatelink": {"supported_regions": ["eu-west-1"]}}},
    "production": {"yes": {}, "no": {"production": False}},
    "flow logs": {
        "all": {},
        "rejected": {"network": {"flow_logs": "rejected"}},
        "off": {"network": {"flow_logs": "off"}},
    },
    "zone ids": {"chosen": {}, "named": {"network": {"zone_ids": ["use1-az4", "use1-az6"]}}},
    "endpoints": {"needed": {}, "more": {"network": MORE_ENDPOINTS}},
    "ways out": {"none": {}, "some": {"network": {"allow_out": WAYS_OUT}}},
    "jobs": {"none": {}, "two": {"jobs": JOBS}},
    "exec": {"off": {}, "on": {"service": {"exec": True}}},
    "sidecars": {"none": {}, "some": {"service": BESIDE}},
    "times": {
        "usual": {},
        "long": {"service": {"timeout": 340, "drain": 600, "stop_timeout": 120, "sticky": 3600}},
    },
    "workers": {"none": {}, "some": {"workers": WORKERS}},
    "release": {"none": {}, "one": {"service": {"release": ["python", "-m", "app.migrate"]}}},
    "root": {"read-only": {}, "writable": {"service": {"read_only": False}}},
    "scaling": {
        "both": {},
        "cpu": {"service": {"scaling": {"requests": 0}}},
        "none": {
            "service": {
                "scaling": {"cpu": 0, "requests": 0},
                "tasks": {"min": 2, "max": 2},  # or it would never leave the least
            }
        },
    },
    "tasks": {"two": {}, "three": {"service": {"tasks": {"min": 3, "max": 3}}}},
    "secrets": {"none": {}, "some": {"service": {"secrets": SECRETS}}},
    "permissions": {
        "none": {},
        "some": {"service": {"permissions": PERMISSIONS}},
        "uploads": {"assets": {"source": "static/"}, "service": {"permissions": UPLOADS}},
    },
    "policies": {
        "none": {},
        "one": {"service": {"policies": ["arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"]}},
    },
    "health": {
        "path": {},
        "command": {"service": {"health_command": ["python", "-m", "check"]}},
        "told": {"service": {"health_check": CHECKED}},
    },
    "protocol": {
        "http1": {},
        "http2": {"service": {"protocol": "http2"}},
        "grpc": {"service": GRPC},
    },
    "cookie": {"none": {}, "own": {"service": {"sticky_cookie": "sid"}}},
    "rights": {
        "none": {},
        "root's": {"service": {"capabilities": ["SETUID", "SETGID"]}},
        "a user's": {"service": {"user": "1000:1000"}},
    },
    "addons": {"none": {}, "queue": addons.SECTIONS, "two": addons.TWO},
    "alarms": {
        "topic": {},
        "email": {"alarms": {"email": "ops@example.com"}},
        "existing": {"alarms": {"topic": TOPIC}},
    },
}


def config(**sections: Any) -> Config:
    """Return a configuration with the least there must be, and ``sections``."""
    service = SERVICE | sections.pop("service", {})
    return Config.model_validate({"name": "notes"} | sections | {"service": service})


def of_row(row: Row) -> Config:
    """Return the configuration with these values of ``AXES``."""
    sections: dict[str, Any] = {}
    for axis, value in row.items():
        for section, keys in AXES[axis][value].items():
            merged = isinstance(keys, Mapping) and section in sections
            sections[section] = sections[section] | keys if merged else keys
    network = sections.get("network", {})
    if "vpc_id" in network:
        zones = network.get("zones", 2)
        cut = {key: network[key][:zones] for key in ("app_subnets", "data_subnets")}
        sections["network"] = network | cut
    return config(**sections)


def _curated() -> dict[str, Config]:
    found = {
        f"{egress}-{provider}-{stores}": config(
            network={"egress": egress},
            capacity={"provider": provider},
            **(EVERYTHING if stores == "everything" else {}),
        )
        for egress, provider, stores in product(
            ("nat", "endpoints"), ("ec2", "fargate"), ("everything", "nothing")
        )
    }
    found |= _paths()
    found |= _networks()
    found |= _stores()
    found |= _tasks()
    found |= _accounts()
    rows = pairs(
        {axis: tuple(values) for axis, values in AXES.items()},
        lambda row: not rules.check(of_row(row)),
    )
    more = [one for one in map(of_row, rows) if one not in found.values()]
    return found | {f"pairs-{number:02}": one for number, one in enumerate(more, 1)}


def _paths() -> dict[str, Config]:
    tls = {"certificate": CERTIFICATE}
    five = [{"name": f"team-{n}", "cidr": f"10.{n}.0.0/16"} for n in range(5)]
    return {
        "tls": config(**EVERYTHING, tls=tls),
        "alb-targets": config(**EVERYTHING, privatelink={"alb_targets": "alb"}),
        "alb-targets-tls": config(**EVERYTHING, tls=tls, privatelink={"alb_targets": "alb"}),
        "open-offer": config(privatelink={"allow": ["*"]}),
        "offered-elsewhere": config(
            privatelink={
                "private_dns_name": "notes.example.com",
                "supported_regions": ["eu-west-1", "us-west-2"],
            },
            alarms={"email": "ops@example.com"},
            consumers=[{"name": "one", "private_dns": True}],
        ),
        "five-consumers": config(**EVERYTHING | {"consumers": five}),
        "consumers-elsewhere": config(
            privatelink={
                "allow": ["arn:aws:iam::222222222222:role/dev"],
                "allow_cidrs": ["10.8.0.0/16", "192.0.2.7/32"],
                "domain": "n.example",
            },
            consumers=ELSEWHERE,
        ),
        "consumers-beyond": config(**EVERYTHING | {"consumers": BEYOND}),
        "consumers-not-enforced": config(
            privatelink={"allow": ["*"], "enforce": "off"}, consumers=[{"name": "one"}]
        ),
        "tls-to-tasks": config(**EVERYTHING, tls=tls | {"to_tasks": True}),
        **{
            f"http2-{targets}": config(
                tls=tls, service={"protocol": "http2"}, privatelink={"alb_targets": targets}
            )
            for targets in ("lambda", "alb")
        },
        "grpc": config(tls=tls, service={"protocol": "grpc", "health_check": {}}),
        "grpc-to-tasks": config(tls=tls | {"to_tasks": True}, service=GRPC),
        "a-port-for-checks": config(
            service={"health_check": CHECKED}, privatelink={"alb_targets": "alb"}
        ),
        "sticky-by-cookie": config(service={"sticky": 3600, "sticky_cookie": "sid"}),
        "consumer-by-role": config(
            consumers=[
                {"name": "one", "profile": "one"},
                {"name": "two", "role": "arn:aws:iam::444444444444:role/up"},
            ]
        ),
        "told-by-mail": config(**EVERYTHING, alarms={"email": "ops@example.com"}),
        "same-port-everywhere": config(service={"port": 80}, consumers=[{"name": "one"}]),
        "another-region": config(
            **EVERYTHING,
            region="eu-central-1",
            tls={"certificate": CERTIFICATE.replace("us-east-1", "eu-central-1")},
        ),
        "longest-names": config(**EVERYTHING | {"consumers": [{"name": "c" * 31}]}, name="n" * 31),
    }


def _accounts() -> dict[str, Config]:
    alone = {"egress": "endpoints"}
    return {
        "conforming": config(**EVERYTHING, **ACCOUNT),
        "everything-there": config(**EVERYTHING, **THERE),
        "key-shared": config(**EVERYTHING, kms_key_users=KEY_USERS),
        "hosts-by-ssm": config(**EVERYTHING, capacity={"ssm": True}, network=alone),
        "fargate-arm-spot": config(
            **EVERYTHING, capacity={"provider": "fargate", "architecture": "arm64", "spot": True}
        ),
        "spot-from-none": config(
            capacity={"provider": "fargate", "spot": True, "architecture": "x86_64"},
            service={"tasks": {"min": 0, "max": 3}},
        ),
    }


def _networks() -> dict[str, Config]:
    three = {"zones": 3}
    return {
        "three-zones": config(**EVERYTHING, network=three),
        "three-zones-endpoints": config(**EVERYTHING, network=three | {"egress": "endpoints"}),
        "smallest-vpc": config(**EVERYTHING, network={"cidr": "10.0.0.0/23"}),
        **{
            f"existing-vpc-{egress}": config(
                **EVERYTHING, network={"egress": egress, "zones": 3, **EXISTING}
            )
            for egress in ("nat", "endpoints")
        },
        "existing-vpc-nobody": config(network=EXISTING | three),
        "no-flow-logs": config(network={"flow_logs": "off"}),
        "more-endpoints": config(
            **EVERYTHING,
            network={"egress": "endpoints", "allow_out": WAYS_OUT, **MORE_ENDPOINTS},
        ),
    }


def _stores() -> dict[str, Config]:
    rotation = {"rotation_days": 30}
    found = {
        f"only-{store}": config(**{store: EVERYTHING[store]})
        for store in ("database", "files", "assets")
    }
    for engine, version in (("mysql", "8.4"), ("mariadb", "11.4"), ("postgres", "17.6")):
        found[f"{engine}-{version}"] = config(
            database={"engine": engine, "version": version, "multi_az": False}
        )
    found["rotation"] = config(**EVERYTHING | {"database": rotation})
    found["rotation-without-internet"] = config(
        database=rotation, network={"egress": "endpoints"}, capacity={"provider": "fargate"}
    )
    found["rotation-mariadb"] = config(
        database=rotation | {"engine": "mariadb", "version": "11.4", "name": "notes"}
    )
    found["windows"] = config(database=WINDOWS, network={"egress": "endpoints"})
    monthly = {"schedule": "cron(0 5 1 * ? *)", "hours": 3}
    found["windows-by-the-month"] = config(database={**WINDOWS, "rotation_window": monthly})
    found["database-parameters"] = config(
        database={"parameters": FURTHER, "allow_major_upgrade": True}
    )
    found["database-from-a-snapshot"] = config(
        **EVERYTHING | {"database": {"snapshot": "orders-2026", "instance_class": "db.m7g.large"}}
    )
    found["existing-database"] = config(
        **EVERYTHING | {"database": {"existing": ANYBODYS}}, network=EXISTING | {"zones": 3}
    )
    told = {"host": "orders.example.com", "port": 6432, "name": "orders", "admit": False}
    of_others = {
        "secret": ANYBODYS["secret"].replace("1" * 12, "2" * 12),
        "security_group": "sg-0fedcba9876543211",
        "kms_key": "arn:aws:kms:us-east-1:222222222222:key/0f0f0f0f-0f0f-0f0f-0f0f-0f0f0f0f0f0f",
    }
    found["existing-database-endpoints"] = config(
        database={"engine": "mysql", "existing": of_others | told},
        network=EXISTING | {"zones": 3, "egress": "endpoints"},
        capacity={"provider": "fargate"},
    )
    found["large-database"] = config(
        database={
            "engine": "postgres",
            "version": "16",
            "instance_class": "db.m7g.large",
            "storage_gb": 500,
            "backup_days": 35,
        }
    )
    return found


def _tasks() -> dict[str, Config]:
    everything_else = {
        "exec": True,
        "health_command": ["/check"],
        "writable": ["/tmp", "/app/cache"],
    }
    return {
        "graviton": config(**EVERYTHING, capacity={"instance_type": "m7g.large"}),
        "not-production": config(**EVERYTHING, production=False),
        "no-production": config(production=False, network={"flow_logs": "off"}),
        **{
            f"exec-{provider}": config(
                **EVERYTHING, service=everything_else, capacity={"provider": provider}
            )
            for provider in ("ec2", "fargate")
        },
        "exec-without-internet": config(
            service={"exec": True},
            network={"egress": "endpoints"},
            capacity={"provider": "fargate"},
        ),
        "sidecars": config(**EVERYTHING, service=BESIDE),
        "sidecars-fargate": config(
            service=BESIDE, capacity={"provider": "fargate"}, network={"egress": "endpoints"}
        ),
        "sidecars-in-a-row": config(
            service={
                "health_command": ["/check"],
                "grace_period": 300,
                "depends_on": {"first": "complete", "second": "start"},
                "sidecars": [
                    {"name": "first", "image": "first:1", "essential": False},
                    {"name": "second", "image": "second:1", "depends_on": {"first": "success"}},
                    {
                        "name": "last",
                        "image": "last:1",
                        "depends_on": {"app": "healthy"},
                        "port": 80,
                        "process": ["last"],
                    },
                ],
            },
        ),
        "jobs": config(**EVERYTHING, jobs=JOBS),
        "jobs-fargate": config(
            jobs=JOBS, capacity={"provider": "fargate"}, network={"egress": "endpoints"}
        ),
        "health-command": config(
            service={"health_command": ["python", "-m", "app.health"], "grace_period": 0}
        ),
        "writable-root": config(**EVERYTHING, service={"read_only": False}),
        "writable-folders": config(service={"writable": ["/tmp", "/var/cache/app"]}),
        "nothing-writable": config(service={"writable": []}),
        "scaling-by-cpu": config(service={"scaling": {"cpu": 75, "requests": 0}}),
        "scaling-by-requests": config(service={"scaling": {"cpu": 0, "requests": 500}}),
        "fixed-count": config(service={"tasks": {"min": 2, "max": 2}, "read_only": False}),
        "follows-nothing": config(
            service={
                "tasks": {"min": 3, "max": 3},
                "scaling": {"cpu": 0, "requests": 0},
            },
            capacity={"instances": {"min": 3, "max": 3}},
        ),
        "an-image": config(
            service={"build": None, "image": "registry.example/notes:1.0", "process": ["notes"]}
        ),
        **{
            f"kept-capabilities-{provider}": config(
                service={"port": 80, "capabilities": ["CHOWN", "SETUID"], "user": "0"},
                capacity={"provider": provider},
            )
            for provider in ("ec2", "fargate")
        },
        "an-ordinary-user": config(service={"user": "www-data"}),
        "large-tasks": config(
            service={"cpu": 4096, "memory": 16384, "health_check": "/"},
            capacity={"provider": "fargate"},
        ),
        "secrets-and-permissions": config(
            **EVERYTHING,
            network={"egress": "endpoints", "endpoints": ["kms", "sqs", "email"]},
            service={
                "secrets": SECRETS,
                "permissions": [*PERMISSIONS, *UPLOADS],
                "policies": ["arn:aws:iam::111111111111:policy/team/notes"],
            },
        ),
        "any-text": config(
            service={"environment": {"TEXT": "${HOME} {{x}} caf\u00e9 \U0001f600 \x91 \n"}}
        ),
    }


CURATED = _curated()
