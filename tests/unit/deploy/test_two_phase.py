"""A cluster keeps the capacity its tasks are to leave until they have left."""

from tests.unit.blueprint.addons import QUEUE, SECTIONS
from tests.unit.blueprint.configs import config
from tests.unit.blueprint.templates import parts

from underpass.blueprint.capacity.cluster import PROVIDERS
from underpass.blueprint.stack import Stack
from underpass.deploy.stacks.two_phase import while_used

OWN = {"Ref": "CapacityProvider"}
INSTANCES = {"AutoScalingGroup", "CapacityProvider", "LaunchTemplate", "InstanceRole"}


def capacity(provider: str) -> Stack:
    return parts(config(capacity={"provider": provider})).capacity


def providers(stack: Stack) -> list[object]:
    return list(stack.template["Resources"][PROVIDERS]["Properties"]["CapacityProviders"])


def test_what_stays_is_not_touched() -> None:
    wanted = capacity("ec2")
    assert while_used(wanted, {}) is wanted
    assert while_used(wanted, capacity("ec2").template) is wanted


def test_to_fargate_the_instances_stay_for_a_while() -> None:
    wanted = capacity("fargate")
    both = while_used(wanted, capacity("ec2").template)
    assert providers(both) == ["FARGATE", OWN]
    assert both.template["Resources"].keys() > INSTANCES
    assert "InstanceImage" in both.template["Parameters"]
    assert providers(wanted) == ["FARGATE"]
    assert INSTANCES.isdisjoint(wanted.template["Resources"])


def test_to_instances_fargate_stays_for_a_while() -> None:
    wanted = capacity("ec2")
    both = while_used(wanted, capacity("fargate").template)
    assert providers(both) == [OWN, "FARGATE"]
    assert both.template["Resources"].keys() == wanted.template["Resources"].keys()


def test_the_key_is_used_through_what_it_was_until_nothing_is() -> None:
    def statements(stack: Stack) -> set[str]:
        policy = stack.template["Resources"]["Key"]["Properties"]["KeyPolicy"]
        return {one["Sid"] for one in policy["Statement"]}

    wanted = parts(config()).foundation
    both = while_used(wanted, parts(config(**SECTIONS)).foundation.template)
    assert statements(both) - statements(wanted) == {"Queues", "Tables", "TablesGrants", "Secret"}
    assert while_used(wanted, wanted.template) is wanted


def test_an_add_on_of_a_users_own_keeps_what_it_loses_too() -> None:
    (before,) = parts(config(**SECTIONS)).addons
    left = {name: one for name, one in QUEUE["Resources"].items() if name != "Table"}
    wanted = Stack("notes-addon-queue", {"Resources": left}, used=True)
    assert while_used(wanted, before.template).template["Resources"] == QUEUE["Resources"]
