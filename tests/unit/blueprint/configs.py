"""The configurations the templates are tried with: a curated matrix, and any that hypothesis draws."""

from __future__ import annotations

from itertools import product
from typing import Any

from hypothesis import strategies as st

from underpass.config import rules
from underpass.config.model import Config

CERTIFICATE = "arn:aws:acm:us-east-1:111111111111:certificate/0f0f"
SERVICE = {"build": ".", "port": 8000, "health_check": "/healthz"}
EVERYTHING: dict[str, Any] = {
    "database": {"seed": "seed.sql"},
    "files": {},
    "assets": {"source": "static/"},
    "consumers": [{"name": "analytics"}],
}
EXISTING: dict[str, Any] = {
    "vpc_id": "vpc-0123456789abcdef0",
    "app_subnets": [f"subnet-0000000{letter}" for letter in "abc"],
    "data_subnets": [f"subnet-0000000{letter}" for letter in "def"],
}


def config(**sections: Any) -> Config:
    """Return a configuration with the least there must be, and ``sections``."""
    service = SERVICE | sections.pop("service", {})
    return Config.model_validate({"name": "notes", "service": service} | sections)


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
    tls = {"certificate": CERTIFICATE}
    found["rotation"] = config(**{**EVERYTHING, "database": {"rotation_days": 30}})
    found["three-zones"] = config(**EVERYTHING, network={"zones": 3})
    found["three-zones-endpoints"] = config(
        **EVERYTHING, network={"zones": 3, "egress": "endpoints"}
    )
    found["smallest-vpc"] = config(**EVERYTHING, network={"cidr": "10.0.0.0/24"})
    found["graviton"] = config(**EVERYTHING, capacity={"instance_type": "m7g.large"})
    found["tls"] = config(**EVERYTHING, tls=tls)
    found["alb-targets"] = config(**EVERYTHING, privatelink={"alb_targets": "alb"})
    found["alb-targets-tls"] = config(**EVERYTHING, tls=tls, privatelink={"alb_targets": "alb"})
    service = {"exec": True, "health_command": ["/check"], "writable": ["/tmp", "/app/cache"]}
    for provider in ("ec2", "fargate"):
        found[f"exec-{provider}"] = config(
            **EVERYTHING, service=service, capacity={"provider": provider}
        )
    found["fixed-count"] = config(service={"tasks": {"min": 2, "max": 2}, "read_only": False})
    found["open-offer"] = config(privatelink={"allow": ["*"]})
    found["offered-elsewhere"] = config(
        privatelink={
            "private_dns_name": "notes.example.com",
            "supported_regions": ["eu-west-1", "us-west-2"],
        },
        alarms={"email": "ops@example.com"},
        consumers=[{"name": "one"}],
    )
    for egress in ("nat", "endpoints"):
        found[f"existing-vpc-{egress}"] = config(
            **EVERYTHING, network={"egress": egress, "zones": 3, **EXISTING}
        )
    found["existing-vpc-nobody"] = config(network=EXISTING)
    found["no-production"] = config(production=False, network={"flow_logs": False})
    found["same-port-everywhere"] = config(service={"port": 80}, consumers=[{"name": "one"}])
    found["any-text"] = config(
        service={"environment": {"TEXT": "${HOME} {{x}} caf\u00e9 \U0001f600 \x91 \n"}}
    )
    for engine, version in (("mysql", "8.4"), ("mariadb", "11.4"), ("postgres", "17.6")):
        found[f"{engine}-{version}"] = config(
            database={"engine": engine, "version": version, "multi_az": False}
        )
    found["consumers-elsewhere"] = config(
        privatelink={"allow": ["arn:aws:iam::222222222222:role/dev"], "domain": "n.example"},
        consumers=[
            {"name": "one", "account": "333333333333", "cidr": "10.1.0.0/16"},
            {"name": "two", "vpc_id": "vpc-01234567", "subnet_ids": ["subnet-01234567"]},
        ],
    )
    return found


CURATED = _curated()


def configs() -> st.SearchStrategy[Config]:
    """Draw any configuration that ``underpass check`` would accept."""
    ports = st.integers(1, 65535)
    least_most = st.tuples(st.integers(1, 5), st.integers(0, 5)).map(
        lambda pair: {"min": pair[0], "max": sum(pair)}
    )
    names = st.from_regex(r"[a-z][a-z0-9-]{0,29}[a-z0-9]", fullmatch=True)
    blocks = st.integers(16, 24).flatmap(
        lambda length: st.integers(0, 2 ** (length - 8) - 1).map(
            lambda number: _block(number, length)
        )
    )
    service = st.fixed_dictionaries(
        {"build": st.just("."), "port": ports, "tasks": least_most},
        optional={
            "health_check": st.sampled_from(["/", "/healthz", "/a?b=c"]),
            "grace_period": st.integers(0, 7200),
            "scaling": st.fixed_dictionaries(
                {"cpu": st.integers(0, 100), "requests": st.integers(0, 9999)}
            ),
            "health_command": st.just(["python", "-m", "app.health"]),
            "read_only": st.booleans(),
            "writable": st.lists(st.sampled_from(["/tmp", "/srv/files", "/app/x"]), max_size=3),
            "exec": st.booleans(),
            "environment": st.dictionaries(
                st.from_regex(r"[A-Z]{1,5}_X", fullmatch=True), st.text(max_size=9), max_size=3
            ),
        },
    )
    database = st.sampled_from(
        [
            {"engine": "postgres", "version": "16"},
            {"engine": "postgres", "version": "18", "rotation_days": 7, "backup_days": 35},
            {"engine": "postgres", "version": "17.6", "multi_az": False, "name": "notes"},
            {"engine": "mysql", "version": "8.4", "storage_gb": 400},
            {"engine": "mariadb", "version": "11.4"},
        ]
    )
    consumer = st.fixed_dictionaries(
        {"name": names},
        optional={"cidr": blocks, "account": st.from_regex(r"[0-9]{12}", fullmatch=True)},
    )
    drawn = st.fixed_dictionaries(
        {"name": names, "service": service},
        optional={
            "capacity": st.fixed_dictionaries(
                {},
                optional={
                    "provider": st.sampled_from(["ec2", "fargate"]),
                    "instance_type": st.sampled_from(["t3.medium", "c7gn.large", "a1.large"]),
                    "instances": least_most,
                },
            ),
            "network": st.fixed_dictionaries(
                {},
                optional={
                    "cidr": blocks,
                    "zones": st.sampled_from([2, 3]),
                    "egress": st.sampled_from(["nat", "endpoints"]),
                    "flow_logs": st.booleans(),
                },
            ),
            "database": database,
            "files": st.just({"mount": "/srv/files"}),
            "assets": st.just({"source": "static/"}),
            "privatelink": st.fixed_dictionaries(
                {},
                optional={
                    "allow": st.just(["arn:aws:iam::222222222222:root"]),
                    "acceptance": st.booleans(),
                    "alb_targets": st.sampled_from(["lambda", "alb"]),
                    "private_dns_name": st.just("notes.example.com"),
                    "supported_regions": st.just(["eu-west-1"]),
                },
            ),
            "tls": st.just({"certificate": CERTIFICATE}),
            "production": st.booleans(),
            "alarms": st.just({"email": "ops@example.com"}),
            "consumers": st.lists(consumer, max_size=3, unique_by=lambda c: str(c["name"])),
        },
    )
    return drawn.map(Config.model_validate).filter(lambda config: not rules.check(config))


def _block(number: int, length: int) -> str:
    """Return the ``number``-th block of ``length`` within 10.0.0.0/8."""
    first = (10 << 24) + (number << (32 - length))
    return f"{'.'.join(str(first >> shift & 255) for shift in (24, 16, 8, 0))}/{length}"
