"""The endpoint service's own name and regions, and what a consumer elsewhere needs to know."""

from __future__ import annotations

from tests.unit.blueprint.configs import CURATED
from tests.unit.blueprint.templates import asked, by_part, resource


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
    assert (rule["CidrIp"], rule["FromPort"]) == ({"Ref": "ConsumerCidr"}, 80)
