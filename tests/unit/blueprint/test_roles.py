"""Roles: exactly what each needs."""

from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from tests.unit.blueprint.configs import CURATED, configs
from tests.unit.blueprint.templates import by_part, resource, resources

from underpass.blueprint import Stack, stacks
from underpass.config.model import Config

# Actions that know no resources; https://docs.aws.amazon.com/service-authorization/latest/reference/
WITHOUT_RESOURCES = {
    *("ec2:DescribeNetworkInterfaces", "elasticloadbalancing:DescribeTargetHealth"),
    "ec2:DescribeSubnets",
    "elasticloadbalancing:DescribeListeners",
    *("ecr:GetAuthorizationToken", "ecs:DiscoverPollEndpoint"),
    "secretsmanager:GetRandomPassword",
    *("ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel"),
    *("ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"),
    "logs:DescribeLogGroups",
}


# Services that say nothing of whom they assume a role for, so that a condition would refuse them:
# EC2 and Lambda take a role of their own account only, by iam:PassRole.
SAY_NOT_FOR_WHOM = {"ec2.amazonaws.com", "lambda.amazonaws.com"}


def statements(stack: Stack) -> Iterator[dict[str, Any]]:
    for role in resources(stack, "IAM::Role").values():
        for policy in role.get("Policies", []):
            yield from policy["PolicyDocument"]["Statement"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(configs())
def test_nothing_is_allowed_on_everything_without_need(config: Config) -> None:
    for statement in (one for stack in stacks(config) for one in statements(stack)):
        assert not any("*" in action for action in statement["Action"])
        if statement["Resource"] == "*" and "Condition" not in statement:
            assert set(statement["Action"]) <= WITHOUT_RESOURCES


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(configs())
def test_no_service_is_a_confused_deputy(config: Config) -> None:
    own = {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    for stack in stacks(config):
        for role in resources(stack, "IAM::Role").values():
            (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
            if trust["Principal"]["Service"] not in SAY_NOT_FOR_WHOM:
                assert trust["Condition"]["StringEquals"] == own


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(configs())
def test_what_runs_in_the_vpc_may_do_by_its_endpoints_what_its_role_allows(config: Config) -> None:
    foundation, service, _ = by_part(config)
    by_endpoint: dict[str, set[str]] = {}
    for endpoint in resources(foundation, "EC2::VPCEndpoint").values():
        for statement in endpoint.get("PolicyDocument", {}).get("Statement", ()):
            for action in statement["Action"]:
                by_endpoint.setdefault(action.split(":")[0], set()).add(action)
    by_endpoint.pop("s3", None)  # by bucket, which the roles' statements name as well
    for name, role in resources(service, "IAM::Role").items():
        if name in {"TaskRole", "ExecutionRole", "InstanceRole"}:
            for policy in role.get("Policies", []):
                for statement in policy["PolicyDocument"]["Statement"]:
                    asked = {one for one in statement["Action"] if one.split(":")[0] in by_endpoint}
                    asked -= {"ecs:Poll", "ecs:StartTelemetrySession"}  # endpoints without policies
                    assert asked <= {action for every in by_endpoint.values() for action in every}


def test_only_the_target_group_may_be_changed() -> None:
    role = resource(by_part(CURATED["nat-ec2-nothing"])[1], "RegistrarRole")
    (changing,) = (
        statement
        for statement in role["Policies"][0]["PolicyDocument"]["Statement"]
        if "elasticloadbalancing:RegisterTargets" in statement["Action"]
    )
    assert changing["Resource"] == {"Ref": "NlbTargetGroup"}
