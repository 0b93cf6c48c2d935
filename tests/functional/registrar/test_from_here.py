"""``underpass registrar run``: the shipped code with the deployed function's variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.functional.registrar.conftest import Account
from tests.unit.blueprint.configs import CURATED

from underpass.deploy import registrar as from_here
from underpass.errors import UnderpassError, UsageError

CONFIG = CURATED["nat-ec2-nothing"]


class Place:
    """An account as a deployment's target, with DNS that names what the test says.

    The stack and the function are fakes: other tests may have replaced moto's by the twin's in this process.
    """

    def __init__(self, account: Account, *named: str, variables: Mapping[str, str]) -> None:
        self.account, self.named, self.variables = account, frozenset(named), variables

    def client(self, service: str) -> Any:
        if service in {"cloudformation", "lambda"}:
            return Deployed(self.variables)
        return {"ec2": self.account.ec2, "elbv2": self.account.elbv2}[service]

    def resolve(self, name: str) -> frozenset[str]:
        assert name.removeprefix("all.") == self.account.dns_name
        if not self.named:
            raise OSError(f"{name} has no answer")
        return self.named


class Deployed:
    """CloudFormation and Lambda, as far as a run looks there."""

    def __init__(self, variables: Mapping[str, str] | None) -> None:
        self.variables = variables

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:
        assert StackName == f"{CONFIG.name}-path"
        if self.variables is None:
            told = {
                "Code": "ValidationError",
                "Message": f"Stack with id {StackName} does not exist",
            }
            raise ClientError({"Error": told}, "DescribeStacks")
        output = {"OutputKey": "RegistrarFunctionName", "OutputValue": "registrar"}
        stack = {"StackName": StackName, "StackId": "arn", "StackStatus": "CREATE_COMPLETE"}
        return {"Stacks": [{**stack, "Outputs": [output]}]}

    def get_function_configuration(self, *, FunctionName: str) -> dict[str, Any]:
        assert FunctionName == "registrar"
        return {"Environment": {"Variables": self.variables}}


def run(account: Account, *named: str, **how: Any) -> dict[str, Any]:
    variables = account.environment | {"DNS_NAME": account.dns_name} | how.pop("variables", {})
    place = Place(account, *named, variables=variables)
    return from_here.run(CONFIG, place, **{"dry_run": False, **how})


def test_a_dry_run_tells_and_a_real_one_does_it(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    address = account.interface(0)["PrivateIpAddress"]
    would = run(account, dry_run=True)
    assert would["target_groups"][0]["registered"] == {f"{address}:80": "new"}
    assert account.targets() == set()
    did = run(account)
    assert did["target_groups"] == would["target_groups"]
    assert account.targets() == {address}
    assert not capsys.readouterr().out  # the command's own output is the only one


def test_dns_and_the_limit_are_heeded(account: Account) -> None:
    kept, gone = account.interface(0), account.interface(1)
    lives = account.interface(1)["PrivateIpAddress"]
    run(account)
    for interface in (kept, gone):
        account.delete(interface)
    named = kept["PrivateIpAddress"]
    (group,) = run(account, named, lives, max_removals=0)["target_groups"]
    assert group["kept"] == {f"{named}:80": "DNS still names it"}
    assert group["held_back"] == {f"{gone['PrivateIpAddress']}:80": "MAX_REMOVALS=0"}
    (group,) = run(account, named, lives)["target_groups"]
    assert list(group["deregistered"]) == [f"{gone['PrivateIpAddress']}:80"]


def test_a_run_that_fails_returns_its_report(account: Account) -> None:
    report = run(account)
    assert len(report["errors"]) == 1
    assert "LOAD_BALANCER_ARN=" in report["errors"][0]
    assert "_aws" not in report


def test_without_a_registrar_it_says_so() -> None:
    with pytest.raises(UsageError, match="no registrar"):
        from_here.run(CURATED["alb-targets"], Nowhere(), dry_run=True)


def test_without_a_deployment_it_says_so() -> None:
    with pytest.raises(UnderpassError, match="not deployed"):
        from_here.run(CONFIG, Nowhere(), dry_run=True)


class Nowhere:
    """Where nothing is account."""

    def client(self, service: str) -> Any:
        assert service == "cloudformation"
        return Deployed(None)

    def resolve(self, name: str) -> frozenset[str]:
        raise AssertionError(name)


def test_a_function_with_wrong_variables_is_told(account: Account) -> None:
    with pytest.raises(UnderpassError, match="VPC_ID='here'"):
        run(account, variables={"VPC_ID": "here"})
