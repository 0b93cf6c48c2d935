"""``underpass registrar run``: the shipped code with the deployed function's variables."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws
from tests.functional.registrar.conftest import REGION, Account
from tests.unit.blueprint.configs import CURATED

from underpass.deploy import registrar as from_here
from underpass.errors import UnderpassError, UsageError

CONFIG = CURATED["nat-ec2-nothing"]
TEMPLATE = {
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
    "Outputs": {"RegistrarFunctionName": {"Value": "registrar"}},
}


class Place:
    """An account as a deployment's target, with DNS that names what the test says."""

    def __init__(self, account: Account, *named: str) -> None:
        self.account, self.named = account, frozenset(named)

    def client(self, service: str) -> Any:
        return boto3.client(service, REGION)

    def resolve(self, name: str) -> frozenset[str]:
        assert name.removeprefix("all.") == self.account.dns_name
        if not self.named:
            raise OSError(f"{name} has no answer")
        return self.named


@pytest.fixture
def deployed(registrar: ModuleType, account: Account) -> Account:
    """The account with the stack and the function, as far as a run looks for them."""
    body = json.dumps(TEMPLATE)
    boto3.client("cloudformation", REGION).create_stack(
        StackName=f"{CONFIG.name}-service", TemplateBody=body
    )
    role = boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]
    boto3.client("lambda", REGION).create_function(
        FunctionName="registrar",
        Runtime="python3.13",
        Role=role["Arn"],
        Handler="index.handler",
        Code={"ZipFile": b"x"},
        Environment={"Variables": account.environment | {"DNS_NAME": account.dns_name}},
    )
    return account


def run(account: Account, *named: str, **how: Any) -> dict[str, Any]:
    return from_here.run(CONFIG, Place(account, *named), **{"dry_run": False, **how})


def test_a_dry_run_tells_and_a_real_one_does_it(
    deployed: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    address = deployed.interface(0)["PrivateIpAddress"]
    would = run(deployed, dry_run=True)
    assert would["target_groups"][0]["registered"] == {f"{address}:80": "new"}
    assert deployed.targets() == set()
    did = run(deployed)
    assert did["target_groups"] == would["target_groups"]
    assert deployed.targets() == {address}
    assert not capsys.readouterr().out  # the command's own output is the only one


def test_dns_and_the_limit_are_heeded(deployed: Account) -> None:
    kept, gone = deployed.interface(0), deployed.interface(1)
    deployed.interface(1)
    run(deployed)
    for interface in (kept, gone):
        deployed.delete(interface)
    named = kept["PrivateIpAddress"]
    (group,) = run(deployed, named, max_removals=0)["target_groups"]
    assert group["kept"] == {f"{named}:80": "DNS still names it"}
    assert group["held_back"] == {f"{gone['PrivateIpAddress']}:80": "MAX_REMOVALS=0"}
    (group,) = run(deployed, named)["target_groups"]
    assert list(group["deregistered"]) == [f"{gone['PrivateIpAddress']}:80"]


def test_a_run_that_fails_returns_its_report(deployed: Account) -> None:
    report = run(deployed)
    assert len(report["errors"]) == 1
    assert "LOAD_BALANCER_ARN=" in report["errors"][0]
    assert "_aws" not in report


def test_without_a_registrar_or_a_deployment_it_says_so() -> None:
    with pytest.raises(UsageError, match="no registrar"):
        from_here.run(CURATED["alb-targets"], Nowhere(), dry_run=True)
    with mock_aws(), pytest.raises(UnderpassError, match="not deployed"):
        from_here.run(CONFIG, Nowhere(), dry_run=True)


class Nowhere:
    def client(self, service: str) -> Any:
        return boto3.client(service, REGION, aws_access_key_id="x", aws_secret_access_key="y")

    def resolve(self, name: str) -> frozenset[str]:
        raise AssertionError(name)


def test_a_function_with_wrong_variables_is_told(deployed: Account) -> None:
    wrong = {"Variables": {**deployed.environment, "VPC_ID": "here"}}
    boto3.client("lambda", REGION).update_function_configuration(
        FunctionName="registrar", Environment=wrong
    )
    with pytest.raises(UnderpassError, match="VPC_ID='here'"):
        run(deployed)
