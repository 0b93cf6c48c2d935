"""The KMS key that encrypts the secret, the database, the files, the bucket and the images."""

from __future__ import annotations

from troposphere import GetAtt, Sub, Template
from troposphere.kms import Key

from underpass.blueprint.exports import export
from underpass.blueprint.iam import document
from underpass.config import Config


def add(template: Template, config: Config) -> Key:
    """Add the key. It stays when the stack goes: without it the snapshots and files are noise."""
    key = template.add_resource(
        Key(
            "Key",
            Description=f"{config.name}: data at rest",
            EnableKeyRotation=True,
            KeyPolicy=document(
                {
                    # The account's IAM policies decide who uses the key; without this statement
                    # nobody could administer it.
                    # https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
                    "Sid": "AccountAdministersThroughIam",
                    "Effect": "Allow",
                    "Principal": {"AWS": Sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")},
                    "Action": "kms:*",
                    "Resource": "*",
                }
            ),
            DeletionPolicy="Retain",
            UpdateReplacePolicy="Retain",
        )
    )
    export(template, config, "KeyArn", GetAtt(key, "Arn"))
    return key
