"""AWS::ECR::Repository."""

from __future__ import annotations

from underpass.twin.services.cloudformation.resource_type import Form, Setting

PLAIN = (
    Form(
        type="AWS::ECR::Repository",
        service="ecr",
        honoured="EmptyOnDelete EncryptionConfiguration ImageScanningConfiguration ImageTagMutability "
        "LifecyclePolicy RepositoryName RepositoryPolicyText Tags",
        inert="ImageTagMutabilityExclusionFilters",
        replaces="EncryptionConfiguration RepositoryName",
        renamed={"EmptyOnDelete": "Force"},
        name="RepositoryName",
        longest=256,
        lower=True,
        create="create_repository",
        made="repository",
        found="describe_repositories RepositoryNames repositories.0",
        attributes="Arn=repositoryArn RepositoryUri=repositoryUri",
        settings={
            "ImageScanningConfiguration": Setting(
                "put_image_scanning_configuration",
                "ImageScanningConfiguration",
                default={"ScanOnPush": False},
            ),
            "ImageTagMutability": Setting(
                "put_image_tag_mutability", "ImageTagMutability", default="MUTABLE"
            ),
            "LifecyclePolicy": Setting(
                "put_lifecycle_policy",
                "LifecyclePolicyText",
                "delete_lifecycle_policy",
                lambda policy: policy["LifecyclePolicyText"],
            ),
            "RepositoryPolicyText": Setting(
                "set_repository_policy", "PolicyText", "delete_repository_policy"
            ),
        },
        tagged="Arn",
        delete="delete_repository RepositoryName Force",  # with images in it only if it says so
    ),
)
