"""The KMS key of everything at rest, and who may use it for what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from troposphere import GetAtt, Ref, Sub, Template
from troposphere.kms import Alias, Key

from underpass.blueprint.cross_stack import hand
from underpass.blueprint.iam import account_root, document
from underpass.blueprint.logs import AUDITED
from underpass.config import Config

# What an administrator does with a key, and nothing that reads or writes with it. PutKeyPolicy is here:
# whoever may change the policy can never be locked out by it.
# https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
_ADMINISTRATION = (
    *("kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListAliases"),
    *("kms:ListGrants", "kms:ListKeyPolicies", "kms:ListKeyRotations", "kms:ListResourceTags"),
    *("kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias", "kms:UpdateKeyDescription"),
    *("kms:EnableKey", "kms:DisableKey", "kms:EnableKeyRotation", "kms:DisableKeyRotation"),
    *("kms:RotateKeyOnDemand", "kms:PutKeyPolicy", "kms:RevokeGrant"),
    *("kms:TagResource", "kms:UntagResource"),
    *("kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion"),
)
_ENCRYPTION = (
    *("kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"),
    *("kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"),
)
_USE = (*_ENCRYPTION, "kms:DescribeKey")
_GRANT = ("kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant")
_PUBLISH = ("kms:Decrypt", "kms:GenerateDataKey")

# Services that go on using the key after the call that asked them to.
_GRANTED = ("ecr", "elasticfilesystem", "rds")


def add(template: Template, config: Config) -> Key:
    """Add the key. It stays when the stack goes: without it the snapshots and files are noise."""
    key = template.add_resource(
        Key(
            "Key",
            Description=f"{config.name}: data at rest",
            EnableKeyRotation=True,
            KeyPolicy=document(*_statements(config)),
            DeletionPolicy="Retain",
            UpdateReplacePolicy="Retain",
        )
    )
    # So that the console shows a name. It goes with the stack; a key that stays has its description.
    template.add_resource(
        Alias("KeyAlias", AliasName=f"alias/underpass/{config.name}", TargetKeyId=Ref(key))
    )
    hand(template, "KeyArn", GetAtt(key, "Arn"))
    return key


def _statements(config: Config) -> Iterator[Mapping[str, Any]]:
    """Yield who uses the key for what, each under the name of what it is for."""
    yield _statement("AccountAdministers", {"AWS": account_root()}, _ADMINISTRATION)
    services = _services(config)
    for service, what in services.items():
        yield _through(service, what, _USE)
        if service in _GRANTED:
            for_itself = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
            yield _through(service, f"{what}Grants", _GRANT, for_itself)
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    yield _statement(
        "LogGroups",
        {"Service": Sub("logs.${AWS::Region}.amazonaws.com")},
        _ENCRYPTION,  # DescribeKey knows no encryption context
        {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": _log_groups(config)}},
    )
    # Who publishes to the encrypted topic. Its own policy holds them to this account; here the account
    # is asked for where the service tells it.
    # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    yield _statement(
        "Notifications",
        {"Service": [f"{one}.amazonaws.com" for one in _publishers(config)]},
        _PUBLISH,
        {"StringEqualsIfExists": {"aws:SourceAccount": Ref("AWS::AccountId")}},
    )


def _publishers(config: Config) -> list[str]:
    """Return who publishes to the topic: alarms, endpoint connections, and RDS of its instance."""
    return ["cloudwatch", *(["events.rds"] if config.instance else []), "vpce"]


def _services(config: Config) -> dict[str, str]:
    """Return the services the account's principals use the key through, and what each keeps with it."""
    services = {"ecr": "Images", "s3": "Buckets"}
    if config.instance:
        services |= {"rds": "Database", "secretsmanager": "Secret"}
    if config.files:
        services["elasticfilesystem"] = "Files"
    return services


def _through(
    service: str, sid: str, actions: tuple[str, ...], more: Mapping[str, Any] | None = None
) -> Mapping[str, Any]:
    """Let those of the account whose IAM policies allow it use the key, through one service only.

    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
    """
    condition = {
        "StringEquals": {
            "kms:CallerAccount": Ref("AWS::AccountId"),
            "kms:ViaService": Sub(f"{service}.${{AWS::Region}}.${{AWS::URLSuffix}}"),
        },
        **(more or {}),
    }
    return _statement(sid, {"AWS": account_root()}, actions, condition)


def _statement(
    sid: str,
    principal: Mapping[str, Any],
    actions: tuple[str, ...],
    condition: Mapping[str, Any] | None = None,
) -> Mapping[str, Any]:
    # In a key policy "*" is the key itself.
    statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": principal,
        "Action": list(actions),
        "Resource": "*",
    }
    return statement | ({"Condition": condition} if condition else {})


def _log_groups(config: Config) -> list[Sub]:
    """Return the groups of fixed names, and those CloudFormation names, whatever their stack."""
    names = [
        f"/underpass/{config.name}/*",
        *(f"{config.name}-*-{one}-*" for one in AUDITED.values()),
    ]
    start = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:"
    return [Sub(start + name) for name in names]
