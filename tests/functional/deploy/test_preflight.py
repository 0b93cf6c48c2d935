"""What is there already: an existing VPC, a consumer's, a certificate, what RDS offers."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.unit.deploy.fakes import FakeTarget, Pages

from underpass.config import Config
from underpass.config.model import Consumer, Database
from underpass.deploy import preflight
from underpass.deploy.preflight import certificate, consumer, database, endpoints, network
from underpass.deploy.preflight.zones import application
from underpass.errors import UsageError


class Vpc:
    """An existing VPC with a NAT gateway, app subnets and data subnets in two zones."""

    def __init__(self, ec2: Any, cidr: str = "10.20.0.0/16") -> None:
        self.ec2 = ec2
        self.cidr = cidr
        self.id = ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
        self.dns(on=True)
        self.app = [self.subnet(1, "a"), self.subnet(2, "b")]
        self.data = [self.subnet(3, "a"), self.subnet(4, "b")]
        self.gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=self.gateway, VpcId=self.id)
        main = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [self.id]}])
        self.main = main["RouteTables"][0]["RouteTableId"]

    def subnet(self, number: int, zone: str, size: int = 24) -> str:
        made = self.ec2.create_subnet(
            VpcId=self.id,
            CidrBlock=f"{self.cidr.rsplit('.', 2)[0]}.{number}.0/{size}",
            AvailabilityZone=f"us-east-1{zone}",
        )
        subnet_id: str = made["Subnet"]["SubnetId"]
        return subnet_id

    def dns(self, *, on: bool) -> None:
        for name in ("EnableDnsSupport", "EnableDnsHostnames"):
            self.ec2.modify_vpc_attribute(VpcId=self.id, **{name: {"Value": on}})

    def nat(self) -> None:
        """Lead every subnet out through a NAT gateway."""
        nat = self.ec2.create_nat_gateway(SubnetId=self.app[0], ConnectivityType="private")
        self.route(NatGatewayId=nat["NatGateway"]["NatGatewayId"])

    def route(self, **to: str) -> None:
        self.ec2.create_route(RouteTableId=self.main, DestinationCidrBlock="0.0.0.0/0", **to)

    def config(self, **changes: Any) -> Config:
        there = {"vpc_id": self.id, "app_subnets": self.app, "data_subnets": self.data}
        return Config.model_validate(
            {
                "name": "notes",
                "service": {"port": 80, "build": "."},
                "network": {"cidr": self.cidr, **there, **changes},
            }
        )


@pytest.fixture
def vpc(client: Callable[[str], Any]) -> Vpc:
    made = Vpc(client("ec2"))
    made.nat()
    return made


def refusal(vpc: Vpc, **changes: Any) -> str:
    with pytest.raises(UsageError) as caught:
        network.check(vpc.ec2, vpc.config(**changes))
    assert caught.value.try_next
    return str(caught.value)


def test_an_existing_vpc_that_fits_passes(vpc: Vpc) -> None:
    network.check(vpc.ec2, vpc.config())


def test_a_vpc_that_is_not_there_or_has_other_addresses_is_refused(vpc: Vpc) -> None:
    assert "there is no VPC vpc-01234567" in refusal(vpc, vpc_id="vpc-01234567")
    assert "it has 10.20.0.0/16" in refusal(vpc, cidr="10.21.0.0/16")


def test_a_vpc_without_dns_is_refused(vpc: Vpc) -> None:
    vpc.dns(on=False)
    assert "has enableDnsSupport off" in refusal(vpc)
    vpc.ec2.modify_vpc_attribute(VpcId=vpc.id, EnableDnsSupport={"Value": True})
    assert "has enableDnsHostnames off" in refusal(vpc)


def test_subnets_that_do_not_belong_are_refused(vpc: Vpc) -> None:
    other = Vpc(vpc.ec2, "10.30.0.0/16")
    assert "there is no such subnet" in refusal(vpc, app_subnets=["subnet-01234567", vpc.app[1]])
    assert f"it is in {other.id}" in refusal(vpc, data_subnets=other.data)
    twice = [vpc.app[0], vpc.subnet(5, "a")]
    assert "both are in us-east-1a (use1-az" in refusal(vpc, app_subnets=twice)
    elsewhere = [vpc.data[0], vpc.subnet(6, "c")]
    assert "these in us-east-1a, us-east-1c" in refusal(vpc, data_subnets=elsewhere)


def test_subnets_an_alb_does_not_fit_into_are_refused(vpc: Vpc) -> None:
    small = vpc.subnet(7, "a", size=28)
    assert "an ALB needs /27 or larger and 8 free" in refusal(vpc, app_subnets=[small, vpc.app[1]])
    network.check(vpc.ec2, vpc.config(data_subnets=[small, vpc.data[1]]))
    tight = vpc.subnet(8, "a", size=27)
    for _ in range(20):  # of the 27 that a /27 has
        vpc.ec2.create_network_interface(SubnetId=tight)
    assert "with 7 free addresses" in refusal(vpc, app_subnets=[tight, vpc.app[1]])


def test_subnets_outside_the_block_that_is_named_are_refused(vpc: Vpc) -> None:
    vpc.ec2.associate_vpc_cidr_block(VpcId=vpc.id, CidrBlock="10.40.0.0/16")
    assert f"subnet {vpc.app[0]} is outside 10.40.0.0/16" in refusal(vpc, cidr="10.40.0.0/16")


def test_the_routes_are_held_against_what_egress_says(client: Callable[[str], Any]) -> None:
    vpc = Vpc(client("ec2"))
    network.check(vpc.ec2, vpc.config(egress="endpoints"))
    assert "it has no default route" in refusal(vpc)
    vpc.route(GatewayId=vpc.gateway)
    assert "tasks have no public address" in refusal(vpc)
    assert f"its default route leads to {vpc.gateway}" in refusal(vpc, egress="endpoints")
    own = vpc.ec2.create_route_table(VpcId=vpc.id)["RouteTable"]["RouteTableId"]
    for subnet in vpc.app:  # the main table is no longer theirs
        vpc.ec2.associate_route_table(RouteTableId=own, SubnetId=subnet)
    network.check(vpc.ec2, vpc.config(egress="endpoints"))


def test_a_consumer_needs_zones_in_common_by_their_ids(vpc: Vpc) -> None:
    wanted = Consumer.model_validate(
        {"name": "analytics", "cidr": vpc.cidr, "vpc_id": vpc.id, "subnet_ids": vpc.app}
    )
    ours = application(vpc.config(), FakeTarget({"ec2": vpc.ec2}))
    consumer.check(vpc.ec2, wanted, ours)
    first, second = ours
    with pytest.raises(UsageError) as caught:
        consumer.check(vpc.ec2, wanted, {first: "us-east-1f"})
    assert caught.value.what == (
        "the endpoint of consumer analytics cannot be in every subnet it names"
    )
    assert f"{vpc.app[1]} in {second} (there us-east-1b)" in caught.value.why
    # The same names, and other places.
    with pytest.raises(UsageError) as caught:
        consumer.check(vpc.ec2, wanted, {"use1-az3": "us-east-1a", "use1-az5": "us-east-1b"})
    assert caught.value.what == "consumer analytics has no zone in common with the provider"
    assert "use1-az3 (here us-east-1a)" in caught.value.why
    other = wanted.model_copy(update={"vpc_id": Vpc(vpc.ec2, "10.50.0.0/16").id})
    with pytest.raises(UsageError, match=r"it has 10\.50\.0\.0/16"):
        consumer.check(vpc.ec2, other, ours)


def test_the_first_of_a_consumers_blocks_is_its_vpcs_and_another_region_has_other_zones(
    vpc: Vpc,
) -> None:
    wanted = Consumer.model_validate(
        {
            "name": "analytics",
            "cidrs": [vpc.cidr, "100.64.0.0/16"],
            "region": "eu-west-1",
            "vpc_id": vpc.id,
            "subnet_ids": vpc.app,
        }
    )
    consumer.check(vpc.ec2, wanted, None)
    with pytest.raises(UsageError, match="no zone in common"):
        consumer.check(vpc.ec2, wanted, {"use1-az9": "us-east-1f"})
    other = wanted.model_copy(update={"cidrs": wanted.cidrs[::-1]})
    with pytest.raises(UsageError, match=r"does not have the addresses 100\.64\.0\.0/16") as caught:
        consumer.check(vpc.ec2, other, None)
    assert caught.value.try_next == f'write "{vpc.cidr}" first in cidrs of [[consumers]] analytics'


def test_consumers_and_certificates_are_looked_at_only_where_they_must_be_there_before(
    client: Callable[[str], Any],
) -> None:
    config = Config.model_validate(
        {
            "name": "notes",
            "service": {"port": 80, "build": "."},
            "consumers": [
                {"name": "one", "vpc_id": "vpc-01234567", "subnet_ids": ["subnet-01234567"]}
            ],
        }
    )
    target = FakeTarget({"ec2": client("ec2")})
    assert preflight.check(config, target, {"use1-az6": "us-east-1a"}) == ()
    target.self_contained = False
    with pytest.raises(UsageError, match=r"\[\[consumers\]\] one|vpc-01234567"):
        preflight.check(config, target, {"use1-az6": "us-east-1a"})


def test_an_endpoint_the_facts_do_not_know_is_asked_of_aws(client: Callable[[str], Any]) -> None:
    service = {"name": "notes", "service": {"port": 80, "build": "."}}
    kinds = {"Interface": [{"ServiceType": "Interface"}], "Gateway": [{"ServiceType": "Gateway"}]}
    asked: list[str] = []

    def services(ServiceNames: list[str]) -> Any:
        asked.extend(ServiceNames)
        kind = "Gateway" if ServiceNames[0].endswith("s3express") else "Interface"
        return {"ServiceDetails": [{"ServiceType": kinds[kind]}]}

    def named(name: str) -> Config:
        network = {"egress": "endpoints", "endpoints": [name]}
        return Config.model_validate({**service, "network": network})

    there = SimpleNamespace(describe_vpc_endpoint_services=services)
    endpoints.check(there, named("sqs"))
    assert asked == []
    endpoints.check(there, named("brand-new"))
    assert asked == ["com.amazonaws.us-east-1.brand-new"]
    with pytest.raises(UsageError, match="has Gateway"):
        endpoints.check(there, named("s3express"))
    with pytest.raises(UsageError, match="no interface endpoint in us-east-1"):
        endpoints.check(client("ec2"), named("brand-new"))


class Acm:
    def __init__(self, status: str = "ISSUED", *names: str, error: str = "") -> None:
        self.status, self.names, self.error = status, names, error

    def describe_certificate(self, CertificateArn: str) -> Any:
        if self.error:
            raise ClientError({"Error": {"Code": self.error, "Message": "no"}}, "Describe")
        first, *others = self.names
        told = {"Status": self.status, "DomainName": first, "SubjectAlternativeNames": others}
        return {"Certificate": told}


@pytest.mark.parametrize("names", [("a.example", "notes.example"), ("*.example",)])
def test_a_certificate_that_is_issued_for_the_name_passes(names: tuple[str, ...]) -> None:
    assert certificate.check(Acm("ISSUED", *names), "arn", "notes.example") == ()


def test_a_certificate_that_cannot_be_used_is_refused_or_warned_of() -> None:
    with pytest.raises(UsageError, match="PENDING_VALIDATION"):
        certificate.check(Acm("PENDING_VALIDATION", "a.example"), "arn", "a.example")
    with pytest.raises(UsageError, match="there is no such certificate"):
        certificate.check(Acm(error="ResourceNotFoundException"), "arn", "a.example")
    (told,) = certificate.check(Acm("ISSUED", "*.example"), "arn", "a.b.example")
    assert told == "the certificate is for *.example, and consumers use a.b.example"
    (told,) = certificate.check(Acm(error="AccessDeniedException"), "arn", "a.example")
    assert "is not known" in told
    with pytest.raises(ClientError):
        certificate.check(Acm(error="Throttling"), "arn", "a.example")


def test_rds_is_asked_about_what_the_facts_do_not_know() -> None:
    asked: list[str] = []

    def options(Engine: str, DBInstanceClass: str) -> list[Any]:
        asked.append(DBInstanceClass)
        versions = ["16.99", "19.1"] if DBInstanceClass == "db.m99g.large" else []
        return [{"EngineVersion": version} for version in versions]

    pages = Pages("OrderableDBInstanceOptions", options)
    target = FakeTarget({"rds": SimpleNamespace(get_paginator=lambda _: pages)})

    def check(version: str, kind: str) -> None:
        wanted = Database.model_validate({"version": version, "instance_class": kind})
        database.check(target, wanted, "us-east-1")

    check("16.9", "db.t4g.micro")
    assert asked == []
    check("19", "db.m99g.large")
    check("16.99", "db.m99g.large")
    with pytest.raises(UsageError, match=r"offers no postgres 20 on db\.m99g\.large in us-east-1"):
        check("20", "db.m99g.large")
    with pytest.raises(UsageError, match=r"does not offer db\.x99\.large for postgres at all"):
        check("16", "db.x99.large")
