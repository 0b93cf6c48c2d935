"""The rules between keys, each from both sides: what it refuses, and the nearest it must let pass."""

from typing import Any

import pytest

from underpass.config import rules
from underpass.config.model import Config

ACCOUNT = "arn:aws:iam::222222222222"
VPC = "vpc-0123456789abcdef0"
APP = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
DATA = ["subnet-0123456789abcdef2", "subnet-0123456789abcdef3"]
OURS = {"vpc_id": VPC, "app_subnets": APP, "data_subnets": DATA}
ALONE = {"egress": "endpoints"}
REDIS = {"port": 6379, "cidr": "10.9.0.0/16"}
SYDNEY = {"region": "ap-southeast-2"}


def config(**sections: Any) -> Config:
    service = {"port": 80, "build": ".", **sections.pop("service", {})}
    return Config.model_validate({"name": "notes", **sections, "service": service})


def rotation(schedule: str, hours: int = 2) -> dict[str, Any]:
    return {"rotation_window": {"schedule": f"cron({schedule})", "hours": hours}}


def broken(**sections: Any) -> set[str]:
    return {".".join(map(str, fault.keys[0])) for fault in rules.check(config(**sections))}


@pytest.mark.parametrize(
    ("sections", "key"),
    [
        ({"name": "aws-notes"}, "name"),
        ({"name": "fargates"}, "name"),
        ({"database": {"version": "13"}}, "database.version"),  # its passwords are MD5's
        ({"database": {"backup_window": "01:00-01:00"}}, "database.backup_window"),
        (
            {"capacity": {"provider": "fargate", "instance_image": "ami-0123456789abcdef0"}},
            "capacity.instance_image",
        ),
        (
            {"network": {"allow_out": [{"port": n, "cidr": "10.9.0.0/16"} for n in range(1, 52)]}},
            "network.allow_out",
        ),
        ({"service": {"build": None}}, "service.build"),
        ({"service": {"image": "x:1"}}, "service.image"),
        ({"service": {"tasks": {"min": 3, "max": 2}}}, "service.tasks.max"),
        ({"capacity": {"instances": {"min": 5}}}, "capacity.instances.max"),
        ({"network": {"cidr": "10.0.0.0/15"}}, "network.cidr"),
        ({"network": {"cidr": "10.0.0.0/25"}}, "network.cidr"),
        ({"network": {"cidr": "10.0.0.0/24", "zones": 3}}, "network.cidr"),
        ({"network": {"cidr": "11.0.0.0/16"}}, "network.cidr"),
        ({"network": {"cidr": "172.32.0.0/16"}}, "network.cidr"),
        ({"consumers": [{"name": "ab"}, {"name": "ab"}]}, "consumers.1.name"),
        ({"privatelink": {"enforce": "named"}}, "privatelink.enforce"),
        (
            {"privatelink": {"enforce": "off", "allow_cidrs": ["10.1.0.0/16"]}},
            "privatelink.allow_cidrs",
        ),
        (
            {"privatelink": {"allow": [f"{ACCOUNT}:root"]}, "consumers": [{"name": "ab"}]},
            "privatelink.allow.0",
        ),
        ({"privatelink": {"allow": ["*"]}, "consumers": [{"name": "ab"}]}, "privatelink.allow.0"),
        (
            {
                "privatelink": {"allow": [f"{ACCOUNT}:root", "arn:aws:iam::333333333333:root"]},
                "consumers": [{"name": "ab", "account": "222222222222"}],
            },
            "privatelink.allow.1",
        ),
        ({"privatelink": {"allow_cidrs": ["10.1.0.0/16"] * 2}}, "privatelink.allow_cidrs.1"),
        ({"privatelink": {"allow_cidrs": ["0.0.0.0/0"]}}, "privatelink.allow_cidrs.0"),
        (
            {"privatelink": {"allow_cidrs": [f"10.{n}.0.0/16" for n in range(61)]}},
            "privatelink.allow_cidrs",
        ),
        (
            {
                "consumers": [
                    {"name": f"c{n}", "cidrs": [f"10.{n}.{m}.0/24" for m in range(31)]}
                    for n in range(2)
                ]
            },
            "consumers.1",
        ),
        (
            {
                "privatelink": {"enforce": "off"},
                "consumers": [{"name": "ab", "cidrs": [f"10.{n}.0.0/16" for n in range(61)]}],
            },
            "consumers.0.cidrs",
        ),
        (
            {"consumers": [{"name": "ab", "cidr": "10.1.0.0/16", "cidrs": ["10.1.0.0/16"]}]},
            "consumers.0.cidrs",
        ),
        ({"consumers": [{"name": "ab", "cidrs": []}]}, "consumers.0.cidrs"),
        ({"consumers": [{"name": "ab", "cidrs": ["10.1.0.0/16"] * 2}]}, "consumers.0.cidrs.1"),
        ({"consumers": [{"name": "ab", "cidrs": ["10.0.0.0/15"]}]}, "consumers.0.cidrs.0"),
        (
            {"consumers": [{"name": "ab", "cidrs": ["10.1.0.0/16", "169.254.1.0/24"]}]},
            "consumers.0.cidrs.1",
        ),
        ({"consumers": [{"name": "ab", "region": "eu-west-9"}]}, "consumers.0.region"),
        ({"consumers": [{"name": "ab", "region": "cn-north-1"}]}, "consumers.0.region"),
        ({"consumers": [{"name": "ab", "private_dns": True}]}, "consumers.0.private_dns"),
        (
            {
                "privatelink": {"private_dns_name": "n.example.com", "domain": "n.example.com"},
                "consumers": [{"name": "ab", "private_dns": True}],
            },
            "consumers.0.private_dns",
        ),
        (
            {
                "consumers": [
                    {"name": "ab", "vpc_id": VPC, "subnet_ids": APP},
                    {"name": "ac", "vpc_id": "vpc-01234567", "subnet_ids": [*APP[1:], DATA[0]]},
                ]
            },
            "consumers.1.subnet_ids",
        ),
        ({"consumers": [{"name": "ab", "cidr": "10.0.0.0/15"}]}, "consumers.0.cidr"),
        ({"consumers": [{"name": "ab", "cidr": "10.0.0.0/27"}]}, "consumers.0.cidr"),
        ({"consumers": [{"name": "ab", "cidr": "169.254.0.0/16"}]}, "consumers.0.cidr"),
        ({"privatelink": {"allow": ["*"], "acceptance": False}}, "privatelink.acceptance"),
        ({"capacity": {"provider": "fargate"}, "service": {"cpu": 128}}, "service.cpu"),
        ({"capacity": {"provider": "fargate"}, "service": {"memory": 4096}}, "service.memory"),
        ({"service": {"environment": {"AWS_REGION": "x"}}}, "service.environment.AWS_REGION"),
        (
            {"database": {}, "service": {"environment": {"DATABASE_HOST": "x"}}},
            "service.environment.DATABASE_HOST",
        ),
        (
            {"files": {}, "service": {"environment": {"FILES_PATH": "x"}}},
            "service.environment.FILES_PATH",
        ),
        ({"files": {"mount": "/etc/"}}, "files.mount"),
        ({"files": {"mount": "/proc/self"}}, "files.mount"),
        ({"files": {"mount": "/data/../etc"}}, "files.mount"),
        ({"database": {"engine": "mysql"}}, "database.version"),
        ({"database": {"rotation_days": 1, **rotation("0 3 ? * SUN *")}}, "database.rotation_days"),
        ({"database": rotation("0 22 ? * SUN *", 3)}, "database.rotation_window.hours"),
        ({"database": {"backup_window": "03:00-03:29"}}, "database.backup_window"),
        (
            {"database": {"maintenance_window": "Sun:23:40-Mon:00:05"}},
            "database.maintenance_window",
        ),
        (
            {"database": {"maintenance_window": "Sun:03:00-Sun:03:00"}},
            "database.maintenance_window",
        ),
        (
            {
                "database": {
                    "maintenance_window": "Sun:23:30-Mon:00:30",
                    "backup_window": "00:00-01:00",
                }
            },
            "database.backup_window",
        ),
        (
            {
                "database": {
                    "maintenance_window": "Sun:00:00-Sun:01:00",
                    "backup_window": "23:30-00:30",
                }
            },
            "database.backup_window",
        ),
        (
            {"tls": {"certificate": "arn:aws:acm:eu-west-1:111111111111:certificate/a"}},
            "tls.certificate",
        ),
        ({"region": "us-east-9"}, "region"),
        ({"service": {"scaling": {"cpu": 0, "requests": 0}}}, "service.scaling"),
        ({"service": {"health_command": ["CMD", "curl", "x"]}}, "service.health_command"),
        ({"service": {"health_command": ["curl x"]}}, "service.health_command"),
        ({"service": {"writable": ["/tmp", "/tmp/"]}}, "service.writable"),
        ({"service": {"writable": ["/usr"]}}, "service.writable"),
        ({"service": {"writable": ["/proc/x"]}}, "service.writable"),
        ({"files": {}, "service": {"writable": ["/data/cache"]}}, "service.writable"),
        ({"files": {"mount": "/srv/data"}, "service": {"writable": ["/srv"]}}, "service.writable"),
        ({"capacity": {"instance_type": "t3.medum"}}, "capacity.instance_type"),
        ({"capacity": {"instance_type": "mac2.metal"}}, "capacity.instance_type"),
        ({"service": {"cpu": 4096}}, "capacity.instance_type"),
        ({"service": {"memory": 4096}}, "capacity.instance_type"),
        ({"capacity": {"instance_type": "a1.large"}}, "capacity.instance_type"),
        ({"capacity": {"instance_type": "a1.huge"}}, "capacity.instance_type"),
        ({"capacity": {"instance_type": "m1.large"}}, "capacity.instance_type"),
        ({"name": "ec2"}, "name"),
        ({"name": "compute"}, "name"),
        ({"privatelink": {"domain": "notes.ec2.internal"}}, "privatelink.domain"),
        (
            {"privatelink": {"private_dns_name": "n.compute.internal"}},
            "privatelink.private_dns_name",
        ),
        ({"service": {"writable": ["/."]}}, "service.writable"),
        ({"service": {"writable": ["/./"]}}, "service.writable"),
        (
            {"service": {"environment": {"X": "a {{resolve:secretsmanager:s}}"}}},
            "service.environment.X",
        ),
        (
            {"service": {"environment": {"X": "{{resolve:ssm-secure:s:1}}"}}},
            "service.environment.X",
        ),
        ({"service": {"environment": {"X": "{{resolve:vault:s}}"}}}, "service.environment.X"),
        ({"service": {"environment": {"X": "{{resolve:ssm:}}"}}}, "service.environment.X"),
        (
            {"service": {"health_command": ["a", "{{resolve:secretsmanager:s}}"]}},
            "service.health_command.1",
        ),
        ({"database": {"engine": "mysql", "version": "8"}}, "database.version"),
        ({"database": {"engine": "mysql", "version": "9"}}, "database.version"),
        ({"database": {"engine": "mariadb", "version": "11"}}, "database.version"),
        ({"consumers": [{"name": "ab", "cidr": "0.0.0.0/0"}]}, "consumers.0.cidr"),
        ({"consumers": [{"name": "ab", "cidr": "0.3.0.0/16"}]}, "consumers.0.cidr"),
        (
            {
                "consumers": [
                    {"name": "ab", "cidr": "10.0.0.0/29", "vpc_id": VPC, "subnet_ids": APP}
                ]
            },
            "consumers.0.cidr",
        ),
        (
            {"consumers": [{"name": "ab", "role": "arn:aws-cn:iam::222222222222:role/x"}]},
            "consumers.0.role",
        ),
        (
            {"tls": {"certificate": "arn:aws-cn:acm:us-east-1:111111111111:certificate/a"}},
            "tls.certificate",
        ),
        ({"service": {"tasks": {"min": 9, "max": 9}}}, "capacity.instances.max"),
        ({"service": {"tasks": {"min": 5}, "cpu": 1025}}, "capacity.instances.max"),
        ({"network": {"vpc_id": VPC}}, "network.app_subnets network.data_subnets"),
        ({"network": {"app_subnets": APP}}, "network.app_subnets"),
        ({"network": {"data_subnets": DATA}}, "network.data_subnets"),
        ({"network": {**OURS, "zones": 3}}, "network.app_subnets network.data_subnets"),
        ({"network": {**OURS, "data_subnets": APP}}, "network.data_subnets"),
        ({"network": {**OURS, "app_subnets": [APP[0], APP[0]]}}, "network.app_subnets"),
        ({"network": {**OURS, "cidr": "10.0.0.0/15"}}, "network.cidr"),
        ({"network": {**OURS, "cidr": "10.0.0.0/29"}}, "network.cidr"),
        ({"database": {"version": "16.3"}}, "database.version"),
        ({"database": {"version": "9.6.24"}}, "database.version"),
        ({"database": {"instance_class": "db.t4g.mikro"}}, "database.instance_class"),
        ({"database": {"instance_class": "db.r4.large"}}, "database.instance_class"),
        ({"database": {"name": "user"}}, "database.name"),
        ({"database": {"name": "Template1"}}, "database.name"),
        (
            {"database": {"engine": "mysql", "version": "8.4", "name": "sys"}},
            "database.name",
        ),
        ({"privatelink": {"allow": [f"{ACCOUNT}:role/team/dev"]}}, "privatelink.allow.0"),
        ({"privatelink": {"allow": [f"{ACCOUNT}:root"] * 2}}, "privatelink.allow.1"),
        (
            {"privatelink": {"allow": ["*", "arn:aws-cn:iam::222222222222:root"]}},
            "privatelink.allow.1",
        ),
        ({"region": "us-gov-west-1"}, "region"),
        ({"region": "cn-north-1", "network": {"egress": "endpoints"}}, "region"),
        ({"network": {"cidr": "10.0.0.0/24"}}, "network.cidr"),
        ({"network": {"zone_ids": ["use1-az1"]}}, "network.zone_ids"),
        ({"network": {"zone_ids": ["use1-az1", "use1-az1"]}}, "network.zone_ids"),
        ({"network": {"zone_ids": ["use1-az1", "use2-az2"]}}, "network.zone_ids"),
        ({"network": {"zone_ids": ["use1-az1", "use1-az2"], "zones": 3}}, "network.zone_ids"),
        ({"network": {**OURS, "zone_ids": ["use1-az1", "use1-az2"]}}, "network.zone_ids"),
        ({"network": {"endpoints": ["sqs"]}}, "network.endpoints"),
        ({"network": {"buckets": ["models"]}}, "network.buckets"),
        ({"network": {**OURS, **ALONE, "endpoints": ["sqs"]}}, "network.endpoints"),
        ({"network": {**OURS, **ALONE, "buckets": ["models"]}}, "network.buckets"),
        ({"network": {**ALONE, "endpoints": ["sqs", "sqss"]}}, "network.endpoints.1"),
        (
            {"network": {**ALONE, "endpoints": ["com.amazonaws.us-east-1.sqs"]}},
            "network.endpoints.0",
        ),
        ({"network": {**ALONE, "endpoints": ["s3"]}}, "network.endpoints.0"),
        ({"network": {**ALONE, "endpoints": ["sqs", "sqs"]}}, "network.endpoints.1"),
        ({"network": {**ALONE, "buckets": ["models", "models"]}}, "network.buckets.1"),
        ({"network": {"allow_out": [{"port": 6379}]}}, "network.allow_out.0"),
        (
            {"network": {"allow_out": [{**REDIS, "prefix_list": "pl-01234567"}]}},
            "network.allow_out.0",
        ),
        ({"network": {"allow_out": [REDIS, REDIS]}}, "network.allow_out.1"),
        ({"network": {"allow_out": [{"port": 443, "cidr": "0.0.0.0/0"}]}}, "network.allow_out.0"),
        (
            {"network": {**OURS, **ALONE, "allow_out": [{"port": 443, "cidr": "10.20.0.0/16"}]}},
            "network.allow_out.0",
        ),
        ({"privatelink": {"supported_regions": ["eu-west-9"]}}, "privatelink.supported_regions.0"),
        ({"privatelink": {"supported_regions": ["us-east-1"]}}, "privatelink.supported_regions.0"),
        ({"privatelink": {"supported_regions": ["cn-north-1"]}}, "privatelink.supported_regions.0"),
        (
            {"privatelink": {"supported_regions": ["eu-west-1", "eu-west-1"]}},
            "privatelink.supported_regions.1",
        ),
        ({"privatelink": {"domain": "s3.us-east-1.amazonaws.com"}}, "privatelink.domain"),
        ({"privatelink": {"private_dns_name": "api.aws"}}, "privatelink.private_dns_name"),
        ({"privatelink": {"private_dns_name": "n.internal"}}, "privatelink.private_dns_name"),
        ({"consumers": [{"name": "ab", "vpc_id": VPC}]}, "consumers.0.vpc_id"),
        ({"consumers": [{"name": "ab", "subnet_ids": APP}]}, "consumers.0.subnet_ids"),
        (
            {"consumers": [{"name": "ab", "vpc_id": VPC, "subnet_ids": [APP[0], APP[0]]}]},
            "consumers.0.subnet_ids",
        ),
        (
            {
                "consumers": [
                    {"name": "ab", "vpc_id": VPC, "subnet_ids": APP},
                    {"name": "ac", "vpc_id": VPC, "subnet_ids": DATA},
                ]
            },
            "consumers.1.vpc_id",
        ),
        (
            {"consumers": [{"name": "ab", "profile": "x", "role": f"{ACCOUNT}:role/x"}]},
            "consumers.0.role",
        ),
        (
            {"consumers": [{"name": "ab", "account": "333333333333", "role": f"{ACCOUNT}:role/x"}]},
            "consumers.0.role",
        ),
    ],
)
def test_what_cannot_work_is_refused(sections: dict[str, Any], key: str) -> None:
    assert broken(**sections) == set(key.split())


@pytest.mark.parametrize(
    "sections",
    [
        {"name": "ecs-notes", "capacity": {"provider": "fargate"}},
        {"name": "my-aws"},
        {"service": {"tasks": {"min": 0, "max": 1}}},
        {"service": {"tasks": {"min": 0, "max": 3}, "scaling": {"cpu": 0, "requests": 0}}},
        {"service": {"environment": {"X": "{{resolve:ssm:/notes/level:2}} {{x}} {{resolve:ssm}}"}}},
        {"capacity": {"provider": "fargate", "instance_type": "a1.large"}},
        {"capacity": {"instance_type": "m3.medium"}, "service": {"tasks": {"min": 2}}},
        {"name": "compute", "privatelink": {"domain": "compute.example"}},
        {"name": "ec2-notes"},
        {"service": {"build": None, "image": "x:1"}},
        {"network": {"cidr": "100.64.0.0/23"}},
        {"network": {"zone_ids": ["use1-az4", "use1-az6"]}},
        {"network": {"zone_ids": ["apse2-az1", "apse2-az3", "apse2-az2"], "zones": 3}, **SYDNEY},
        {"network": {**ALONE, "endpoints": ["sqs", "ecr.api", "dynamodb", "brand-new-service"]}},
        {"network": {**ALONE, "buckets": ["models"], "allow_out": [REDIS]}},
        {
            "network": {
                "allow_out": [REDIS, {**REDIS, "port": 6380}, {"port": 25, "cidr": "0.0.0.0/0"}]
            }
        },
        {"network": {**ALONE, "allow_out": [{"port": 443, "cidr": "0.0.0.0/0"}]}},
        {"network": {**OURS, **ALONE, "allow_out": [{"port": 443, "cidr": "10.9.0.0/16"}]}},
        {"network": {"cidr": "192.168.2.0/23", "zones": 3}},
        {"consumers": [{"name": "ab", "cidr": "20.0.0.0/26"}, {"name": "ac"}]},
        {
            "consumers": [
                {
                    "name": "ab",
                    "cidr": "10.0.0.0/28",
                    "vpc_id": "vpc-01234567",
                    "subnet_ids": ["subnet-01234567"],
                }
            ]
        },
        {"privatelink": {"allow": ["*"]}},
        {"privatelink": {"acceptance": False}},
        {
            "privatelink": {"allow": ["*"], "allow_cidrs": ["10.0.0.0/8"]},
            "consumers": [{"name": "ab"}],
        },
        {"privatelink": {"allow": ["*"], "enforce": "off"}, "consumers": [{"name": "ab"}]},
        {
            "privatelink": {"allow": [f"{ACCOUNT}:role/dev"], "enforce": "named"},
            "consumers": [{"name": "ab", "role": f"{ACCOUNT}:role/deploy"}],
        },
        {"privatelink": {"allow_cidrs": [f"10.{n}.0.0/16" for n in range(60)]}},
        {"consumers": [{"name": "ab", "cidrs": ["10.1.0.0/16", "10.0.0.0/8", "192.0.2.7/32"]}]},
        {
            "consumers": [
                {"name": "ab", "region": "eu-west-1"},
                {"name": "ac", "region": "us-east-1"},
            ]
        },
        {
            "privatelink": {"private_dns_name": "n.example.com"},
            "consumers": [{"name": "ab", "private_dns": True}],
        },
        {"service": {"cpu": 300, "memory": 700}},
        {"capacity": {"provider": "fargate"}, "service": {"cpu": 8192, "memory": 20480}},
        {"service": {"environment": {"DATABASE_HOST": "elsewhere", "FILES_PATH": "/tmp"}}},
        {"database": {}, "service": {"environment": {"DATABASE_URL": "x"}}},
        {"files": {"mount": "/var/lib/notes"}},
        {"database": {"engine": "mysql", "version": "8.0.46"}},
        {"tls": {"certificate": "arn:aws:acm:us-east-1:111111111111:certificate/a"}},
        {"service": {"scaling": {"cpu": 0, "requests": 500}}},
        {"service": {"scaling": {"cpu": 0, "requests": 0}, "tasks": {"min": 2, "max": 2}}},
        {"service": {"health_command": ["python", "-m", "app.health"]}},
        {"service": {"health_command": ["/healthy"]}},
        {"service": {"writable": []}},
        {"service": {"writable": ["/tmp", "/run", "/var/cache", "/usr/local/x"]}, "files": {}},
        {"service": {"tasks": {"min": 8, "max": 8}}},
        {"service": {"cpu": 2048, "memory": 4095}},
        {"capacity": {"instance_type": "m99i.large"}},  # newer than what is known: AWS is asked
        {"capacity": {"provider": "fargate", "instance_type": "t3.medum"}},
        {"network": OURS},
        {"network": {**OURS, "cidr": "20.0.0.0/26"}},
        {"database": {"version": "16.99"}},
        {"database": {"version": "19"}},
        {"database": {"instance_class": "db.m99g.large"}},
        {"database": {"name": "users"}},
        {"privatelink": {"allow": [f"{ACCOUNT}:root", f"{ACCOUNT}:role/dev", f"{ACCOUNT}:user/a"]}},
        {"privatelink": {"supported_regions": ["eu-west-1", "us-west-2"]}},
        {"privatelink": {"domain": "notes.internal", "private_dns_name": "notes.example.com"}},
        {"privatelink": {"domain": "notamazonaws.com"}},
        {"consumers": [{"name": "ab", "account": "222222222222", "role": f"{ACCOUNT}:role/a/b"}]},
        {"consumers": [{"name": "ab", "account": "222222222222", "profile": "x"}]},
    ],
)
def test_what_can_work_passes(sections: dict[str, Any]) -> None:
    assert broken(**sections) == set()


@pytest.mark.parametrize(
    ("cpu", "memory", "instead"), [(300, 512, 256), (512, 512, 1024), (512, 9000, 4096)]
)
def test_the_nearest_fargate_size_that_holds_it_is_suggested(
    cpu: int, memory: int, instead: int
) -> None:
    wanted = config(capacity={"provider": "fargate"}, service={"cpu": cpu, "memory": memory})
    assert [fault.suggestion for fault in rules.check(wanted)] == [f"write {instead}"]


def told(**sections: Any) -> str:
    (fault,) = rules.check(config(**sections))
    return f"{fault.message}; {fault.suggestion} ({fault.source})"


def test_the_room_for_tasks_is_spelled_out() -> None:
    wanted = told(
        service={"tasks": {"min": 5, "max": 6}},
        capacity={"instance_type": "c5.large", "instances": {"min": 1, "max": 2}},
    )
    assert wanted == (
        "2 x c5.large hold 4 tasks, and tasks.min is 5: each has 3 network interfaces, one its own, "
        "for 2 tasks; 2048 / 256 CPU units for 8; less than 4096 / 512 MiB for 7; "
        "write max = 3, or a larger instance_type "
        "(https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-instance-eni.html)"
    )


def test_workers_need_room_too() -> None:
    def least(count: int, **more: int) -> dict[str, Any]:
        worker = {
            "name": "mail",
            "command": ["w"],
            "tasks": {"min": count, "max": count or 1},
            **more,
        }
        instances = {"min": 1, "max": 2}
        return {
            "service": {"tasks": {"min": 2, "max": 2}},
            "workers": [worker],
            "capacity": {"instance_type": "c5.large", "instances": instances},
        }

    assert rules.check(config(**least(2))) == ()
    assert "write max = 3 or more" in told(**least(3))
    assert "write max = 3 or more" in told(**least(2, cpu=2048))
    assert rules.check(config(**least(0, cpu=2048))) == ()


@pytest.mark.parametrize(
    ("sections", "instead"),
    [
        ({"service": {"memory": 8191}}, '"t3.large", or less memory'),
        ({"service": {"memory": 8192}}, '"t3.xlarge", or less memory'),
        ({"capacity": {"instance_type": "a1.medium"}}, 'write one such as "t4g.medium"'),
        ({"capacity": {"instance_type": "t1.micro"}}, 'write one such as "t3.medium"'),
        ({"database": {"engine": "mariadb", "version": "10"}}, 'write "10.11"'),
        ({"name": "ec2"}, "choose another, or write a domain"),
        ({"consumers": [{"name": "ab", "cidr": "0.0.0.0/0"}]}, '"10.30.0.0/16"'),
        ({"service": {"environment": {"X": "{{resolve:x:y}}"}}}, "{{resolve:ssm:NAME}}"),
        ({"capacity": {"instance_type": "t3.medum"}}, 'did you mean "t3.medium"?'),
        ({"database": {"version": "16.3"}}, 'write "16.15"'),
        ({"database": {"instance_class": "db.t4g.mikro"}}, 'did you mean "db.t4g.micro"?'),
        ({"region": "us-east-9"}, "did you mean "),
        ({"privatelink": {"allow": [f"{ACCOUNT}:role/team/dev"]}}, f'"{ACCOUNT}:root"'),
        ({"service": {"health_command": ["CMD-SHELL", "a && b"]}}, 'write ["sh", "-c", "a && b"]'),
        ({"service": {"health_command": ["curl 'a b'"]}}, 'write ["curl", "a b"]'),
        (
            {"service": {"health_command": ["CMD-SHELL", 'curl -f "http://x" || exit 1']}},
            r'write ["sh", "-c", "curl -f \"http://x\" || exit 1"]',
        ),
        (
            {"service": {"health_command": ["curl -f http://x || exit 1"]}},
            'write ["sh", "-c", "curl -f http://x || exit 1"]',
        ),
        (
            {"consumers": [{"name": "ab", "role": "arn:aws-cn:iam::222222222222:role/x"}]},
            'there it starts with "arn:aws:"',
        ),
        ({"service": {"health_command": ["curl 'a"]}}, 'write ["curl", "\'a"]'),
    ],
)
def test_what_to_write_instead_is_said_with_where_it_says_so(
    sections: dict[str, Any], instead: str
) -> None:
    said = told(**sections)
    assert instead in said
    assert "(https://docs.aws.amazon.com/" in said


def test_whose_connections_would_be_dropped_is_said_with_what_to_write() -> None:
    said = told(privatelink={"allow": [f"{ACCOUNT}:root"]}, consumers=[{"name": "ab"}])
    assert said.startswith(f'"{ACCOUNT}:root" is the account of none of [[consumers]]')
    assert 'allow_cidrs = ["10.1.0.0/16"], or enforce = "off"' in said


def test_blocks_that_are_neighbours_are_counted_as_one() -> None:
    said = told(privatelink={"allow_cidrs": [f"10.{n}.0.0/16" for n in range(64)]})
    assert "64 blocks are a rule each" in said
    assert "joined with their neighbours, they are 1" in said


def advice(**sections: Any) -> dict[str, str]:
    found = rules.advise(config(**sections))
    return {".".join(map(str, one.keys[0])): one.message for one in found}


def test_plain_http_between_accounts_is_warned_of_in_production() -> None:
    theirs = [{"name": "ab"}, {"name": "ac", "account": "222222222222"}]
    (said,) = advice(consumers=theirs).items()
    assert said[0] == "consumers.1.account"
    assert "222222222222 comes by HTTP" in said[1]
    by_role = [{"name": "ab", "role": f"{ACCOUNT}:role/up"}]
    assert advice(consumers=by_role).keys() == {"consumers.0.role"}
    tls = {"certificate": "arn:aws:acm:us-east-1:111111111111:certificate/a"}
    assert not advice(consumers=theirs, tls=tls)
    assert not advice(consumers=theirs, production=False)
    assert not advice(consumers=theirs[:1])


def test_a_block_that_an_existing_vpc_has_too_is_warned_of() -> None:
    network = {**OURS, "cidr": "10.20.0.0/16"}
    theirs = {"consumers": [{"name": "ab", "cidrs": ["10.1.0.0/16", "10.20.4.0/24"]}]}
    (said,) = advice(network=network, **theirs).items()
    assert said[0] == "consumers.0.cidrs.1"
    assert "its own hosts in 10.20.4.0/24 reach the NLB too" in said[1]
    wide = advice(network=network, privatelink={"allow_cidrs": ["10.0.0.0/8"]})
    assert "its own hosts in 10.20.0.0/16" in wide["privatelink.allow_cidrs.0"]
    assert not advice(network=network, privatelink={"enforce": "off"}, **theirs)
    assert not advice(**theirs), "in a VPC of our own nobody else has an interface"
