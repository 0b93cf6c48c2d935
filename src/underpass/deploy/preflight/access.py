"""Whether the secrets and policies the application names are there, and whose they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from underpass.config import Config
from underpass.config.model.secrets import Source, given, source
from underpass.config.problems import KeyPath, dotted
from underpass.errors import UsageError

_ACCOUNT = 4  # the part of an ARN


def check(client: Callable[[str], Any], config: Config) -> tuple[str, ...]:
    """Return what to warn of.

    Raises
    ------
    UsageError
        When a secret or a policy of the account is not there, or a policy is another account's.
    """
    if not given(config.service) and not config.service.policies:
        return ()
    account = client("sts").get_caller_identity()["Account"]
    for arn in config.service.policies:
        _policy(client, arn, account)
    return tuple(_secrets(client, config, account))


def _policy(client: Callable[[str], Any], arn: str, account: str) -> None:
    owner = arn.split(":")[_ACCOUNT]
    if owner not in {"aws", account}:
        raise UsageError(
            f"policy {arn} is another account's",
            f"a role of account {account} takes managed policies of its own account and of AWS",
            "make it in this account, or write [service] permissions",
        )
    if _missing(client("iam").get_policy, "NoSuchEntity", PolicyArn=arn):
        raise UsageError(
            f"there is no policy {arn}", "IAM does not know it", "change [service] policies"
        )


def _secrets(client: Callable[[str], Any], config: Config, account: str) -> Iterator[str]:
    named: dict[Source, KeyPath] = {}
    for key, text in given(config.service).items():
        if found := source(text):
            named.setdefault(found, key)
    for one, key in named.items():
        name = dotted(key)
        if one.account not in {"", account}:
            service = (
                "secretsmanager:GetSecretValue" if one.kind == "secret" else "ssm:GetParameters"
            )
            yield (
                f"{name} is of account {one.account}: its resource policy has to allow the execution role "
                f"{service}, and the policy of its own KMS key kms:Decrypt; AWS's key does not do"
            )
        elif one.region in {"", config.region} and _is_gone(client, one):
            raise UsageError(
                f"there is no {one.kind} for {name}",
                f"account {account} has no {one.bare_name} in {config.region}",
                "make it, or name another",
            )


def _is_gone(client: Callable[[str], Any], one: Source) -> bool:
    if one.kind == "secret":
        ask = client("secretsmanager").describe_secret
        return _missing(ask, "ResourceNotFoundException", SecretId=one.arn)
    ask = client("ssm").get_parameter  # encrypted as it is: nothing is read
    return _missing(ask, "ParameterNotFound", Name=one.bare_name)


def _missing(ask: Any, code: str, **named: Any) -> bool:
    """Tell whether it is surely not there: who may not look is not stopped."""
    try:
        ask(**named)
    except ClientError as error:
        return bool(error.response["Error"]["Code"] == code)
    return False
