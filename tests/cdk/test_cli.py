"""The CDK CLI against a twin, as docs/twin.md shows it: ``make test-cdk``.

It is given what aws-cdk-lib has made of ``small/app.js`` already: the library (180 MB) asks nobody for
anything, and all that the CLI sends is its own or stands there.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.e2e.machine import Footprint, Project, environment, eventually

CDK = Path(os.environ.get("CDK", ".cdk")) / "bin" / "cdk"
SMALL = Path(__file__).with_name("small") / "cdk.out"
BUCKET = "cdk-hnb659fds-assets-123456789012-us-east-1"
# Nothing but the twin is asked: neither for notices nor for newer versions, and nobody is told.
ALONE = {
    "CDK_DISABLE_CLI_TELEMETRY": "true",
    "CDK_DISABLE_VERSION_CHECK": "1",
    "CI": "true",
    "NO_COLOR": "1",
}
IN_SHELL = 'eval "$({underpass} env {folder})" && exec node {cdk} --no-notices --app cdk.out "$@"'


@dataclass(frozen=True)
class Shell:
    """A shell in which ``underpass env`` was evaluated, in a folder with an application."""

    twin: Project

    def cdk(self, *words: str, status: int = 0) -> str:
        """Run the CLI and return what it says."""
        line = IN_SHELL.format(
            underpass=self.twin.underpass, folder=self.twin.folder, cdk=CDK.resolve()
        )
        home = {"HOME": str(self.twin.folder)}
        done = subprocess.run(
            ["bash", "-c", line, "cdk", *words],
            cwd=self.twin.folder,
            env={**environment(), **ALONE, **home},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == status, said
        return said

    def deploy(self, *words: str, status: int = 0) -> str:
        return self.cdk("deploy", "--require-approval", "never", *words, status=status)

    def client(self, service: str) -> Any:
        given = self.twin.variables()
        return boto3.client(
            service,
            endpoint_url=given["AWS_ENDPOINT_URL"],
            region_name=given["AWS_REGION"],
            aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
        )

    def statuses(self, stack: str) -> dict[str, str]:
        """Return what became last of a stack's resources, by logical id."""
        resources = self.client("cloudformation").describe_stack_resources(StackName=stack)
        return {
            one["LogicalResourceId"]: one["ResourceStatus"] for one in resources["StackResources"]
        }


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    if not (CDK.exists() and shutil.which("node")):
        pytest.skip(f"there is no {CDK}, or no node to run it: `make cdk` gets it with npm")
    before = Footprint.now()
    folder = tmp_path_factory.mktemp("small")
    shutil.copytree(SMALL, folder / "cdk.out")
    twin = Project(folder)
    twin.up("--empty")
    try:
        yield Shell(twin)
    finally:
        assert twin.run("down", "--data", "--yes").status == 0
    eventually(lambda: before == Footprint.now())


def role_name(role: str) -> str:
    return f"cdk-hnb659fds-{role}-role-123456789012-us-east-1"


def role_arn(role: str) -> str:
    return f"arn:aws:iam::123456789012:role/{role_name(role)}"


def edit(folder: Path, name: str, change: Callable[[str], str]) -> None:
    """Change a file of an assembly, and call the asset it is after its new content."""
    assembly = folder / "cdk.out"
    path = assembly / name
    path.write_text(change(path.read_text()))
    assets = json.loads((assembly / "Small.assets.json").read_text())["files"]
    (old,) = (key for key, one in assets.items() if name.startswith(one["source"]["path"]))
    new = hashlib.sha256(path.read_bytes()).hexdigest()
    for one in assembly.glob("*.json"):
        one.write_text(one.read_text().replace(old, new))


def invoke(shell: Shell, item: str) -> dict[str, Any]:
    stack = shell.client("cloudformation").describe_stacks(StackName="Small")["Stacks"][0]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    answer = shell.client("lambda").invoke(
        FunctionName=outputs["CounterName"], Payload=json.dumps({"id": item})
    )
    said: dict[str, Any] = json.loads(answer["Payload"].read())
    return said


def test_a_small_application_is_deployed_changed_and_destroyed(shell: Shell) -> None:
    assert "Environment aws://123456789012/us-east-1 bootstrapped" in shell.cdk("bootstrap")
    assert "✅  Small" in shell.deploy()
    assert invoke(shell, "a") == {"version": 1, "level": "low", "items": 1}
    assert "There were no differences" in shell.cdk("diff", "--fail")

    edit(shell.twin.folder, "counter/main.py", lambda text: text.replace(": 1, ", ": 2, "))
    edit(shell.twin.folder, "Small.template.json", lambda text: text.replace('"low"', '"high"'))
    said = shell.cdk("diff", "--fail", status=1)
    assert "[-] low" in said
    assert "[+] high" in said
    assert "✅  Small" in shell.deploy()
    assert invoke(shell, "b") == {"version": 2, "level": "high", "items": 2}
    changed = {name for name, one in shell.statuses("Small").items() if one == "UPDATE_COMPLETE"}
    assert changed == {"Counter44A08DAC", "LevelB224B7C3"}

    said = shell.cdk("destroy", "--force")
    assert "✅  Small: destroyed" in said
    assert not shell.client("lambda").list_functions()["Functions"]
    assert shell.client("sqs").list_queues().get("QueueUrls", []) == []
    assert [one["Name"] for one in shell.client("s3").list_buckets()["Buckets"]] == [BUCKET]


def test_what_the_clis_roles_may_not_do_is_refused(shell: Shell) -> None:
    iam = shell.client("iam")
    deny = {"Effect": "Deny", "Action": "cloudformation:CreateChangeSet", "Resource": "*"}
    named = {"RoleName": role_name("deploy"), "PolicyName": "not"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    iam.put_role_policy(**named, PolicyDocument=policy)
    said = shell.deploy(status=1)
    assert f"User: arn:aws:sts::123456789012:assumed-role/{role_name('deploy')}/" in said
    assert "is not authorized to perform: cloudformation:CreateChangeSet" in said
    iam.delete_role_policy(**named)


def test_a_role_is_passed_and_assumed_by_whom_it_is_for(shell: Shell) -> None:
    sts = shell.client("sts")
    with pytest.raises(ClientError, match="no role trust policy allows the sts:AssumeRole action"):
        sts.assume_role(RoleArn=role_arn("cfn-exec"), RoleSessionName="me")
    key = sts.assume_role(RoleArn=role_arn("deploy"), RoleSessionName="me")["Credentials"]
    cloudformation = boto3.client(
        "cloudformation",
        endpoint_url=sts.meta.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        aws_session_token=key["SessionToken"],
    )
    made = {"StackName": "Other", "TemplateBody": (SMALL / "Small.template.json").read_text()}
    with pytest.raises(ClientError, match="not authorized to perform: iam:PassRole on resource"):
        cloudformation.create_stack(**made, RoleARN=role_arn("lookup"))
    with pytest.raises(ClientError, match=r"Role \S+ is invalid or cannot be assumed"):
        shell.client("cloudformation").create_stack(
            **made, RoleARN=role_arn("lookup"), Capabilities=["CAPABILITY_IAM"]
        )


def test_a_bucket_that_was_retained_is_bootstrapped_over(shell: Shell) -> None:
    cloudformation = shell.client("cloudformation")
    cloudformation.delete_stack(StackName="CDKToolkit")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="CDKToolkit")
    said = shell.cdk("bootstrap", "--no-import-existing-resources", status=1)
    assert f"{BUCKET} already exists" in said
    assert "Environment aws://123456789012/us-east-1 bootstrapped" in shell.cdk("bootstrap")
    assert shell.statuses("CDKToolkit")["StagingBucket"] == "IMPORT_COMPLETE"
    with pytest.raises(ClientError, match="is not empty"):
        shell.client("s3").delete_bucket(Bucket=BUCKET)
