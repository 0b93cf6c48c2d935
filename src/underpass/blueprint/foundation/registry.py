"""The ECR repository of the application's images, and which of them go.

ECR does not know what runs. An image that runs must stay, or the next task, in a week or after a zone
is lost, has nothing to pull. So no image with a tag goes by its age, and by number only far beyond what
a busy week pushes. What is tagged ``release-...`` never goes: ECR expires no image by a rule that one of
a lower number matches too, and that one is never met. A pipeline tags what it deploys so.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
"""

from __future__ import annotations

import json
from typing import Any

from troposphere import GetAtt, Ref, Template
from troposphere.ecr import (
    EncryptionConfiguration,
    ImageScanningConfiguration,
    LifecyclePolicy,
    Repository,
)

from underpass.blueprint.cross_stack import hand
from underpass.blueprint.foundation.keys import Arn

RELEASE = "release-"
RELEASES = 10_000  # as many as a repository ever has
KEPT_IMAGES = 1_000
UNTAGGED_DAYS = 7


def _expire(priority: int, description: str, **selection: str | int | list[str]) -> dict[str, Any]:
    return {
        "rulePriority": priority,
        "description": description,
        "selection": selection,
        "action": {"type": "expire"},
    }


_LIFECYCLE = {
    "rules": [
        _expire(
            1,
            f"Images tagged {RELEASE}... stay",
            tagStatus="tagged",
            tagPrefixList=[RELEASE],
            countType="imageCountMoreThan",
            countNumber=RELEASES,
        ),
        _expire(
            2,
            f"Images without a tag go after {UNTAGGED_DAYS} days",
            tagStatus="untagged",
            countType="sinceImagePushed",
            countUnit="days",
            countNumber=UNTAGGED_DAYS,
        ),
        _expire(
            3,
            f"The last {KEPT_IMAGES} images stay",
            tagStatus="any",
            countType="imageCountMoreThan",
            countNumber=KEPT_IMAGES,
        ),
    ]
}


def add(template: Template, key: Arn) -> None:
    """Add the repository. It goes with the stack: an image can always be built again.

    It has no policy of its own: who pulls and pushes is what the account's roles say, and nobody else.
    """
    repository = template.add_resource(
        Repository(
            "Repository",
            EncryptionConfiguration=EncryptionConfiguration(EncryptionType="KMS", KmsKey=key),
            ImageScanningConfiguration=ImageScanningConfiguration(ScanOnPush=True),
            ImageTagMutability="IMMUTABLE",
            LifecyclePolicy=LifecyclePolicy(LifecyclePolicyText=json.dumps(_LIFECYCLE)),
            EmptyOnDelete=True,
            DeletionPolicy="Delete",
            UpdateReplacePolicy="Delete",
        )
    )
    hand(template, "RepositoryName", Ref(repository))
    hand(template, "RepositoryUri", GetAtt(repository, "RepositoryUri"))
