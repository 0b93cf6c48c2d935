"""Other accounts: the way in, what is each account's own, and what only the twin's own account has."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.functional.api.test_authorization import ACCOUNT, At, refused

from underpass.twin.region.accounts import accounts, entry

OTHER, NOBODYS = "555555555555", "666666666666"


@pytest.fixture(scope="module")
def at() -> At:
    return At()


def enter(at: At, arn: str, session: boto3.Session | None = None) -> boto3.Session:
    taken = at.client("sts", session).assume_role(RoleArn=arn, RoleSessionName="tests")
    key = taken["Credentials"]
    return boto3.Session(
        key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"], region_name="us-east-1"
    )


def test_the_administrator_comes_into_an_account_and_into_one_of_his_own_by_no_role(
    at: At,
) -> None:
    there = enter(at, entry(OTHER))
    assert at.client("sts", there).get_caller_identity()["Account"] == OTHER
    assert OTHER not in accounts()
    at.client("ec2", there).describe_vpcs()
    assert accounts()[0] == ACCOUNT
    assert OTHER in accounts()
    names = [one["RoleName"] for one in at.client("iam", there).list_roles()["Roles"]]
    assert names == ["OrganizationAccountAccessRole"]
    assert enter(at, entry(OTHER)), "again"
    for role in (entry(ACCOUNT), f"arn:aws:iam::{NOBODYS}:role/any", "arn:aws:iam::1:role/any"):
        with pytest.raises(
            ClientError, match="is not authorized to perform: sts:AssumeRole on resource"
        ):
            enter(at, role)


def test_nobody_else_comes_into_one_that_is_not_there(at: At) -> None:
    allowed = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
    session = at.role(allowed)
    assert "AccessDenied" in refused(
        at.client("sts", session).assume_role, RoleArn=entry(NOBODYS), RoleSessionName="tests"
    )
    # The role trusts the whole organization's account, of which this session is.
    enter(at, entry(OTHER))
    assert enter(at, entry(OTHER), session)


def test_what_is_recorded_is_each_accounts_own(at: At) -> None:
    there = enter(at, entry(OTHER))
    at.client("sqs", there).create_queue(QueueName="theirs")
    assert "QueueUrls" in at.client("sqs", there).list_queues()
    assert "QueueUrls" not in at.client("sqs").list_queues(QueueNamePrefix="theirs")


@pytest.mark.parametrize(
    ("service", "action", "given"),
    [
        ("ecs", "create_cluster", {"clusterName": "c"}),
        ("elbv2", "create_target_group", {"Name": "t"}),
        ("events", "put_rule", {"Name": "r", "ScheduleExpression": "rate(1 minute)"}),
        ("efs", "create_file_system", {}),
        ("rds", "delete_db_instance", {"DBInstanceIdentifier": "d"}),
    ],
)
def test_what_runs_is_refused_in_another_account(
    at: At, service: str, action: str, given: dict[str, Any]
) -> None:
    client = at.client(service, enter(at, entry(OTHER)))
    with pytest.raises(ClientError, match=f"in account {ACCOUNT} only; {OTHER} asks"):
        getattr(client, action)(**given)
