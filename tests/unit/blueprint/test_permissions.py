"""What templates have for the application's own secrets, permissions and policies."""

from __future__ import annotations

from typing import Any

from tests.unit.blueprint.configs import CURATED, PERMISSIONS, SECRETS, UPLOADS, config
from tests.unit.blueprint.templates import by_part, resource, resources

from underpass.blueprint import stacks
from underpass.config.model import Config

ASSETS = {"assets": {"source": "static/"}}
KEY = "arn:aws:secretsmanager:us-east-1:111111111111:secret:notes/key-AbCdEf"


def container(one: Config) -> dict[str, Any]:
    (found,) = resource(by_part(one)[1], "TaskDefinition")["ContainerDefinitions"]
    return dict(found)


def allowed(one: Config, role: str) -> list[dict[str, Any]]:
    policy = resource(by_part(one)[1], role)["Policies"][0]["PolicyDocument"]
    return list(policy["Statement"])


def test_each_variable_is_read_from_where_it_is() -> None:
    found = container(config(service={"secrets": SECRETS}))
    assert {one["Name"]: one["ValueFrom"] for one in found["Secrets"]} == SECRETS | {
        "LEVEL": {
            "Fn::Sub": "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/notes/level"
        }
    }
    assert found["DockerLabels"] == {"underpass.secrets": {"Ref": "SecretVersions"}}


def test_they_stand_beside_the_databases() -> None:
    found = container(config(service={"secrets": SECRETS}, database={}))
    assert len(found["Secrets"]) == 5 + len(SECRETS)
    assert {*found["DockerLabels"]} == {"underpass.database", "underpass.secrets"}


def test_what_starts_tasks_reads_those_and_their_keys() -> None:
    of_secrets = [
        one
        for one in allowed(
            config(service={"secrets": {"A": KEY, "B": f"{KEY}:k::"}}), "ExecutionRole"
        )
        if {"kms:Decrypt", "secretsmanager:GetSecretValue"} & {*one["Action"]}
    ]
    via = {"Fn::Sub": "secretsmanager.us-east-1.${AWS::URLSuffix}"}
    assert of_secrets == [
        {"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue"], "Resource": [KEY]},
        {
            "Effect": "Allow",
            "Action": ["kms:Decrypt"],
            "Resource": "arn:aws:kms:us-east-1:111111111111:key/*",
            "Condition": {
                "StringEquals": {"kms:ViaService": via},
                "StringLike": {"kms:EncryptionContext:SecretARN": [KEY]},
            },
        },
    ]


def test_an_arn_without_its_end_is_any_with_six_characters() -> None:
    (read,) = (
        one
        for one in allowed(
            config(service={"secrets": {"A": KEY.removesuffix("-AbCdEf")}}), "ExecutionRole"
        )
        if "secretsmanager:GetSecretValue" in one["Action"]
    )
    assert read["Resource"] == [KEY.removesuffix("AbCdEf") + "??????"]


def test_without_the_internet_there_is_an_endpoint_for_what_is_read() -> None:
    alone = {"egress": "endpoints"}
    for secrets, titles in (
        ({}, set()),
        ({"A": KEY}, {"SecretsManagerEndpoint"}),
        ({"A": "ssm:/a"}, {"SsmEndpoint"}),
    ):
        foundation = by_part(config(network=alone, service={"secrets": secrets}))[0]
        found = {*resources(foundation, "EC2::VPCEndpoint")}
        assert found & {"SecretsManagerEndpoint", "SsmEndpoint"} == titles


def test_a_permission_is_a_statement_with_what_its_names_stand_for() -> None:
    found = allowed(config(service={"permissions": [*PERMISSIONS, *UPLOADS]}, **ASSETS), "TaskRole")
    uploads = "arn:${AWS::Partition}:s3:::${BucketName}/uploads/${!aws:PrincipalTag/team}/*"
    assert {
        "Effect": "Allow",
        "Action": ["s3:PutObject", "s3:DeleteObject"],
        "Resource": {"Fn::Sub": uploads},
        "Condition": {"StringEquals": {"s3:x-amz-storage-class": ["STANDARD", "STANDARD_IA"]}},
    } in found
    assert {
        "Effect": "Allow",
        "Action": ["sqs:SendMessage", "sqs:GetQueueUrl"],
        "Resource": "arn:aws:sqs:us-east-1:111111111111:jobs",
    } in found


def test_who_writes_to_the_assets_may_encrypt_what_is_written() -> None:
    def encrypts(*actions: str) -> bool:
        asked = [{"actions": list(actions), "resources": ["{assets}/*"]}]
        found = allowed(config(service={"permissions": asked}, **ASSETS), "TaskRole")
        return any("kms:GenerateDataKey" in one["Action"] for one in found)

    assert encrypts("s3:PutObject")
    assert encrypts("s3:*")
    assert encrypts("s3:Put*")
    assert not encrypts("s3:DeleteObject")


def test_the_endpoint_to_s3_lets_through_what_is_allowed_on_the_assets() -> None:
    asked = config(network={"egress": "endpoints"}, service={"permissions": UPLOADS}, **ASSETS)
    policy = resource(by_part(asked)[0], "S3Endpoint")["PolicyDocument"]
    (assets,) = (one for one in policy["Statement"] if one["Sid"] == "Assets")
    assert {"s3:DeleteObject", "s3:GetObject", "s3:PutObject"} <= {*assets["Action"]}


def test_the_key_allows_what_a_permission_names_it_for() -> None:
    policy = resource(by_part(config(service={"permissions": PERMISSIONS}))[0], "Key")["KeyPolicy"]
    (own,) = (one for one in policy["Statement"] if one["Sid"] == "Application")
    assert own["Action"] == ["kms:Encrypt"]
    assert own["Condition"] == {"StringEquals": {"kms:CallerAccount": {"Ref": "AWS::AccountId"}}}


def test_the_policies_are_the_task_roles() -> None:
    named = ["arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::111111111111:policy/notes"]
    service = by_part(config(service={"policies": named}))[1]
    assert resource(service, "TaskRole")["ManagedPolicyArns"] == named
    assert "ManagedPolicyArns" not in resource(service, "ExecutionRole")


def test_without_any_of_it_nothing_is_said_of_it() -> None:
    for stack in stacks(CURATED["nat-ec2-nothing"]):
        text = stack.text()
        assert "underpass.secrets" not in text
        assert "SecretVersions" not in text
