"""Deletion protection goes from what never came to be, and from nothing else."""

from typing import Any

import pytest
from tests.unit.deploy.fakes import FakeCloudFormation, Told

from underpass.deploy.stacks import protection
from underpass.deploy.stacks.events import StackEvent

HELD = {
    "Alb": ("arn:alb", "AWS::ElasticLoadBalancingV2::LoadBalancer"),
    "Database": ("notes-database", "AWS::RDS::DBInstance"),
    "Group": ("notes-group", protection.GROUP),
    "Role": ("role", "AWS::IAM::Role"),
}
LIFTED = ["arn:alb", "notes-database", "notes-group", *(f"i-{number}" for number in range(60))]


class Clients:
    """CloudFormation, and what it holds, which remembers whose protection was lifted."""

    def __init__(self, cloudformation: FakeCloudFormation) -> None:
        self.cloudformation = cloudformation
        self.lifted: list[str] = []

    def __call__(self, service: str) -> Any:
        return self.cloudformation if service == "cloudformation" else self

    def modify_load_balancer_attributes(self, LoadBalancerArn: str, Attributes: Any) -> None:
        assert Attributes == [{"Key": "deletion_protection.enabled", "Value": "false"}]
        self.lifted.append(LoadBalancerArn)

    def modify_db_instance(self, DBInstanceIdentifier: str, **more: Any) -> None:
        assert more == {"DeletionProtection": False, "ApplyImmediately": True}
        self.lifted.append(DBInstanceIdentifier)

    def describe_auto_scaling_groups(self, AutoScalingGroupNames: list[str]) -> Any:
        instances = [
            {"InstanceId": f"i-{number}", "ProtectedFromScaleIn": number < 60}
            for number in range(65)
        ]
        named = [name for name in AutoScalingGroupNames if name == "notes-group"]
        return {"AutoScalingGroups": [{"Instances": instances} for _ in named]}

    def update_auto_scaling_group(self, AutoScalingGroupName: str, **more: Any) -> None:
        assert more == {"NewInstancesProtectedFromScaleIn": False}
        self.lifted.append(AutoScalingGroupName)

    def set_instance_protection(self, InstanceIds: list[str], **more: Any) -> None:
        assert more == {"AutoScalingGroupName": "notes-group", "ProtectedFromScaleIn": False}
        assert len(InstanceIds) <= 50
        self.lifted.extend(InstanceIds)


@pytest.mark.parametrize(
    ("status", "lifted"),
    [
        ("ROLLBACK_FAILED", LIFTED),
        ("CREATE_FAILED", LIFTED),
        ("CREATE_COMPLETE", []),
        ("UPDATE_ROLLBACK_COMPLETE", []),
        ("DELETE_FAILED", []),  # somebody tried to delete what once stood
    ],
)
def test_only_what_never_stood_loses_its_protection(status: str, lifted: list[str]) -> None:
    clients = Clients(FakeCloudFormation())
    clients.cloudformation.has("notes-service", status).physical = dict(HELD)
    protection.lift(clients, "notes-service", Told().step)
    assert clients.lifted == lifted


def test_a_rollback_under_way_is_waited_for() -> None:
    clients, told = Clients(FakeCloudFormation()), Told()
    there = clients.cloudformation.has("notes-service", "CREATE_COMPLETE")
    there.physical = dict(HELD)
    there.status = "DELETE_IN_PROGRESS"
    there.to_come = [
        ("Role", "AWS::IAM::Role", "DELETE_IN_PROGRESS", ""),
        ("notes-service", "AWS::CloudFormation::Stack", "ROLLBACK_FAILED", ""),
    ]
    protection.lift(clients, "notes-service", told.step)
    assert clients.lifted == LIFTED
    assert told.texts() == ["notes-service is DELETE_IN_PROGRESS: waiting for that to end"]


def test_a_stack_that_is_not_there_is_no_matter() -> None:
    clients = Clients(FakeCloudFormation())
    protection.lift(clients, "notes-service", Told().step)
    assert clients.lifted == []


@pytest.mark.parametrize(
    ("name", "status", "lifted"),
    [
        ("notes-group", "DELETE_IN_PROGRESS", LIFTED[2:]),
        ("notes-group", "DELETE_COMPLETE", []),
        ("notes-group", "UPDATE_IN_PROGRESS", []),
        ("another", "DELETE_IN_PROGRESS", []),  # gone before anybody looked
    ],
)
def test_instances_of_a_group_that_is_deleted_may_go(
    name: str, status: str, lifted: list[str]
) -> None:
    clients = Clients(FakeCloudFormation())
    events = [StackEvent("1", "Group", name, protection.GROUP, status)]
    events.append(StackEvent("2", "Role", "role", "AWS::IAM::Role", status))
    protection.release(clients, events)
    assert clients.lifted == lifted
