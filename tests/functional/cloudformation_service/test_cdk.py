"""What the CDK CLI sends, and the templates it sends: its own, and that of a small application."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.functional.cloudformation_service.conftest import Twin

from underpass.twin.api import patch
from underpass.twin.services.iam import patches as iam
from underpass.twin.services.s3 import patches as s3_policies

TEMPLATES = Path(__file__).with_name("cdk")
BOOTSTRAP = (TEMPLATES / "bootstrap.yaml").read_text()
SMALL = json.loads((TEMPLATES / "small.json").read_text())
ASSETS = "cdk-hnb659fds-assets-123456789012-us-east-1"
# What `cdk bootstrap` sends; the others are left to their defaults.
GIVEN = {
    "TrustedAccounts": "",
    "TrustedAccountsForLookup": "",
    "CloudFormationExecutionPolicies": "arn:aws:iam::aws:policy/AdministratorAccess",
    "FileAssetsBucketKmsKeyId": "AWS_MANAGED_KEY",
    "PublicAccessBlockConfiguration": "true",
    "InputPermissionsBoundary": "",
}


def deploy(twin: Twin, stack: str, body: str, kind: str = "CREATE", **more: Any) -> str:
    """Do as `cdk deploy` does: the change set has one name, and the last one is deleted first."""
    cloudformation = twin.client()
    named = {"StackName": stack, "ChangeSetName": "cdk-deploy-change-set"}
    if kind == "UPDATE":
        cloudformation.delete_change_set(**named)
        with pytest.raises(ClientError, match="does not exist"):
            cloudformation.describe_change_set(**named)
    made = cloudformation.create_change_set(
        **named,
        ChangeSetType=kind,
        TemplateBody=body,
        IncludeNestedStacks=True,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        **more,
    )
    cloudformation.get_waiter("change_set_create_complete").wait(ChangeSetName=made["Id"])
    cloudformation.execute_change_set(
        **named, ClientRequestToken="exec0123", DisableRollback=False, RetainExceptOnCreate=False
    )
    return twin.settled(stack)


@pytest.fixture
def bootstrapped(twin: Twin) -> Iterator[Twin]:
    """Bootstrap; what the stack retains is removed, for moto is one for all tests."""
    patch.apply(iam, s3_policies)  # AWS's managed policies, and what a bucket's conditions mean
    parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in GIVEN.items()]
    more: dict[str, Any] = {"Parameters": parameters, "ImportExistingResources": True}
    assert deploy(twin, "CDKToolkit", BOOTSTRAP, **more) == "CREATE_COMPLETE"
    yield twin
    twin.client().delete_stack(StackName="CDKToolkit")
    s3 = twin.client("s3")
    for version in s3.list_object_versions(Bucket=ASSETS).get("Versions", ()):
        s3.delete_object(Bucket=ASSETS, Key=version["Key"], VersionId=version["VersionId"])
    s3.delete_bucket(Bucket=ASSETS)


def test_the_bootstrap_template_makes_what_cdk_looks_for(bootstrapped: Twin) -> None:
    (stack,) = bootstrapped.client().describe_stacks(StackName="CDKToolkit")["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    assert (outputs["BucketName"], outputs["BootstrapVersion"]) == (ASSETS, "33")
    version = bootstrapped.client("ssm").get_parameter(Name="/cdk-bootstrap/hnb659fds/version")
    assert version["Parameter"]["Value"] == "33"
    s3 = bootstrapped.client("s3")
    assert s3.get_bucket_versioning(Bucket=ASSETS)["Status"] == "Enabled"
    (rule,) = s3.get_bucket_encryption(Bucket=ASSETS)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    lifecycle = s3.get_bucket_lifecycle_configuration(Bucket=ASSETS)["Rules"]
    assert {one["ID"]: one.get("NoncurrentVersionExpiration") for one in lifecycle} == {
        "CleanupOldVersions": {"NoncurrentDays": 30},
        "AbortIncompleteMultipartUploads": None,
    }
    repository = "cdk-hnb659fds-container-assets-123456789012-us-east-1"
    found = bootstrapped.client("ecr").describe_repositories(repositoryNames=[repository])
    assert found["repositories"][0]["imageTagMutability"] == "IMMUTABLE"
    roles = bootstrapped.client("iam")
    for role in ("deploy", "cfn-exec", "file-publishing", "image-publishing", "lookup"):
        roles.get_role(RoleName=f"cdk-hnb659fds-{role}-role-123456789012-us-east-1")


def test_a_bucket_that_was_retained_is_taken_over_or_said_to_exist(bootstrapped: Twin) -> None:
    cloudformation = bootstrapped.client()
    stack = cloudformation.describe_stacks(StackName="CDKToolkit")["Stacks"][0]["StackId"]
    cloudformation.delete_stack(StackName="CDKToolkit")
    assert bootstrapped.settled(stack) == "DELETE_COMPLETE"
    parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in GIVEN.items()]
    made: dict[str, Any] = {"Parameters": parameters, "ImportExistingResources": False}
    assert deploy(bootstrapped, "CDKToolkit", BOOTSTRAP, **made) == "ROLLBACK_COMPLETE"
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName="CDKToolkit")
    events = [one for page in pages for one in page["StackEvents"]]
    (said,) = (
        one["ResourceStatusReason"]
        for one in events
        if (one["LogicalResourceId"], one["ResourceStatus"]) == ("StagingBucket", "CREATE_FAILED")
    )
    assert f'Resource handler returned message: "{ASSETS} already exists (Service: S3' in said
    cloudformation.delete_stack(StackName="CDKToolkit")
    made["ImportExistingResources"] = True
    assert deploy(bootstrapped, "CDKToolkit", BOOTSTRAP, **made) == "CREATE_COMPLETE"


def test_a_small_application_comes_changes_and_goes(bootstrapped: Twin) -> None:
    folder = SMALL["Resources"]["Folder40F61B82"]["Properties"]["Code"]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("main.py", "def handler(event, context): return 1")
    bootstrapped.client("s3").put_object(Bucket=ASSETS, Key=folder["S3Key"], Body=packed.getvalue())
    assert deploy(bootstrapped, "Small", json.dumps(SMALL)) == "CREATE_COMPLETE"
    changed = json.loads(json.dumps(SMALL))
    (level,) = (
        one for one in changed["Resources"].values() if one["Type"] == "AWS::SSM::Parameter"
    )
    level["Properties"]["Value"] = "high"
    for metadata in changed["Resources"].values():
        if metadata["Type"] == "AWS::CDK::Metadata":
            metadata["Properties"]["Analytics"] = "v2:another"
    assert deploy(bootstrapped, "Small", json.dumps(changed), "UPDATE") == "UPDATE_COMPLETE"
    events = bootstrapped.client().describe_stack_events(StackName="Small")["StackEvents"]
    updated = {one["ResourceType"] for one in events if one["ResourceStatus"] == "UPDATE_COMPLETE"}
    assert updated == {"AWS::SSM::Parameter", "AWS::CDK::Metadata", "AWS::CloudFormation::Stack"}
    cloudformation = bootstrapped.client()
    stack = cloudformation.describe_stacks(StackName="Small")["Stacks"][0]["StackId"]
    cloudformation.delete_stack(StackName="Small")
    assert bootstrapped.settled(stack) == "DELETE_COMPLETE"


def test_an_old_bootstrap_is_refused_as_the_templates_rule_says(bootstrapped: Twin) -> None:
    named = {"Name": "/cdk-bootstrap/hnb659fds/version", "Value": "5", "Overwrite": True}
    bootstrapped.client("ssm").put_parameter(**named)
    with pytest.raises(ClientError, match="CDK bootstrap stack version 6 required"):
        deploy(bootstrapped, "Small", json.dumps(SMALL))
