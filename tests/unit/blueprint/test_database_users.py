"""The application's own user: who has which secret, who makes it, and by which ways."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.blueprint.configs import CURATED, EVERYTHING, EXISTING, WINDOWS, config
from tests.unit.blueprint.templates import by_part, parts, resource

ENDPOINTS = {"egress": "endpoints"}


def rotated(**network: Any) -> Any:
    sections = {**EVERYTHING, "database": {"rotation_days": 30}}
    return config(**sections, network=network)


def statements(properties: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = properties["Policies"][0]["PolicyDocument"]["Statement"]
    return found


@pytest.mark.parametrize("name", ["nat-ec2-everything", "rotation-mariadb", "mysql-8.4"])
def test_no_release_changes_how_a_password_is_made(name: str) -> None:
    """CloudFormation would make another one, which the database does not know."""
    foundation = by_part(CURATED[name])[0]
    for title, user in (("DatabaseSecret", "underpass"), ("DatabaseUserSecret", "application_a")):
        assert resource(foundation, title)["GenerateSecretString"] == {
            "SecretStringTemplate": json.dumps({"username": user}),
            "GenerateStringKey": "password",
            "PasswordLength": 32,
            "ExcludePunctuation": True,
        }


def test_tasks_have_the_applications_secret_and_nothing_of_the_administrators() -> None:
    service = by_part(rotated())[1]
    for title in ("TaskDefinition", "ExecutionRole", "TaskRole"):
        assert "DatabaseSecretArn" not in json.dumps(resource(service, title))
    assert "DatabaseUserSecretArn" in json.dumps(resource(service, "ExecutionRole"))


def test_an_instance_made_anew_is_another_task_definition() -> None:
    (container,) = resource(by_part(rotated())[1], "TaskDefinition")["ContainerDefinitions"]
    assert container["DockerLabels"] == {"underpass.database": {"Ref": "DatabaseInstanceId"}}


def test_the_user_is_made_after_the_foundation_and_again_for_another_instance() -> None:
    """In a stack of its own: routes, endpoints, groups and secrets are there before, and when it goes."""
    each = parts(rotated())
    assert each.database
    user = each.database.template["Resources"]["DatabaseUser"]
    assert user["Type"] == "Custom::DatabaseUser"
    assert user["Properties"]["ServiceToken"] == {"Fn::GetAtt": ["DatabaseUserFunction", "Arn"]}
    assert user["Properties"]["Instance"] == {"Ref": "DatabaseInstanceId"}
    assert user["Properties"]["Secret"] == {"Ref": "DatabaseUserSecretArn"}
    assert not each.foundation.template["Resources"].keys() & {"DatabaseUser"}
    longest = resource(each.database, "DatabaseUserFunction")["Timeout"]
    assert longest < user["Properties"]["ServiceTimeout"] <= 3600
    assert parts(config()).database is None


@pytest.mark.parametrize("network", [{}, ENDPOINTS, EXISTING, {**EXISTING, **ENDPOINTS}])
def test_the_functions_reach_the_database_and_aws_in_a_group_of_their_own(
    network: dict[str, Any],
) -> None:
    foundation, service, *_ = by_part(rotated(**network))
    group = {"Fn::GetAtt": ["DatabaseUserSecurityGroup", "GroupId"]}
    for function in ("DatabaseUserFunction", "RotationFunction"):
        assert resource(service, function)["VpcConfig"] == {
            "SubnetIds": {"Fn::Split": [",", {"Ref": "AppSubnetIds"}]},
            "SecurityGroupIds": [{"Ref": "DatabaseUserSecurityGroupId"}],
        }
    assert foundation.template["Outputs"]["DatabaseUserSecurityGroupId"]["Value"] == group
    admitted = resource(foundation, "DatabaseSecurityGroup")["SecurityGroupIngress"]
    assert group in [rule["SourceSecurityGroupId"] for rule in admitted]
    out = resource(foundation, "DatabaseUserSecurityGroup")["SecurityGroupEgress"]
    assert 443 in {rule.get("FromPort") for rule in out}
    assert "SecurityGroupIngress" not in resource(foundation, "DatabaseUserSecurityGroup")


def test_without_a_way_to_the_internet_its_calls_and_its_answer_pass_the_endpoints() -> None:
    foundation = by_part(rotated(**ENDPOINTS))[0]

    def through(title: str) -> set[str]:
        found = resource(foundation, title)["PolicyDocument"]["Statement"]
        return {action for one in found for action in one["Action"]}

    service = by_part(rotated())[1]
    for title in ("DatabaseUserRole", "RotationRole"):
        role = resource(service, title)
        wanted = {action for one in statements(role) for action in one["Action"]}
        assert {one for one in wanted if one.startswith("secretsmanager:")} <= through(
            "SecretsManagerEndpoint"
        )
        assert {one for one in wanted if one.startswith("ecs:")} <= through("EcsEndpoint")
    policy = resource(foundation, "S3Endpoint")["PolicyDocument"]["Statement"]
    (answers,) = (one for one in policy if one["Action"] == ["s3:PutObject"])
    bucket, region = answers["Resource"]["Fn::Sub"]
    assert bucket.endswith(":::cloudformation-custom-resource-response-${Region}/*")
    assert region == {"Region": {"Fn::Join": ["", {"Fn::Split": ["-", {"Ref": "AWS::Region"}]}]}}
    assert "Condition" not in answers  # CloudFormation signed it


def test_fargate_without_the_internet_has_ecs_endpoint_for_rotations_only() -> None:
    fargate = {"capacity": {"provider": "fargate"}, "network": ENDPOINTS}
    still = by_part(config(database={}, **fargate))[0].template["Resources"]
    assert "EcsEndpoint" not in still
    moving = by_part(config(database={"rotation_days": 3}, **fargate))[0]
    (allowed,) = resource(moving, "EcsEndpoint")["PolicyDocument"]["Statement"]
    assert allowed["Action"] == ["ecs:DescribeServices", "ecs:UpdateService"]


def test_both_secrets_are_rotated_after_they_may_be_and_not_during_a_release() -> None:
    service = by_part(rotated())[1]
    for title, secret in (
        ("RotationSchedule", "DatabaseUserSecretArn"),
        ("AdministratorRotationSchedule", "DatabaseSecretArn"),
    ):
        schedule = resource(service, title)
        assert schedule["SecretId"] == {"Ref": secret}
        assert schedule["RotationRules"] == {"AutomaticallyAfterDays": 30}
        assert schedule["RotateImmediatelyOnUpdate"] is False
        assert service.template["Resources"][title]["DependsOn"] == "RotationPermission"
    permission = resource(service, "RotationPermission")
    assert permission["Principal"] == "secretsmanager.amazonaws.com"
    assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert "rds:" not in json.dumps(resource(service, "RotationRole"))
    assert service.template["Outputs"]["RotationFunctionName"]["Value"] == {
        "Ref": "RotationFunction"
    }
    assert "RotationSchedule" not in by_part(CURATED["nat-ec2-everything"])[1].template["Resources"]


def test_windows_are_said_as_aws_says_them() -> None:
    foundation, service, *_ = by_part(config(database=WINDOWS))
    rules = {"ScheduleExpression": "cron(0 3 ? * SUN *)", "Duration": "2h"}
    assert resource(service, "RotationSchedule")["RotationRules"] == rules
    instance = resource(foundation, "DatabaseInstance")
    assert instance["PreferredMaintenanceWindow"] == "sun:03:00-sun:04:00"
    assert instance["PreferredBackupWindow"] == "01:00-02:00"
    assert "PreferredBackupWindow" not in resource(by_part(rotated())[0], "DatabaseInstance")


def test_passwords_in_statements_are_not_logged_and_changes_of_structure_are() -> None:
    settings = resource(by_part(rotated())[0], "DatabaseParameters")["Parameters"]
    assert settings["log_statement"] == "none"
    assert settings["pgaudit.log"] == "ddl"
    assert "pgaudit" in settings["shared_preload_libraries"].split(",")
    assert settings["rds.force_ssl"] == "1"
