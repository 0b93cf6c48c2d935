"""Deletion protection goes from what never came to be, and from nothing else."""

from typing import Any

import pytest
from tests.unit.deploy.fakes import FakeCloudFormation, Told

from underpass.deploy.stacks import protection

HELD = {
    "Alb": ("arn:alb", "AWS::ElasticLoadBalancingV2::LoadBalancer"),
    "Database": ("notes-database", "AWS::RDS::DBInstance"),
    "Role": ("role", "AWS::IAM::Role"),
}


class Clients:
    """CloudFormation, and load balancers and databases that remember whose protection was lifted."""

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


@pytest.mark.parametrize(
    ("status", "lifted"),
    [
        ("ROLLBACK_FAILED", ["arn:alb", "notes-database"]),
        ("CREATE_FAILED", ["arn:alb", "notes-database"]),
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
    assert clients.lifted == ["arn:alb", "notes-database"]
    assert told.texts() == ["notes-service is DELETE_IN_PROGRESS: waiting for that to end"]


def test_a_stack_that_is_not_there_is_no_matter() -> None:
    clients = Clients(FakeCloudFormation())
    protection.lift(clients, "notes-service", Told().step)
    assert clients.lifted == []
