"""Whether AWS has the secrets and policies that are named, asked before anything is made."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from underpass.blueprint.iam import allow
from underpass.blueprint.iam import document as document_of
from underpass.config.model import Config
from underpass.deploy.preflight import access
from underpass.errors import UsageError

ACCOUNT = "123456789012"  # moto's
Client = Callable[[str], Any]


def config(policies: list[str] | None = None, /, **secrets: str) -> Config:
    service = {"port": 80, "build": ".", "secrets": secrets, "policies": policies or []}
    return Config.model_validate({"name": "notes", "service": service})


def test_what_is_there_passes(client: Client) -> None:
    secret = client("secretsmanager").create_secret(Name="key", SecretString="x")["ARN"]
    client("ssm").put_parameter(Name="/a/b", Value="x", Type="SecureString")
    client("ssm").put_parameter(Name="c", Value="x", Type="String")
    document = json.dumps(document_of(allow(["sts:GetCallerIdentity"], "*")))
    policy = client("iam").create_policy(PolicyName="own", PolicyDocument=document)["Policy"]["Arn"]
    named = {"A": f"{secret}:key::", "B": "ssm:/a/b", "C": "ssm:c"}
    assert access.check(client, config([policy], **named)) == ()


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (
            {"A": f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:a-AbCdEf"},
            f"account {ACCOUNT} has no a in us-east-1",
        ),
        ({"A": "ssm:/a/b"}, f"account {ACCOUNT} has no /a/b in us-east-1"),
    ],
)
def test_a_secret_that_is_not_there_is_refused(
    client: Client, named: dict[str, str], expected: str
) -> None:
    with pytest.raises(UsageError) as caught:
        access.check(client, config(**named))
    assert expected in caught.value.why


def test_another_accounts_secret_is_told_what_it_takes(client: Client) -> None:
    arn = "arn:aws:secretsmanager:us-east-1:222222222222:secret:a-AbCdEf"
    (said,) = access.check(client, config(A=arn))
    assert "A is of account 222222222222: its resource policy has to allow" in said
    assert "kms:Decrypt" in said


@pytest.mark.parametrize("account", [ACCOUNT, "222222222222"])
def test_a_policy_that_is_not_there_or_not_ours_is_refused(client: Client, account: str) -> None:
    with pytest.raises(UsageError, match=r"there is no policy|is another account's"):
        access.check(client, config([f"arn:aws:iam::{account}:policy/a"]))


def test_nothing_named_is_nothing_asked() -> None:
    def nobody(_: str) -> Any:
        pytest.fail("asked")

    assert access.check(nobody, config()) == ()
