"""Databases, secrets that know them, buckets, repositories, file systems."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.functional.cloudformation_types.conftest import Bench

from underpass.twin.services.cloudformation.resource_type import ProvisionError


@pytest.fixture
def database(bench: Bench) -> dict[str, Any]:
    _, subnets = bench.subnets()
    group = bench.create("RDS::DBSubnetGroup", DBSubnetGroupDescription="d", SubnetIds=subnets)
    return {
        "Engine": "postgres",
        "EngineVersion": "16",
        "DBInstanceClass": "db.t4g.micro",
        "AllocatedStorage": "20",
        "DBName": "app",
        "Port": "5433",
        "MasterUsername": "notes",
        "MasterUserPassword": "not-a-secret",
        "DBSubnetGroupName": group.id,
    }


def server(bench: Bench, *statuses: str) -> None:
    """Lead every instance through ``statuses``, again each time it is modified, in the controller's stead."""
    from moto.rds.models import rds_backends

    backend = rds_backends["123456789012"]["us-east-1"]
    left = list(statuses)

    def step() -> bool:
        for instance in list(backend.databases.values()):
            instance.status = left.pop(0) if len(left) > 1 else left[0]
        return False

    bench.meanwhile("rds", step)


def test_a_database_is_made_once_it_is_available(bench: Bench, database: dict[str, Any]) -> None:
    server(bench, "creating", "backing-up", "available")
    made = bench.create("RDS::DBInstance", **database)
    assert made.attributes["Endpoint.Port"] == "5433"
    assert made.attributes["Endpoint.Address"].startswith(made.id)


def test_a_database_that_fails_is_told_and_deleted(bench: Bench, database: dict[str, Any]) -> None:
    server(bench, "creating", "incompatible-parameters")
    with pytest.raises(ProvisionError, match="became incompatible-parameters"):
        bench.create("RDS::DBInstance", **database)
    assert bench.clients("rds").describe_db_instances()["DBInstances"] == []


def test_a_database_changes_class_and_storage_in_place(
    bench: Bench, database: dict[str, Any]
) -> None:
    made = bench.create("RDS::DBInstance", **database)
    new = {**database, "DBInstanceClass": "db.t4g.small", "AllocatedStorage": "30"}
    assert bench.update("RDS::DBInstance", made, database, new).id == made.id
    found = bench.clients("rds").describe_db_instances()["DBInstances"][0]
    assert (found["DBInstanceClass"], found["AllocatedStorage"]) == ("db.t4g.small", 30)


def test_a_protected_database_is_not_deleted(bench: Bench, database: dict[str, Any]) -> None:
    protected = {**database, "DeletionProtection": "true"}
    made = bench.create("RDS::DBInstance", **protected)
    with pytest.raises(ProvisionError, match="protect"):
        bench.delete("RDS::DBInstance", made, **protected)
    bench.update("RDS::DBInstance", made, protected, {**database, "DeletionProtection": False})
    bench.delete("RDS::DBInstance", made, **database)


def test_parameters_are_set_and_reset(bench: Bench) -> None:
    old = {
        "Family": "postgres16",
        "Description": "d",
        "Parameters": {"work_mem": "640", "max_connections": "20"},
    }
    made = bench.create("RDS::DBParameterGroup", **old)
    bench.update(
        "RDS::DBParameterGroup", made, old, {**old, "Parameters": {"max_connections": "30"}}
    )
    found = bench.clients("rds").describe_db_parameters(DBParameterGroupName=made.id)["Parameters"]
    assert {one["ParameterName"]: one["ParameterValue"] for one in found} == {
        "max_connections": "30"
    }


def secret_value(bench: Bench, arn: str) -> dict[str, Any]:
    text = bench.clients("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    value: dict[str, Any] = json.loads(text)
    return value


def test_a_secret_learns_its_database_and_keeps_its_password(
    bench: Bench, database: dict[str, Any]
) -> None:
    generate = {
        "SecretStringTemplate": '{"username": "notes"}',
        "GenerateStringKey": "password",
        "PasswordLength": "24",
        "ExcludePunctuation": "true",
    }
    old = {"GenerateSecretString": generate, "Description": "one"}
    secret = bench.create("SecretsManager::Secret", **old)
    password = secret_value(bench, secret.id)["password"]
    assert len(password) == 24
    assert password.isalnum()
    made = bench.create("RDS::DBInstance", **database)
    attached = {
        "SecretId": secret.id,
        "TargetId": made.id,
        "TargetType": "AWS::RDS::DBInstance",
    }
    attachment = bench.create("SecretsManager::SecretTargetAttachment", **attached)
    assert secret_value(bench, secret.id) == {
        "username": "notes",
        "password": password,
        "engine": "postgres",
        "host": made.attributes["Endpoint.Address"],
        "port": 5433,
        "dbname": "app",
        "dbInstanceIdentifier": made.id,
    }
    bench.update("SecretsManager::Secret", secret, old, {**old, "Description": "two"})
    assert secret_value(bench, secret.id)["password"] == password
    bench.delete("SecretsManager::SecretTargetAttachment", attachment, **attached)
    assert secret_value(bench, secret.id) == {"username": "notes", "password": password}


def test_a_secret_that_is_not_an_object_cannot_be_attached(
    bench: Bench, database: dict[str, Any]
) -> None:
    secret = bench.create("SecretsManager::Secret", SecretString="just words")
    made = bench.create("RDS::DBInstance", **database)
    with pytest.raises(ProvisionError, match="not a JSON object"):
        bench.create(
            "SecretsManager::SecretTargetAttachment",
            SecretId=secret.id,
            TargetId=made.id,
            TargetType="AWS::RDS::DBInstance",
        )


def test_half_a_template_for_a_secret_is_refused(bench: Bench) -> None:
    with pytest.raises(ProvisionError, match="must be specified together"):
        bench.create("SecretsManager::Secret", GenerateSecretString={"GenerateStringKey": "a"})


def test_a_buckets_settings_are_put_and_put_back(bench: Bench) -> None:
    rule = {
        "Id": "old",
        "Status": "Enabled",
        "Prefix": "logs/",
        "ExpirationInDays": "30",
        "Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": "7"}],
        "NoncurrentVersionTransitions": [{"StorageClass": "GLACIER", "TransitionInDays": 5}],
    }
    old = {
        "VersioningConfiguration": {"Status": "Enabled"},
        "PublicAccessBlockConfiguration": {"BlockPublicAcls": "true", "BlockPublicPolicy": True},
        "LifecycleConfiguration": {"Rules": [rule]},
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
            ]
        },
        "Tags": [{"Key": "a", "Value": "b"}],
    }
    bucket = bench.create("S3::Bucket", **old)
    s3 = bench.clients("s3")
    assert s3.get_bucket_versioning(Bucket=bucket.id)["Status"] == "Enabled"
    block = s3.get_public_access_block(Bucket=bucket.id)["PublicAccessBlockConfiguration"]
    assert (block["BlockPublicAcls"], block["IgnorePublicAcls"]) == (True, False)
    found = s3.get_bucket_lifecycle_configuration(Bucket=bucket.id)["Rules"][0]
    assert found["Filter"] == {"Prefix": "logs/"}
    assert found["Expiration"] == {"Days": 30}
    assert found["Transitions"] == [{"Days": 7, "StorageClass": "GLACIER"}]
    assert found["NoncurrentVersionTransitions"] == [
        {"NoncurrentDays": 5, "StorageClass": "GLACIER"}
    ]
    bench.update("S3::Bucket", bucket, old, {})
    assert s3.get_bucket_versioning(Bucket=bucket.id)["Status"] == "Suspended"
    for gone in (s3.get_bucket_lifecycle_configuration, s3.get_bucket_tagging):
        with pytest.raises(s3.exceptions.ClientError, match="NoSuch"):
            gone(Bucket=bucket.id)


def test_a_policy_denies_what_it_says_and_not_what_has_a_condition(bench: Bench) -> None:
    bucket = bench.create("S3::Bucket")

    def deny(action: str, **more: Any) -> dict[str, Any]:
        resource = f"{bucket.attributes['Arn']}/*"
        denied = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": resource}
        return {**denied, **more}

    only_tls = deny("s3:*", Condition={"Bool": {"aws:SecureTransport": "false"}})
    old = {"Bucket": bucket.id, "PolicyDocument": {"Statement": [only_tls]}}
    policy = bench.create("S3::BucketPolicy", **old)
    s3 = bench.clients("s3")
    s3.put_object(Bucket=bucket.id, Key="a", Body=b"a")
    no_reading = {"Statement": [only_tls, deny("s3:GetObject")]}
    bench.update(
        "S3::BucketPolicy", policy, old, {"Bucket": bucket.id, "PolicyDocument": no_reading}
    )
    with pytest.raises(s3.exceptions.ClientError, match=r"403|AccessDenied"):
        s3.get_object(Bucket=bucket.id, Key="a")


def test_a_bucket_that_is_not_empty_is_not_deleted(bench: Bench) -> None:
    bucket = bench.create("S3::Bucket")
    bench.clients("s3").put_object(Bucket=bucket.id, Key="a", Body=b"")
    with pytest.raises(ProvisionError, match="not empty"):
        bench.delete("S3::Bucket", bucket)


@pytest.mark.parametrize("empty_on_delete", ["true", False])
def test_a_repository_with_images_goes_only_if_it_may(bench: Bench, empty_on_delete: Any) -> None:
    properties = {"EmptyOnDelete": empty_on_delete}
    repository = bench.create("ECR::Repository", **properties)
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "layers": []})
    ecr = bench.clients("ecr")
    ecr.put_image(repositoryName=repository.id, imageManifest=manifest, imageTag="1")
    if empty_on_delete:
        bench.delete("ECR::Repository", repository, **properties)
        assert ecr.describe_repositories()["repositories"] == []
    else:
        with pytest.raises(ProvisionError, match="images"):
            bench.delete("ECR::Repository", repository, **properties)


def test_one_mount_target_a_zone_as_on_aws(bench: Bench) -> None:
    vpc, subnets = bench.subnets()
    files = bench.create("EFS::FileSystem", Encrypted=True).id
    group = bench.create("EC2::SecurityGroup", GroupDescription="d", VpcId=vpc).id
    wanted = {"FileSystemId": files, "SubnetId": subnets[0], "SecurityGroups": [group]}
    bench.create("EFS::MountTarget", **wanted)
    with pytest.raises(ProvisionError, match="already exists in this AZ"):
        bench.create("EFS::MountTarget", **wanted)
