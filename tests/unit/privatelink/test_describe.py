"""From EC2's descriptions of endpoints to values."""

from __future__ import annotations

from tests.unit.elbv2.conftest import OWNER, Apis

from underpass.twin.services.ec2.model import Rule
from underpass.twin.services.elbv2.describe import load_balancers
from underpass.twin.services.privatelink.describe import observe


def test_endpoints_know_their_load_balancers_and_what_these_enforce(apis: Apis) -> None:
    permission = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80}
    blocks = {"IpRanges": [{"CidrIp": "10.20.0.0/16"}]}
    apis.ec2.authorize_security_group_ingress(
        GroupId=apis.group, IpPermissions=[permission | blocks]
    )
    arn = apis.balancer("network")["LoadBalancerArn"]
    service = apis.service(arn, OWNER)["ServiceName"]
    vpc, subnets = apis.new_vpc()
    apis.endpoint(vpc, service, *subnets[:2])
    balancers = load_balancers(apis.elb)
    found = observe([apis.ec2], balancers)
    (endpoint,) = found.endpoints
    assert endpoint.balancers == (arn,)
    assert [eni.zone for eni in endpoint.enis] == ["us-east-1a", "us-east-1b"]
    assert balancers[0].enforces_inbound
    rules = (Rule("tcp", 80, 80, ("10.20.0.0/16",)),)
    assert found.inbound == ((apis.group, rules),)
