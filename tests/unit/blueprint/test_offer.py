"""The endpoint service's own name and regions, and what a consumer elsewhere needs to know."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.blueprint.configs import CURATED, EXISTING, config
from tests.unit.blueprint.templates import asked, by_part, parts, resource, resources

from underpass.blueprint import Stack
from underpass.cloudformation import graph
from underpass.cloudformation.template import from_document

ENFORCES = "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"


def test_a_name_and_regions_of_its_own() -> None:
    _, service, (consumer,) = by_part(CURATED["offered-elsewhere"])
    offered = resource(service, "EndpointService")
    assert offered["PrivateDnsName"] == "notes.example.com"
    assert offered["SupportedRegions"] == [{"Ref": "AWS::Region"}, "eu-west-1", "us-west-2"]
    assert resource(consumer, "Endpoint")["ServiceRegion"] == {"Ref": "EndpointServiceRegion"}
    assert consumer.template["Parameters"]["EndpointServiceRegion"]["Default"] == "us-east-1"


def test_neither_unless_asked_for() -> None:
    _, service, (consumer,) = by_part(CURATED["nat-ec2-everything"])
    offered = resource(service, "EndpointService")
    assert not {"PrivateDnsName", "SupportedRegions"} & offered.keys()
    assert "ServiceRegion" not in resource(consumer, "Endpoint")


def test_a_consumer_stands_by_itself() -> None:
    _, _, (consumer,) = by_part(CURATED["nat-ec2-everything"])
    assert asked(consumer) == {"EndpointServiceName", "VpcId", "SubnetIds"}
    group = resource(consumer, "EndpointSecurityGroup")
    (rule,) = group["SecurityGroupIngress"]
    assert (rule["CidrIp"], rule["FromPort"]) == ("10.20.0.0/16", 80)


def test_each_block_of_a_consumer_is_a_rule_on_both_sides() -> None:
    _, service, (one, two) = by_part(CURATED["consumers-beyond"])
    theirs = {"10.1.0.0/16", "100.64.0.0/16", "10.9.9.0/30"}
    rules = resource(one, "EndpointSecurityGroup")["SecurityGroupIngress"]
    assert {rule["CidrIp"] for rule in rules} == theirs
    assert admitted(service, "NlbSecurityGroup") == theirs | {"10.2.0.0/16"}
    assert (one.region, two.region) == ("", "eu-west-1")


def test_a_consumers_region_is_one_the_service_is_offered_in() -> None:
    _, service, (_, two) = by_part(CURATED["consumers-beyond"])
    regions = resource(service, "EndpointService")["SupportedRegions"]
    assert regions == [{"Ref": "AWS::Region"}, "eu-west-1"]
    assert resource(two, "Endpoint")["ServiceRegion"] == {"Ref": "EndpointServiceRegion"}
    here = parts(config(consumers=[{"name": "one", "region": "us-east-1"}])).path
    assert "SupportedRegions" not in resource(here, "EndpointService")


def admitted(service: Stack, group: str) -> set[str]:
    """Return the blocks that rules let into a group."""
    assert "SecurityGroupIngress" not in resource(service, group), "its rules are resources"
    of_group = {"Fn::GetAtt": [group, "GroupId"]}
    rules = resources(service, "EC2::SecurityGroupIngress").values()
    return {one["CidrIp"] for one in rules if one["GroupId"] == of_group and "CidrIp" in one}


def test_those_in_allow_are_admitted_by_their_blocks() -> None:
    _, service, _ = by_part(CURATED["consumers-elsewhere"])
    theirs = {"10.8.0.0/16", "192.0.2.7/32"}
    assert admitted(service, "NlbSecurityGroup") == theirs | {"10.1.0.0/16", "10.20.0.0/16"}
    alone = parts(config(privatelink={"allow": ["*"], "allow_cidrs": ["10.8.0.0/16"]})).path
    assert resource(alone, "Nlb")[ENFORCES] == "on"
    assert admitted(alone, "NlbSecurityGroup") == {"10.8.0.0/16"}


def test_not_enforced_the_alb_admits_the_nlbs_addresses_whoever_the_consumers_are() -> None:
    _, service, (consumer,) = by_part(CURATED["consumers-not-enforced"])
    assert resource(service, "Nlb")[ENFORCES] == "off"
    assert not admitted(service, "NlbSecurityGroup")
    assert len(admitted(service, "AlbSecurityGroup")) == 2
    assert resource(consumer, "EndpointSecurityGroup")["SecurityGroupIngress"]


def test_the_account_of_a_role_may_ask_for_an_endpoint() -> None:
    _, service, _ = by_part(CURATED["consumer-by-role"])
    allowed = resource(service, "EndpointServicePermissions")["AllowedPrincipals"]
    assert {"Fn::Sub": "arn:${AWS::Partition}:iam::444444444444:root"} in allowed


def steps(before: Stack, after: Stack) -> list[str]:
    """Return what CloudFormation does, in its order: what is new or changed, then what is gone."""
    old, new = (one.template["Resources"] for one in (before, after))
    order = graph.order(graph.dependencies(from_document(after.template), {}))
    changed = [name for name in order if old.get(name) != new[name]]
    return [*changed, *(f"-{name}" for name in old if name not in new)]


@pytest.mark.parametrize(
    "named",
    [
        {"consumers": [{"name": "one"}]},
        {"privatelink": {"allow_cidrs": ["10.8.0.0/16"]}},
        {"network": EXISTING | {"zones": 3}, "consumers": [{"name": "one"}]},
    ],
)
def test_whoever_gets_in_before_and_after_is_never_shut_out_between(named: dict[str, Any]) -> None:
    network = {"network": named["network"]} if "network" in named else {}
    off, on = parts(config(**network)).path, parts(config(**named)).path
    for before, after in ((off, on), (on, off)):
        done = [one for one in steps(before, after) if "Ingress" in one or one == "Nlb"]
        at = done.index("Nlb")
        rules = resources(after, "EC2::SecurityGroupIngress").keys()
        entry = {one for one in rules if one.startswith(("NlbIngress", "AlbIngress"))}
        assert set(done[:at]) == entry, "every rule of the new way is there when the NLB is told"
        needs = graph.dependencies(from_document(after.template), {})["Nlb"]
        assert needs >= entry, "and not by chance"
        assert done[at + 1 :]
        assert all(one.startswith("-") for one in done[at + 1 :]), "the old way goes last"
        assert not {"AlbSecurityGroup", "NlbSecurityGroup"} & {*steps(before, after)}


def test_a_change_of_the_blocks_makes_rules_before_it_takes_some_away() -> None:
    def named(*blocks: str) -> Stack:
        return parts(config(consumers=[{"name": "one", "cidrs": blocks}])).path

    done = steps(named("10.1.0.0/16", "10.2.0.0/16"), named("10.2.0.0/16", "10.3.0.0/16"))
    rules = [one for one in done if "Ingress" in one]
    assert rules == ["NlbIngressFrom10x3x0x0x16", "-NlbIngressFrom10x1x0x0x16"]


def test_a_private_name_that_is_given_up_is_told_to_the_consumers_stack() -> None:
    """A parameter that nobody gives a value keeps the one it has."""
    link = {"private_dns_name": "notes.example.com"}
    for wanted in (True, False):
        (consumer,) = parts(
            config(privatelink=link, consumers=[{"name": "one", "private_dns": wanted}])
        ).consumers
        assert consumer.parameters["PrivateDnsEnabled"] == str(wanted).lower()


@pytest.mark.parametrize("name", [*CURATED])
def test_only_protection_and_what_secrets_hold_are_left_to_a_parameters_default(name: str) -> None:
    """All other values are the configuration's or a deployment's, and may change with it.

    What starts new tasks for new secrets a deployment looks up where it may.
    """
    each = parts(CURATED[name])
    for stack in (*each[:5], *each.consumers):
        parameters = stack.template.get("Parameters", {})
        defaulted = {one for one, value in parameters.items() if "Default" in value}
        assert defaulted - {*stack.parameters} <= {
            "Protect",
            "SecretVersions",
            "SidecarSecretVersions",
        }


def test_the_proof_of_a_private_name_is_an_output_and_its_use_a_parameter() -> None:
    _, service, (consumer,) = by_part(CURATED["offered-elsewhere"])
    outputs = service.template["Outputs"]
    for part in ("Name", "Value", "State"):
        found = {"Fn::GetAtt": ["EndpointService", f"PrivateDnsNameConfiguration.{part}"]}
        assert outputs[f"PrivateDnsName{part}"]["Value"] == found
    assert resource(consumer, "Endpoint")["PrivateDnsEnabled"] == {"Ref": "PrivateDnsEnabled"}
    assert consumer.template["Parameters"]["PrivateDnsEnabled"]["Default"] == "false"
    assert consumer.parameters["PrivateDnsEnabled"] == "true"
    _, without, (plain,) = by_part(CURATED["nat-ec2-everything"])
    assert not any(name.startswith("PrivateDns") for name in without.template["Outputs"])
    assert resource(plain, "Endpoint")["PrivateDnsEnabled"] is False


@pytest.mark.parametrize("to_tasks", [True, False])
def test_tls_goes_to_the_tasks_when_asked(*, to_tasks: bool) -> None:
    _, service, _ = by_part(CURATED["tls-to-tasks" if to_tasks else "tls"])
    group = resource(service, "AlbTargetGroup")
    wanted = "HTTPS" if to_tasks else "HTTP"
    assert (group["Protocol"], group["HealthCheckProtocol"]) == (wanted, wanted)
