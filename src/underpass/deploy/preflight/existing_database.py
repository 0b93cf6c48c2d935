"""Whether an existing database's group and secret are there, and the tasks may use them."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from underpass.config import Config
from underpass.config.model import ExistingDatabase
from underpass.deploy.target import Target
from underpass.errors import UsageError

_AWSS_OWN = "alias/aws/secretsmanager"


def check(config: Config, existing: ExistingDatabase, target: Target) -> list[str]:
    """Return what to warn of.

    Raises
    ------
    UsageError
        When the group or the secret is not there, or its key is not named.
    """
    return [
        *_group(config, existing, target.client("ec2")),
        *_secret(existing, target.client("secretsmanager")),
    ]


def _group(config: Config, existing: ExistingDatabase, ec2: Any) -> list[str]:
    name = existing.security_group
    filters = [{"Name": "group-id", "Values": [name]}]  # one that is not there is no error so
    found = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    if not found:
        raise UsageError(
            f"there is no security group {name}",
            "[database.existing] names it as the database's, and the account has none of that name here",
            "`aws rds describe-db-instances` and `describe-db-clusters` tell a database's groups",
        )
    (vpc,) = {one["VpcId"] for one in found}
    warnings = []
    if vpc != config.network.vpc_id:
        warnings.append(
            f"{name} is in {vpc}: EC2 takes the rules only while that is peered with {config.network.vpc_id}"
        )
    if not existing.admit:
        warnings.append(
            f"{name} has to let the tasks in: its owner adds port {_port(config)} from TaskSecurityGroup "
            "of the foundation, or from the app subnets"
        )
    return warnings


def _port(config: Config) -> int:
    return config.database.port if config.database else 0


def _secret(existing: ExistingDatabase, secrets: Any) -> list[str]:
    try:
        found = secrets.describe_secret(SecretId=existing.secret)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if (
            code == "AccessDeniedException"
        ):  # of another account, perhaps, or not for whoever deploys
            return [
                f"{existing.secret} cannot be looked at: its policy has to let ExecutionRole read it"
            ]
        if code != "ResourceNotFoundException":
            raise
        raise UsageError(
            "there is no such secret",
            f"[database.existing] secret is {existing.secret}",
            "`aws secretsmanager list-secrets` lists them, each with its whole ARN",
        ) from error
    key = found.get("KmsKeyId") or _AWSS_OWN
    if not existing.kms_key and not key.endswith(_AWSS_OWN):
        raise UsageError(
            "the tasks could not read the database's secret",
            f"it is encrypted with {key}, and [database.existing] names no key",
            "set kms_key to that key's ARN",
        )
    return []
