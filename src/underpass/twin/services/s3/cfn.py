"""S3 buckets and their policies.

As in AWS, deleting a bucket that still holds objects (or versions of them) fails with
``BucketNotEmpty``: who wants it gone empties it first, who wants it kept says so by DeletionPolicy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from underpass.twin.services.cloudformation.resource import Resource
from underpass.twin.services.cloudformation.resource_type import Form, LogicalResource, Properties
from underpass.twin.services.s3.cfn_settings import SETTINGS

PLAIN = (
    Form(
        type="AWS::S3::BucketPolicy",
        service="s3",
        honoured="Bucket PolicyDocument",
        replaces="Bucket",
        renamed={"PolicyDocument": "Policy"},
        create="put_bucket_policy",
        ref="{Bucket}",
        update="put_bucket_policy Bucket",
        delete="delete_bucket_policy Bucket",
    ),
)


class Bucket(Resource):
    """A bucket and its settings."""

    form = Form(
        type="AWS::S3::Bucket",
        service="s3",
        honoured=f"BucketName ObjectLockEnabled {' '.join(SETTINGS)}",
        inert="AccelerateConfiguration AnalyticsConfigurations IntelligentTieringConfigurations "
        "InventoryConfigurations MetricsConfigurations",
        replaces="BucketName",
        renamed={"BucketName": "Bucket", "ObjectLockEnabled": "ObjectLockEnabledForBucket"},
        name="Bucket",
        longest=63,
        lower=True,
        create="create_bucket",
        settings=SETTINGS,
        delete="delete_bucket Bucket",
    )

    def arguments(self, logical: LogicalResource, properties: Properties) -> dict[str, Any]:
        """Return where the bucket is, which S3 asks for everywhere but in us-east-1."""
        region = self.region.name
        elsewhere = {"LocationConstraint": region} if region != "us-east-1" else None
        return {"CreateBucketConfiguration": elsewhere}

    def attributes(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return the ARN, and the names it is reached under."""
        name, region = document["Bucket"], self.region.name
        return {
            "Arn": f"arn:aws:s3:::{name}",
            "DomainName": f"{name}.s3.amazonaws.com",
            "DualStackDomainName": f"{name}.s3.dualstack.{region}.amazonaws.com",
            "RegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
            "WebsiteURL": f"http://{name}.s3-website-{region}.amazonaws.com",
        }
