"""What holds data: kept, encrypted, closed, and changed without being replaced."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from tests.unit.blueprint.configs import CURATED, EVERYTHING, config, configs
from tests.unit.blueprint.templates import by_part, resource, resources

from underpass.blueprint import stacks
from underpass.blueprint.logs import AUDITED
from underpass.config.model import Config

drawn = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Every type of AWS that keeps something, whether or not it is used here, and what may become of it.
STATEFUL = {
    "AWS::Backup::BackupVault": {"Retain"},
    "AWS::DynamoDB::Table": {"Retain"},
    "AWS::EC2::Volume": {"Retain", "Snapshot"},
    "AWS::ECR::Repository": {"Delete", "Retain"},
    "AWS::EFS::FileSystem": {"Retain"},
    "AWS::KMS::Key": {"Retain"},
    "AWS::Logs::LogGroup": {"Delete", "Retain"},
    "AWS::RDS::DBCluster": {"Snapshot", "Retain"},
    "AWS::RDS::DBInstance": {"Snapshot", "Retain"},
    "AWS::S3::Bucket": {"Retain"},
    "AWS::SQS::Queue": {"Delete", "Retain"},  # the registrar's holds nothing but the wish for a run
    "AWS::SecretsManager::Secret": {"Delete", "Retain"},
}


@drawn
@given(configs())
def test_whatever_keeps_something_says_what_becomes_of_it(config: Config) -> None:
    for stack in stacks(config):
        for title, found in stack.template["Resources"].items():
            if title == "WorkBucket":  # what is in it goes after a day
                continue
            if allowed := STATEFUL.get(found["Type"]):
                policies = {found.get("DeletionPolicy"), found.get("UpdateReplacePolicy")}
                assert policies <= allowed, (stack.name, title)


@drawn
@given(configs())
def test_log_groups_are_encrypted_and_kept_a_year(config: Config) -> None:
    for stack in stacks(config):
        key: Any = config.kms_key or {"Fn::GetAtt": ["Key", "Arn"]}
        if not stack.name.endswith("-foundation"):
            key = {"Ref": "KeyArn"}
        for name, group in resources(stack, "Logs::LogGroup").items():
            assert (group["KmsKeyId"], group["RetentionInDays"]) == (key, 365)
            # What the key's policy lets CloudWatch Logs encrypt; test_key_policy has the generated names.
            if name not in AUDITED.values():
                assert group["LogGroupName"].startswith(f"/underpass/{config.name}/")


def database(**wanted: Any) -> dict[str, Any]:
    return resource(by_part(config(database=wanted))[0], "DatabaseInstance")


def parameters(**wanted: Any) -> dict[str, Any]:
    return resource(by_part(config(database=wanted))[0], "DatabaseParameters")


@pytest.mark.parametrize(
    ("engine", "version", "family", "tls", "logs"),
    [
        ("postgres", "16", "postgres16", "rds.force_ssl", ["postgresql", "upgrade"]),
        ("postgres", "17.6", "postgres17", "rds.force_ssl", ["postgresql", "upgrade"]),
        ("mysql", "8.4", "mysql8.4", "require_secure_transport", ["error", "slowquery"]),
        ("mysql", "8.0.40", "mysql8.0", "require_secure_transport", ["error", "slowquery"]),
        ("mariadb", "11.4.4", "mariadb11.4", "require_secure_transport", ["error", "slowquery"]),
    ],
)
def test_each_engine_is_told_to_refuse_what_is_not_tls(
    engine: str, version: str, family: str, tls: str, logs: list[str]
) -> None:
    group = parameters(engine=engine, version=version)
    assert group["Family"] == family
    assert group["Parameters"][tls] == "1"
    instance = database(engine=engine, version=version)
    assert instance["DBParameterGroupName"] == {"Ref": "DatabaseParameters"}
    assert instance["EnableCloudwatchLogsExports"] == logs


def test_what_a_production_database_has() -> None:
    instance = database()
    key = {"Fn::GetAtt": ["Key", "Arn"]}
    wanted = {
        "AutoMinorVersionUpgrade": True,
        "BackupRetentionPeriod": 7,
        "CACertificateIdentifier": "rds-ca-rsa2048-g1",
        "CopyTagsToSnapshot": True,
        "DeletionProtection": {"Ref": "Protect"},
        "EnableIAMDatabaseAuthentication": False,
        "EnablePerformanceInsights": True,
        "KmsKeyId": key,
        "MaxAllocatedStorage": 40,
        "MonitoringInterval": 60,
        "MonitoringRoleArn": {"Fn::GetAtt": ["DatabaseMonitoringRole", "Arn"]},
        "MultiAZ": True,
        "PerformanceInsightsKMSKeyId": key,
        "PubliclyAccessible": False,
        "StorageEncrypted": True,
    }
    assert {name: instance[name] for name in wanted} == wanted
    assert "AllowMajorVersionUpgrade" not in instance


def test_what_the_file_says_of_the_database() -> None:
    chosen = config(production=False, database={"backup_days": 35, "multi_az": False})
    instance = resource(by_part(chosen)[0], "DatabaseInstance")
    assert instance["DeletionProtection"] is False
    assert instance["BackupRetentionPeriod"] == 35
    assert instance["MultiAZ"] is False


@pytest.mark.parametrize(
    ("engine", "instance_class", "watched"),
    [
        ("postgres", "db.t4g.micro", True),
        ("mysql", "db.t4g.small", False),
        ("mysql", "db.t4g.medium", True),
        ("mariadb", "db.t3.micro", False),
        ("mariadb", "db.m7g.large", True),
    ],
)
def test_performance_insights_where_the_class_has_it(
    engine: str, instance_class: str, watched: bool
) -> None:
    version = {"postgres": "16", "mysql": "8.4", "mariadb": "11.4"}[engine]
    found = database(engine=engine, version=version, instance_class=instance_class)
    assert ("EnablePerformanceInsights" in found) == watched
    assert ("PerformanceInsightsKMSKeyId" in found) == watched


@pytest.mark.parametrize(
    ("storage_gb", "most"), [(20, 40), (40_000, 65_536), (62_000, None), (65_536, None)]
)
def test_storage_grows_within_bounds(storage_gb: int, most: int | None) -> None:
    assert database(storage_gb=storage_gb).get("MaxAllocatedStorage") == most


def test_files_are_mounted_over_tls_through_an_access_point_by_whom_iam_lets() -> None:
    system = resource(by_part(CURATED["nat-ec2-everything"])[0], "FileSystem")
    statements = {one["Sid"]: one for one in system["FileSystemPolicy"]["Statement"]}
    allowed = statements.pop("ThroughIam")
    assert allowed["Principal"]["AWS"]["Fn::Sub"].endswith(":root")
    assert {one["Effect"] for one in statements.values()} == {"Deny"}
    # EFS heeds no other condition when a client mounts.
    # https://docs.aws.amazon.com/efs/latest/ug/iam-access-control-nfs-efs.html
    heeded = {
        *("aws:SecureTransport", "aws:SourceIp"),
        *("elasticfilesystem:AccessPointArn", "elasticfilesystem:AccessedViaMountTarget"),
    }
    for statement in (allowed, *statements.values()):
        for conditions in statement.get("Condition", {}).values():
            assert set(conditions) <= heeded
    assert system["BackupPolicy"] == {"Status": "ENABLED"}


def test_old_versions_and_unfinished_uploads_of_assets_go() -> None:
    rules = resource(by_part(CURATED["nat-ec2-everything"])[0], "AssetsBucket")
    found = {rule["Id"]: rule for rule in rules["LifecycleConfiguration"]["Rules"]}
    assert found["ReplacedVersions"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert found["UnfinishedUploads"]["AbortIncompleteMultipartUpload"] == {
        "DaysAfterInitiation": 7
    }
    assert not any("ExpirationInDays" in rule for rule in found.values())  # what is served stays


def test_images_are_immutable_scanned_and_bounded() -> None:
    repository = resource(by_part(config())[0], "Repository")
    assert repository["ImageTagMutability"] == "IMMUTABLE"
    assert repository["ImageScanningConfiguration"] == {"ScanOnPush": True}
    assert repository["EncryptionConfiguration"]["EncryptionType"] == "KMS"
    assert "RepositoryPolicyText" not in repository
    rules = json.loads(repository["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]
    # ECR wants the rule for any tag last.
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
    assert [rule["rulePriority"] for rule in rules] == [1, 2, 3]
    assert rules[-1]["selection"]["tagStatus"] == "any"


def test_no_image_that_may_run_expires() -> None:
    """ECR does not know what runs: with 20 images kept, a busy day took the image of a service away."""
    repository = resource(by_part(config())[0], "Repository")
    rules = json.loads(repository["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]
    released, untagged, every = (rule["selection"] for rule in rules)
    # "An image that matches the tagging requirements of a rule cannot be expired by a rule with a lower
    # priority." https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
    assert released["tagPrefixList"] == ["release-"]
    assert released["countNumber"] >= 10_000
    assert untagged["countType"] == "sinceImagePushed"  # only what has no tag goes by its age
    assert (every["countType"], every["countNumber"]) == ("imageCountMoreThan", 1_000)


def test_another_setting_leaves_the_instance_as_it_is() -> None:
    """A major version changes group and instance; anything else of the group is the group's alone."""
    instance = database(version="16")
    assert set(parameters(version="16")) == {"Description", "Family", "Parameters"}
    assert "Parameters" not in json.dumps(instance).replace("DatabaseParameters", "")


def test_everything_is_said_to_use_the_key() -> None:
    foundation = by_part(config(**EVERYTHING))[0]
    key = {"Fn::GetAtt": ["Key", "Arn"]}
    assert resource(foundation, "DatabaseSecret")["KmsKeyId"] == key
    assert resource(foundation, "FileSystem")["KmsKeyId"] == key
    encryption = resource(foundation, "AssetsBucket")["BucketEncryption"]
    (rule,) = encryption["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"] == key
