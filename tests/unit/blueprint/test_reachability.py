"""What the security groups and routes let through: the path, and nothing beside it.

The rules of both templates are read as AWS reads them: a connection needs an egress rule of the one
side and an ingress rule of the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from tests.unit.blueprint.configs import CURATED, config, configs
from tests.unit.blueprint.templates import by_part, outputs, resource, resources

from underpass.blueprint import Stack
from underpass.blueprint.addresses import zones
from underpass.config.model import Config

NEEDED = {"s3", "ecr.api", "ecr.dkr", "logs"}
WEB = {("0.0.0.0/0", 443), ("0.0.0.0/0", 80)}


@dataclass
class Groups:
    """The groups of the provider's stacks: (group, peer, port) by direction; a peer is a group or a block."""

    ingress: set[tuple[str, str, int]] = field(default_factory=set)
    egress: set[tuple[str, str, int]] = field(default_factory=set)

    @classmethod
    def of(cls, foundation: Stack, service: Stack) -> Groups:
        handed = outputs(foundation) | outputs(service)

        def peer(rule: dict[str, Any]) -> str:
            for key in ("CidrIp", "SourceSecurityGroupId", "DestinationSecurityGroupId"):
                if key in rule:
                    return rule[key] if key == "CidrIp" else group(rule[key])
            return _elsewhere(rule["DestinationPrefixListId"])

        def group(value: dict[str, Any] | str) -> str:
            return _elsewhere(value) if isinstance(value, str) else _group(value, handed)

        found = cls()
        for stack in (foundation, service):
            for name, properties in resources(stack, "EC2::SecurityGroup").items():
                for direction, rules in (
                    (found.ingress, properties.get("SecurityGroupIngress", [])),
                    # EC2's default, when none is given, is a way out to everywhere
                    (found.egress, properties["SecurityGroupEgress"]),
                ):
                    direction |= {(name, peer(r), _port(r)) for r in rules}
            for direction, kind in ((found.ingress, "Ingress"), (found.egress, "Egress")):
                for rule in resources(stack, f"EC2::SecurityGroup{kind}").values():
                    direction.add((group(rule["GroupId"]), peer(rule), _port(rule)))
        return found

    def connections(self) -> set[tuple[str, str, int]]:
        """Return (from, to, port) between groups that both sides allow."""
        return {
            (source, target, port)
            for target, source, port in self.ingress
            if (source, target, port) in self.egress
        }


def _group(value: dict[str, Any], handed: dict[str, Any]) -> str:
    value = handed[value["Ref"]] if "Ref" in value else value
    name, attribute = value["Fn::GetAtt"]
    assert attribute == "GroupId"
    return str(name)


def _elsewhere(value: Any) -> str:
    """Return a prefix list, or a group of nobody's here, as a peer like a block is."""
    return f"{value['Ref'] if isinstance(value, dict) else value}/"


def _port(rule: dict[str, Any]) -> int:
    if rule["IpProtocol"] == "-1":
        assert rule["CidrIp"] == "127.0.0.1/32"  # nowhere
        return -1
    assert rule["IpProtocol"] == "tcp"
    assert rule["FromPort"] == rule["ToPort"]
    return int(rule["FromPort"])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(configs())
def test_the_path_is_open_and_nothing_else(config: Config) -> None:
    foundation, service, _ = by_part(config)
    groups = Groups.of(foundation, service)
    listener, port = config.listener_port, config.service.port
    path = {
        ("AlbSecurityGroup", "TaskSecurityGroup", one) for one in (port, config.service.health_port)
    }
    if config.enforces:  # else the ALB admits the NLB's subnets, below
        path.add(("NlbSecurityGroup", "AlbSecurityGroup", listener))
    theirs_too: set[tuple[str, int]] = set()  # the way to a database that is there already
    if config.database and config.database.existing:
        theirs_too = {(f"{config.database.existing.security_group}/", config.database.port)}
        if config.database.existing.admit:
            path |= {("TaskSecurityGroup", *way) for way in theirs_too}
    if config.instance:
        database_port = 5432 if config.instance.engine == "postgres" else 3306
        path.add(("TaskSecurityGroup", "DatabaseSecurityGroup", database_port))
        path.add(("DatabaseUserSecurityGroup", "DatabaseSecurityGroup", database_port))
    if config.files:
        path.add(("TaskSecurityGroup", "FileSystemSecurityGroup", 2049))
    leavers = {"TaskSecurityGroup"} | (
        {"InstanceSecurityGroup"} if config.capacity.provider == "ec2" else set()
    )
    if config.instance:
        leavers.add("DatabaseUserSecurityGroup")
    assert groups.connections() == path

    existing = bool(config.network.vpc_id)  # whose subnets' blocks nobody knows
    blocks = {str(config.network.cidr)} if existing else {str(z.app) for z in zones(config)}
    from_blocks = {(group, peer, number) for group, peer, number in groups.ingress if "/" in peer}
    expected = {("NlbSecurityGroup", str(block), listener) for block in config.named_blocks}
    if not config.enforces:
        expected = {("AlbSecurityGroup", block, listener) for block in blocks}
    if config.network.egress == "endpoints" and not existing:
        expected |= {("EndpointSecurityGroup", block, 443) for block in blocks}
    assert from_blocks == expected

    outward = {
        (group, (peer, number))
        for group, peer, number in groups.egress
        if "/" in peer and number != -1
    }
    ways = WEB if config.network.egress == "nat" else {("S3PrefixListId/", 443)}
    if config.network.egress == "endpoints" and existing:  # its endpoints are somewhere in it
        ways = ways | {(str(config.network.cidr), 443)}
    allowed = {
        (p if "/" in p else f"{p}/", w.port) for w in config.network.allow_out for p in w.peers
    }
    theirs = {way for way in allowed if config.network.egress == "endpoints" and way[1] == 443}
    tables = {("DynamodbPrefixListId/", 443)} if "dynamodb" in config.network.endpoints else set()
    assert outward == {
        *(("TaskSecurityGroup", way) for way in ways | allowed | tables | theirs_too),
        *((group, way) for group in leavers - {"TaskSecurityGroup"} for way in ways | theirs),
    }
    to_endpoints = {(source, n) for source, to, n in groups.egress if to == "EndpointSecurityGroup"}
    assert to_endpoints == {
        (group, 443) for group in leavers if config.network.egress == "endpoints" and not existing
    }


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(configs())
def test_privatelink_is_never_silently_dead(config: Config) -> None:
    """Enforcing inbound rules without a rule for the consumers drops every connection (aws-facts)."""
    service = by_part(config)[1]
    enforced = resource(service, "Nlb")["EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"]
    admitted = Groups.of(by_part(config)[0], service).ingress
    blocks = {peer for group, peer, _ in admitted if group == "NlbSecurityGroup"}
    assert enforced == ("on" if blocks else "off")
    assert blocks == ({str(one) for one in config.named_blocks} if config.enforces else set())


def test_in_a_vpc_of_our_own_only_the_application_itself_could_take_a_consumers_place() -> None:
    """A consumer's block may be the provider's own: whoever has an address there is admitted too."""
    same = config(
        network={"cidr": "10.20.0.0/16"}, consumers=[{"name": "analytics", "cidr": "10.20.0.0/16"}]
    )
    foundation, service, _ = by_part(same)
    groups = Groups.of(foundation, service)
    assert ("NlbSecurityGroup", "10.20.0.0/16", 80) in groups.ingress
    could = {group for group, peer, port in groups.egress if peer == "0.0.0.0/0" and port == 80}
    assert could == {"TaskSecurityGroup", "InstanceSecurityGroup"}


@pytest.mark.parametrize("zone_count", [2, 3])
def test_a_zone_leaves_by_its_own_nat_and_data_does_not_leave(zone_count: int) -> None:
    foundation = by_part(config(network={"zones": zone_count}))[0]
    numbers = range(1, zone_count + 1)
    routes = {
        (route["RouteTableId"]["Ref"], next(v["Ref"] for k, v in route.items() if "GatewayId" in k))
        for route in resources(foundation, "EC2::Route").values()
    }
    assert routes == {
        ("PublicRouteTable", "InternetGateway"),
        *((f"AppRouteTable{n}", f"NatGateway{n}") for n in numbers),
    }
    tables = {
        link["SubnetId"]["Ref"]: link["RouteTableId"]["Ref"]
        for link in resources(foundation, "EC2::SubnetRouteTableAssociation").values()
    }
    zone_of = {
        name: subnet["AvailabilityZone"]
        for name, subnet in resources(foundation, "EC2::Subnet").items()
    }
    assert set(tables) == set(zone_of)
    for n in numbers:
        assert tables[f"AppSubnet{n}"] == f"AppRouteTable{n}"
        assert tables[f"DataSubnet{n}"] == "DataRouteTable"
        nat_subnet = resource(foundation, f"NatGateway{n}")["SubnetId"]["Ref"]
        assert zone_of[nat_subnet] == zone_of[f"AppSubnet{n}"]


@pytest.mark.parametrize("name", [name for name in CURATED if name.startswith("endpoints")])
def test_with_endpoints_there_is_no_way_to_the_internet(name: str) -> None:
    foundation = by_part(CURATED[name])[0]
    kinds = {item["Type"] for item in foundation.template["Resources"].values()}
    assert kinds.isdisjoint(
        {"AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::Route"}
    )
    assert not resources(foundation, "EC2::EIP")
    assert set(endpoint_policies(foundation)) == NEEDED | (
        {"ecs", "ecs-agent", "ecs-telemetry"} if "ec2" in name else set()
    ) | ({"secretsmanager"} if "everything" in name else set())


def endpoint_policies(foundation: Stack) -> dict[str, Any]:
    """Return the policy of each endpoint, by the service's name."""
    return {
        endpoint["ServiceName"]["Fn::Sub"].removeprefix(
            "com.amazonaws.${AWS::Region}."
        ): endpoint.get("PolicyDocument")
        for endpoint in resources(foundation, "EC2::VPCEndpoint").values()
    }


def test_exec_has_an_endpoint_of_its_own() -> None:
    foundation = by_part(config(network={"egress": "endpoints"}, service={"exec": True}))[0]
    assert "ssmmessages" in endpoint_policies(foundation)
    assert "ssmmessages" not in endpoint_policies(by_part(CURATED["endpoints-ec2-nothing"])[0])


def test_through_an_endpoint_goes_what_is_needed_for_this_account() -> None:
    policies = endpoint_policies(by_part(CURATED["endpoints-ec2-everything"])[0])
    # AWS takes no policy for these: "only supports the full-access endpoint policy"
    assert {name for name, policy in policies.items() if not policy} == {
        "ecs-agent",
        "ecs-telemetry",
    }
    own = {"StringEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}}
    for policy in filter(None, policies.values()):
        for statement in policy["Statement"]:
            assert not any("*" in action for action in statement["Action"])
            signed_by_aws = {"ImageLayers", "AnswersOfFunctions"}
            assert statement.get("Condition") == own or statement["Sid"] in signed_by_aws
    layers, assets, _ = policies["s3"]["Statement"]
    assert layers["Resource"]["Fn::Sub"].endswith("prod-${AWS::Region}-starport-layer-bucket/*")
    assert assets["Resource"][0] == {"Fn::GetAtt": ["AssetsBucket", "Arn"]}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(configs())
def test_nothing_has_a_public_face(config: Config) -> None:
    foundation, service, _ = by_part(config)
    balancers = resources(service, "ElasticLoadBalancingV2::LoadBalancer")
    assert {balancer["Scheme"] for balancer in balancers.values()} == {"internal"}
    assert not any(s["MapPublicIpOnLaunch"] for s in resources(foundation, "EC2::Subnet").values())
    for instance in resources(foundation, "RDS::DBInstance").values():
        assert instance["PubliclyAccessible"] is False
    ecs = resource(service, "Service")["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert ecs["AssignPublicIp"] == "DISABLED"
