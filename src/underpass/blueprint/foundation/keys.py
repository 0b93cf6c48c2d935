"""The KMS key of everything at rest, and who may use it for what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from troposphere import GetAtt, Ref, Sub, Template
from troposphere.kms import Alias, Key

from underpass.blueprint.cross_stack import hand
from underpass.blueprint.iam import account_root, document
from underpass.blueprint.logs import AUDITED
from underpass.blueprint.service import permissions
from underpass.config import Config, addons

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
_GRANTED = ("dynamodb", "ecr", "elasticache", "elasticfilesystem", "es", "kinesis", "rds")

# What an add-on that is given the key may encrypt with it, by the service of its types.
_OF_ADDONS = {
    "DynamoDB": ("dynamodb", "Tables"),
    "EFS": ("elasticfilesystem", "Files"),
    "ElastiCache": ("elasticache", "Caches"),
    "Kinesis": ("kinesis", "Streams"),
    "OpenSearchService": ("es", "Indexes"),
    "RDS": ("rds", "Database"),
    "SNS": ("sns", "Topics"),
    "SQS": ("sqs", "Queues"),
    "SecretsManager": ("secretsmanager", "Secret"),
}


Arn: TypeAlias = GetAtt | str  # of the key: one of ours, or one that is there


def add(template: Template, config: Config) -> Arn:
    """Add the key, unless there is one. It stays when the stack goes: without it data are noise."""
    arn = config.kms_key or GetAtt(_made(template, config), "Arn")
    hand(template, "KeyArn", arn)
    return arn


def _made(template: Template, config: Config) -> Key:
    key = template.add_resource(
        Key(
            "Key",
            Description=f"{config.name}: data at rest",
            EnableKeyRotation=True,
            KeyPolicy=document(*statements(config)),
            DeletionPolicy="Retain",
            UpdateReplacePolicy="Retain",
        )
    )
    # So that the console shows a name. It goes with the stack; a key that stays has its description.
    template.add_resource(
        Alias("KeyAlias", AliasName=f"alias/underpass/{config.name}", TargetKeyId=Ref(key))
    )
    return key


def statements(config: Config) -> Iterator[Mapping[str, Any]]:
    """Yield the whole policy of a key of ours."""
    yield _statement("AccountAdministers", {"AWS": account_root()}, _ADMINISTRATION)
    yield from uses(config)
    yield from _others(config)


def uses(config: Config) -> Iterator[Mapping[str, Any]]:
    """Yield who uses the key for what, each under the name of what it is for: of any key, also another's."""
    services = _services(config)
    for service, what in services.items():
        yield _through(service, what, _USE)
        if service in _GRANTED:
            for_itself = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
            yield _through(service, f"{what}Grants", _GRANT, for_itself)
    if actions := permissions.of_key(config):  # directly: it is the role that says who
        here = {"StringEquals": {"kms:CallerAccount": Ref("AWS::AccountId")}}
        yield _statement("Application", {"AWS": account_root()}, tuple(actions), here)
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
    if config.alarms.topic:  # that one's own key is its owner's
        return
    yield _statement(
        "Notifications",
        {"Service": [f"{one}.amazonaws.com" for one in _publishers(config)]},
        _PUBLISH,
        {"StringEqualsIfExists": {"aws:SourceAccount": Ref("AWS::AccountId")}},
    )


def _others(config: Config) -> Iterator[Mapping[str, Any]]:
    """Yield what ``kms_key_users`` adds: services for the account's own principals, and principals.

    A principal of another account reads what it is given a copy of; grants are for AWS's services only.
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html
    """
    for_aws = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    for user in config.kms_key_users:
        if not user.startswith("arn:"):
            what = f"Also{user.title().replace('-', '')}"
            yield _through(user, what, _USE)
            yield _through(user, f"{what}Grants", _GRANT, for_aws)
    if principals := [user for user in config.kms_key_users if user.startswith("arn:")]:
        yield _statement("AlsoPrincipals", {"AWS": principals}, _USE)
        yield _statement("AlsoPrincipalsGrants", {"AWS": principals}, _GRANT, for_aws)


def _publishers(config: Config) -> list[str]:
    """Return who publishes to the topic: alarms, endpoint connections, failed jobs, RDS of its instance."""
    events = [*(["events"] if config.jobs else []), *(["events.rds"] if config.instance else [])]
    return ["cloudwatch", *events, "vpce"]


def _services(config: Config) -> dict[str, str]:
    """Return the services the account's principals use the key through, and what each keeps with it."""
    services = {"ecr": "Images", "s3": "Buckets"}
    if config.instance:
        services |= {"rds": "Database", "secretsmanager": "Secret"}
    if config.files:
        services["elasticfilesystem"] = "Files"
    asking = sorted(_OF_ADDONS.keys() & addons.services(config, given="KeyArn"))
    return services | dict(_OF_ADDONS[one] for one in asking)


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
