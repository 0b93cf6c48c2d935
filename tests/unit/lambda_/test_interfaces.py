"""The interfaces of functions in VPCs, and the roles that may have them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from underpass.policies.document import read
from underpass.policies.evaluation import Policies, Verdict, evaluate
from underpass.policies.request import Context, Principal, Request
from underpass.twin.api.asked import Asked
from underpass.twin.region.aws import Clients
from underpass.twin.region.context import Region
from underpass.twin.region.reconcile import ChangeFeed
from underpass.twin.services.ec2.model import Network, Vpc
from underpass.twin.services.lambda_.interfaces import Interfaces, keys
from underpass.twin.services.lambda_.model import VpcConfig
from underpass.twin.services.lambda_.vpc_config import forbidden, wanted

KEY = ("subnet-1", ("sg-1", "sg-2"))
OTHER = ("subnet-2", ("sg-1",))


class EC2:
    """EC2 as far as interfaces go; a full subnet has no address left."""

    region = "us-east-1"

    def __init__(self) -> None:
        self.interfaces: dict[str, dict[str, Any]] = {}
        self.full = ""
        self.asked = 0
        self._numbers = itertools.count()

    def __call__(self, _service: str) -> EC2:
        return self

    def describe_network_interfaces(self, Filters: Any) -> dict[str, Any]:
        self.asked += 1
        return {"NetworkInterfaces": list(self.interfaces.values())}

    def create_network_interface(self, SubnetId: str, Groups: Any, Description: str) -> Any:
        if SubnetId == self.full:
            raise ClientError({"Error": {"Code": "InsufficientFreeAddressesInSubnet"}}, "Create")
        made: dict[str, Any] = {
            "NetworkInterfaceId": f"eni-{next(self._numbers)}",
            "VpcId": "vpc-1",
            "SubnetId": SubnetId,
            "Groups": [{"GroupId": group} for group in Groups],
            "Description": Description,
        }
        self.interfaces[made["NetworkInterfaceId"]] = made
        return {"NetworkInterface": made}

    def delete_network_interface(self, NetworkInterfaceId: str) -> None:
        del self.interfaces[NetworkInterfaceId]


class Up:
    """Every interface is up; the VPC has no names."""

    def up(self, name: str) -> bool:
        return True

    def path(self, name: str) -> str:
        return f"/run/netns/{name}"

    def network(self) -> Network:
        return Network(vpcs=(Vpc("vpc-1", "10.0.0.0/16", dns_support=False),))


@pytest.fixture
def ec2() -> EC2:
    return EC2()


def interfaces(ec2: EC2) -> Interfaces:
    nowhere = Path("/nonexistent")
    return Interfaces(Region("us-east-1", cast(Clients, ec2), ChangeFeed(), nowhere, nowhere), Up())


def test_nobody_is_asked_while_no_function_is_in_a_vpc(ec2: EC2) -> None:
    interfaces(ec2).keep({}, set())
    assert ec2.asked == 0


def test_they_come_with_the_first_function_and_go_with_the_last(ec2: EC2) -> None:
    own = interfaces(ec2)
    vpc = VpcConfig(("subnet-1", "subnet-2"), ("sg-1",))
    assert not own.ready(vpc)
    own.keep(dict.fromkeys(keys(vpc), "f"), set())
    assert own.ready(vpc)
    assert own.place(vpc).id in ec2.interfaces
    assert [one["Description"][:21] for one in ec2.interfaces.values()] == [
        "AWS Lambda VPC ENI-f-"
    ] * 2
    own.keep({}, set())
    assert ec2.interfaces == {}
    own.keep({}, set())
    assert ec2.asked == 2


def test_one_in_which_a_function_still_runs_stays(ec2: EC2) -> None:
    own = interfaces(ec2)
    own.keep({KEY: "f"}, set())
    (name,) = ec2.interfaces
    own.keep({OTHER: "f"}, {name})
    assert len(ec2.interfaces) == 2
    own.keep({OTHER: "f"}, set())
    assert [one["SubnetId"] for one in ec2.interfaces.values()] == ["subnet-2"]


def test_what_was_made_before_a_failure_is_found_again(ec2: EC2) -> None:
    interfaces(ec2).keep({KEY: "f"}, set())
    own = interfaces(ec2)  # remembers nothing
    own.keep({KEY: "f"}, set())
    assert len(ec2.interfaces) == 1
    ec2.full = "subnet-2"
    with pytest.raises(ExceptionGroup, match="could not be made"):
        own.keep({KEY: "f", OTHER: "g"}, set())
    assert own.ready(VpcConfig(KEY[0:1], KEY[1]))
    own.keep({}, set())
    assert ec2.interfaces == {}


def test_what_a_request_asks_for() -> None:
    assert wanted(None) is None
    assert wanted({"SubnetIds": [], "SecurityGroupIds": []}) is None
    asked = {"SubnetIds": ["b", "a"], "SecurityGroupIds": ["d", "c", "c"]}
    assert wanted(asked) == VpcConfig(("a", "b"), ("c", "d"))


def policy(statements: list[dict[str, Any]]) -> Callable[[Asked], bool]:
    """Return what a role with these statements may do."""
    held = Policies((read({"Version": "2012-10-17", "Statement": statements}),))
    role = Principal("arn:aws:sts::123456789012:assumed-role/r/s")

    def may(one: Asked) -> bool:
        keys = Context(one.context, frozenset({"*"}))
        request = Request(role, one.action, one.resource, "", keys)
        return evaluate(request, held).verdict is Verdict.ALLOWED

    return may


def allow(actions: str, resource: Any = "*", **more: Any) -> dict[str, Any]:
    named = [f"ec2:{one}NetworkInterface{'s' * (one == 'Describe')}" for one in actions.split()]
    return {"Effect": "Allow", "Action": named, "Resource": resource, **more}


ARN = "arn:aws:ec2:us-east-1:123456789012"
IN_SUBNET = {"ArnEquals": {"ec2:Subnet": f"{ARN}:subnet/subnet-1"}}
USES = [f"{ARN}:subnet/subnet-1", f"{ARN}:security-group/sg-1", f"{ARN}:network-interface/*"]


@pytest.mark.parametrize(
    ("statements", "lacks"),
    [
        ([allow("Create Describe Delete")], ""),
        ([allow("Create", USES), allow("Describe"), allow("Delete", f"{ARN}:*/*")], ""),
        ([allow("Create", Condition=IN_SUBNET), allow("Describe Delete")], ""),
        ([allow("Describe Delete")], "CreateNetworkInterface"),
        ([allow("Create", USES[:1]), allow("Describe Delete")], "CreateNetworkInterface"),
        ([allow("Create Delete")], "DescribeNetworkInterfaces"),
        ([allow("Create Describe")], "DeleteNetworkInterface"),
        (
            [allow("Create Describe Delete"), {**allow("Delete"), "Effect": "Deny"}],
            "DeleteNetworkInterface",
        ),
    ],
)
def test_the_role_must_be_allowed_to_have_interfaces(
    statements: list[dict[str, Any]], lacks: str
) -> None:
    said = forbidden("us-east-1", VpcConfig(("subnet-1",), ("sg-1",)), policy(statements))
    expected = f"The provided execution role does not have permissions to call {lacks} on EC2"
    assert said == (expected if lacks else None)
