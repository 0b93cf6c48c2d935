"""The ECR repository of the application's images."""

from __future__ import annotations

import json

from troposphere import GetAtt, Ref, Template
from troposphere.ecr import (
    EncryptionConfiguration,
    ImageScanningConfiguration,
    LifecyclePolicy,
    Repository,
)
from troposphere.kms import Key

from underpass.blueprint.exports import export
from underpass.config import Config

KEPT_IMAGES = 20

_LIFECYCLE = {
    "rules": [
        {
            "rulePriority": 1,
            "description": f"Keep the last {KEPT_IMAGES} images",
            "selection": {
                "tagStatus": "any",
                "countType": "imageCountMoreThan",
                "countNumber": KEPT_IMAGES,
            },
            "action": {"type": "expire"},
        }
    ]
}


def add(template: Template, config: Config, key: Key) -> None:
    """Add the repository. It goes with the stack: an image can always be built again."""
    repository = template.add_resource(
        Repository(
            "Repository",
            EncryptionConfiguration=EncryptionConfiguration(
                EncryptionType="KMS", KmsKey=GetAtt(key, "Arn")
            ),
            ImageScanningConfiguration=ImageScanningConfiguration(ScanOnPush=True),
            ImageTagMutability="IMMUTABLE",
            LifecyclePolicy=LifecyclePolicy(LifecyclePolicyText=json.dumps(_LIFECYCLE)),
            EmptyOnDelete=True,
            DeletionPolicy="Delete",
            UpdateReplacePolicy="Delete",
        )
    )
    export(template, config, "RepositoryName", Ref(repository))
    export(template, config, "RepositoryUri", GetAtt(repository, "RepositoryUri"))
