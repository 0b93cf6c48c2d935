"""S3 buckets and their policies.

As in AWS, deleting a bucket that still holds objects (or versions of them) fails with
``BucketNotEmpty``: who wants it gone empties it first, who wants it kept says so by DeletionPolicy.
"""

from __future__ import annotations

from underpass.twin.services.cloudformation.resource import Resource, attributes, changed, names
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
)
from underpass.twin.services.s3 import cfn_settings


class Bucket(Resource):
    """A bucket and its settings."""

    type = "AWS::S3::Bucket"
    service = "s3"
    honoured = names("AccessControl BucketName ObjectLockEnabled Tags") | set(cfn_settings.SETTINGS)
    inert = names(
        "AccelerateConfiguration AnalyticsConfigurations IntelligentTieringConfigurations "
        "InventoryConfigurations MetricsConfigurations"
    )
    replaces = names("BucketName")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the bucket with its settings."""
        region = self.region.name
        name = properties.get("BucketName") or logical.generated_name(63, lower=True)
        elsewhere = {"LocationConstraint": region} if region != "us-east-1" else None
        self.call(
            "create_bucket",
            Bucket=name,
            CreateBucketConfiguration=elsewhere,
            ACL=_canned(properties.get("AccessControl")),
            ObjectLockEnabledForBucket=properties.get("ObjectLockEnabled"),
        )
        physical = Physical(
            name,
            attributes(
                Arn=f"arn:aws:s3:::{name}",
                DomainName=f"{name}.s3.amazonaws.com",
                DualStackDomainName=f"{name}.s3.dualstack.{region}.amazonaws.com",
                RegionalDomainName=f"{name}.s3.{region}.amazonaws.com",
                WebsiteURL=f"http://{name}.s3-website-{region}.amazonaws.com",
            ),
        )
        with self.undone_on_failure(physical, properties):
            self._set(name, {}, properties)
        return physical

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change settings and tags."""
        if changed(old, new, "AccessControl"):
            acl = _canned(new.get("AccessControl")) or "private"
            self.call("put_bucket_acl", Bucket=physical.id, ACL=acl)
        self._set(physical.id, old, new)
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the bucket; S3 refuses while it is not empty."""
        self.remove("delete_bucket", Bucket=physical.id)

    def _set(self, bucket: str, old: Properties, new: Properties) -> None:
        for name, setting in cfn_settings.SETTINGS.items():
            if not changed(old, new, name):
                continue
            if new.get(name):
                self.call(
                    setting.put, Bucket=bucket, **{setting.parameter: setting.convert(new[name])}
                )
            elif setting.clear:
                self.remove(setting.clear, Bucket=bucket)
            else:
                self.call(setting.put, Bucket=bucket, **{setting.parameter: setting.default})
        if changed(old, new, "Tags"):
            if new.get("Tags"):
                self.call("put_bucket_tagging", Bucket=bucket, Tagging={"TagSet": new["Tags"]})
            else:
                self.remove("delete_bucket_tagging", Bucket=bucket)


class BucketPolicy(Resource):
    """A bucket's policy."""

    type = "AWS::S3::BucketPolicy"
    service = "s3"
    honoured = names("Bucket PolicyDocument")
    replaces = names("Bucket")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Put the policy."""
        bucket = properties["Bucket"]
        self.call("put_bucket_policy", Bucket=bucket, Policy=properties["PolicyDocument"])
        return Physical(bucket)

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Put the policy anew."""
        return self.create(logical, new)

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Take the policy away."""
        self.remove("delete_bucket_policy", Bucket=physical.id)


def _canned(access_control: str | None) -> str | None:
    """Return S3's name of a canned ACL that CloudFormation writes ``BucketOwnerFullControl``."""
    if access_control is None:
        return None
    spaced = "".join(f"-{c.lower()}" if c.isupper() else c for c in access_control)
    return spaced.lstrip("-")
