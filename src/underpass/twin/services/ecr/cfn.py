"""AWS::ECR::Repository."""

from __future__ import annotations

from underpass.twin.services.cloudformation.resource import Resource, attributes, changed, names
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
)
from underpass.twin.services.cloudformation.service_calls import truth


class Repository(Resource):
    """A repository of images."""

    type = "AWS::ECR::Repository"
    service = "ecr"
    honoured = names(
        "EmptyOnDelete EncryptionConfiguration ImageScanningConfiguration ImageTagMutability "
        "LifecyclePolicy RepositoryName RepositoryPolicyText Tags"
    )
    inert = names("ImageTagMutabilityExclusionFilters")
    replaces = names("EncryptionConfiguration RepositoryName")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the repository with its policies."""
        name = properties.get("RepositoryName") or logical.generated_name(256, lower=True)
        made = self.call("create_repository", properties, RepositoryName=name)["repository"]
        physical = Physical(
            name, attributes(Arn=made["repositoryArn"], RepositoryUri=made["repositoryUri"])
        )
        with self.undone_on_failure(physical, properties):
            self._policies(name, {}, properties)
        return physical

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change scanning, mutability, policies and tags."""
        name = physical.id
        if changed(old, new, "ImageScanningConfiguration"):
            scanning = new.get("ImageScanningConfiguration") or {"ScanOnPush": False}
            self.call(
                "put_image_scanning_configuration",
                RepositoryName=name,
                ImageScanningConfiguration=scanning,
            )
        if changed(old, new, "ImageTagMutability"):
            mutability = new.get("ImageTagMutability", "MUTABLE")
            self.call(
                "put_image_tag_mutability", RepositoryName=name, ImageTagMutability=mutability
            )
        self._policies(name, old, new)
        self.retag(physical.attributes["Arn"], old.get("Tags"), new.get("Tags"))
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the repository; with images in it only if ``EmptyOnDelete`` says so."""
        force = truth(properties.get("EmptyOnDelete", False))
        self.remove("delete_repository", RepositoryName=physical.id, Force=force)

    def _policies(self, name: str, old: Properties, new: Properties) -> None:
        if changed(old, new, "LifecyclePolicy"):
            wanted = (new.get("LifecyclePolicy") or {}).get("LifecyclePolicyText")
            if wanted:
                self.call("put_lifecycle_policy", RepositoryName=name, LifecyclePolicyText=wanted)
            else:
                self.remove("delete_lifecycle_policy", RepositoryName=name)
        if changed(old, new, "RepositoryPolicyText"):
            policy = new.get("RepositoryPolicyText")
            if policy:
                self.call("set_repository_policy", RepositoryName=name, PolicyText=policy)
            else:
                self.remove("delete_repository_policy", RepositoryName=name)
