"""The role that CloudFormation is given for a stack: it has to be one that CloudFormation may assume."""

from typing import Any

import pytest
from tests.unit.cloudformation_service.fakes import Cloud, template

from underpass.twin.services.cloudformation.model import ApiError

ARN = "arn:aws:iam::123456789012:role/exec"


def trusting(service: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.fixture
def cloud() -> Cloud:
    cloud = Cloud()
    cloud.services.roles["exec"] = trusting("cloudformation.amazonaws.com")
    return cloud


def test_a_stack_keeps_the_role_it_was_made_with(cloud: Cloud) -> None:
    assert cloud.deploy(template({"A": {}}), RoleARN=ARN) == "CREATE_COMPLETE"
    assert cloud.deploy(template({"A": {"Size": 2}})) == "UPDATE_COMPLETE"
    assert cloud.stack()["RoleARN"] == ARN
    other = ARN.replace("exec", "other")
    cloud.services.roles["other"] = trusting("cloudformation.amazonaws.com")
    cloud.deploy(template({"A": {"Size": 3}}), RoleARN=other)
    assert cloud.stack()["RoleARN"] == other


@pytest.mark.parametrize("service", ["", "ecs-tasks.amazonaws.com"])
def test_a_role_that_cannot_be_assumed_is_refused_as_in_aws(cloud: Cloud, service: str) -> None:
    assert cloud.deploy(template({"A": {}}), RoleARN=ARN) == "CREATE_COMPLETE"
    cloud.services.roles = {"exec": trusting(service)} if service else {}
    words = f"Role {ARN} is invalid or cannot be assumed"
    for act in (
        lambda: cloud.plan(template({"B": {}}), stack="t", RoleARN=ARN),
        lambda: cloud.plan(template({"B": {}})),
        lambda: cloud.delete(),
    ):
        with pytest.raises(ApiError, match=words) as caught:
            act()
        assert caught.value.code == "ValidationError"
