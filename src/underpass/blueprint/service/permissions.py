"""What ``[service] permissions`` let the application do, and what of underpass's own has to let it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from troposphere import Sub

from underpass.blueprint.addons.outputs import PREFIX
from underpass.blueprint.cross_stack import given
from underpass.blueprint.iam import Statement, allow, via
from underpass.config import Config, addons
from underpass.config.model import Permission
from underpass.config.placeholders import PLACEHOLDER, used

_ASSETS, _KEY = "{assets}", "{key}"
_WRITES = "s3:putobject"


def statements(config: Config) -> Iterator[Statement]:
    """Yield the statements of the task role."""
    there = _texts(config)
    for one in config.service.permissions:
        resources = [_filled(text, there) for text in one.resources]
        conditions = {
            operator: {
                key: _one_or_more([_filled(text, there) for text in values])
                for key, values in keys.items()
            }
            for operator, keys in one.conditions.items()
        }
        yield allow(one.actions, _one_or_more(resources), conditions)
    if config.assets and any(map(_writes_assets, config.service.permissions)):
        # What is written to an encrypted bucket is encrypted for whoever writes it; to read it is allowed.
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
        yield allow(["kms:GenerateDataKey"], given("KeyArn"), via("s3"))


def of_assets(config: Config) -> list[str]:
    """Return the actions of S3 that are allowed on the bucket of assets: its endpoint lets them through."""
    named = [one for one in config.service.permissions if _is_on(_ASSETS, one)]
    return _of_service("s3", named)


def of_key(config: Config) -> list[str]:
    """Return the actions of KMS that are allowed on the key itself, which its policy has to allow too."""
    return _of_service("kms", [one for one in config.service.permissions if _KEY in one.resources])


def _of_service(service: str, permissions: list[Permission]) -> list[str]:
    named = {action for one in permissions for action in one.actions}
    own = {action for action in named if action.lower().startswith(f"{service}:")}
    return sorted(own | ({f"{service}:*"} if "*" in named else set()))


def _is_on(placeholder: str, one: Permission) -> bool:
    return any(resource.startswith(placeholder) for resource in one.resources)


def _writes_assets(one: Permission) -> bool:
    here = _is_on(_ASSETS, one) or "*" in one.resources
    return here and any(fnmatchcase(_WRITES, action.lower()) for action in one.actions)


def _texts(config: Config) -> Mapping[str, str]:
    """Return what stands for each name in braces, as ``Fn::Sub`` reads it."""
    place = "${AWS::Region}:${AWS::AccountId}"
    texts = {
        f"{addon}{one.name}": f"${{{PREFIX}{one.name}}}"
        for one in addons.outputs(config)
        for addon in ("", f"{one.addon}.")
    }
    return texts | {
        "assets": "arn:${AWS::Partition}:s3:::${BucketName}",
        "files": f"arn:${{AWS::Partition}}:elasticfilesystem:{place}:file-system/${{FileSystemId}}",
        "key": "${KeyArn}",
    }


def _filled(text: str, there: Mapping[str, str]) -> str | Sub:
    if not used(text):
        return text
    own = text.replace("${", "${!")  # IAM's variables are none of CloudFormation's
    return Sub(PLACEHOLDER.sub(lambda name: there[name[1]], own))


def _one_or_more(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values
