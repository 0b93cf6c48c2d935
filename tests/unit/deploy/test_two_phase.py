"""A cluster keeps the capacity its tasks are to leave until they have left."""

from tests.unit.blueprint.configs import config
from tests.unit.blueprint.templates import by_part

from underpass.blueprint.capacity.cluster import PROVIDERS
from underpass.blueprint.stack import Stack
from underpass.deploy.stacks.two_phase import moving

OWN = {"Ref": "CapacityProvider"}
INSTANCES = {"AutoScalingGroup", "CapacityProvider", "LaunchTemplate", "InstanceRole"}


def service(provider: str) -> Stack:
    return by_part(config(capacity={"provider": provider}))[1]


def providers(stack: Stack) -> list[object]:
    return list(stack.template["Resources"][PROVIDERS]["Properties"]["CapacityProviders"])


def test_what_stays_is_not_touched() -> None:
    wanted = service("ec2")
    assert moving(wanted, {}) is wanted
    assert moving(wanted, service("ec2").template) is wanted


def test_to_fargate_the_instances_stay_for_a_while() -> None:
    wanted = service("fargate")
    both = moving(wanted, service("ec2").template)
    assert providers(both) == ["FARGATE", OWN]
    assert both.template["Resources"].keys() > INSTANCES
    assert both.template["Resources"]["Service"] == wanted.template["Resources"]["Service"]
    assert "InstanceImage" in both.template["Parameters"]
    assert providers(wanted) == ["FARGATE"]
    assert INSTANCES.isdisjoint(wanted.template["Resources"])


def test_to_instances_fargate_stays_for_a_while() -> None:
    wanted = service("ec2")
    both = moving(wanted, service("fargate").template)
    assert providers(both) == [OWN, "FARGATE"]
    assert both.template["Resources"].keys() == wanted.template["Resources"].keys()
