"""The private bucket of static assets (S3)."""

from __future__ import annotations

from troposphere import GetAtt, Ref, Sub, Template
from troposphere.kms import Key
from troposphere.s3 import (
    AbortIncompleteMultipartUpload,
    Bucket,
    BucketEncryption,
    BucketPolicy,
    LifecycleConfiguration,
    LifecycleRule,
    NoncurrentVersionExpiration,
    OwnershipControls,
    OwnershipControlsRule,
    PublicAccessBlockConfiguration,
    ServerSideEncryptionByDefault,
    ServerSideEncryptionRule,
    VersioningConfiguration,
)

from underpass.blueprint.checkov_skips import skipped
from underpass.blueprint.cross_stack import hand
from underpass.blueprint.iam import document, only_over_tls

RESTORABLE_DAYS = 30
UNFINISHED_DAYS = 7


def add(template: Template, key: Key) -> None:
    """Add the bucket and the policy that refuses plain HTTP. It stays when the stack goes."""
    bucket = template.add_resource(
        Bucket(
            "AssetsBucket",
            BucketEncryption=BucketEncryption(
                ServerSideEncryptionConfiguration=[
                    ServerSideEncryptionRule(
                        ServerSideEncryptionByDefault=ServerSideEncryptionByDefault(
                            SSEAlgorithm="aws:kms", KMSMasterKeyID=GetAtt(key, "Arn")
                        ),
                        BucketKeyEnabled=True,
                    )
                ]
            ),
            LifecycleConfiguration=_lifecycle(),
            OwnershipControls=OwnershipControls(
                Rules=[OwnershipControlsRule(ObjectOwnership="BucketOwnerEnforced")]
            ),
            PublicAccessBlockConfiguration=PublicAccessBlockConfiguration(
                BlockPublicAcls=True,
                BlockPublicPolicy=True,
                IgnorePublicAcls=True,
                RestrictPublicBuckets=True,
            ),
            VersioningConfiguration=VersioningConfiguration(Status="Enabled"),
            DeletionPolicy="Retain",
            UpdateReplacePolicy="Retain",
            Metadata=skipped(
                {
                    "CKV_AWS_18": (
                        "Only the task role reads it; the application's log and the ALB's tell for whom"
                    )
                }
            ),
        )
    )
    template.add_resource(
        BucketPolicy(
            "AssetsBucketPolicy",
            Bucket=Ref(bucket),
            PolicyDocument=document(
                only_over_tls("s3:*", [GetAtt(bucket, "Arn"), Sub("${AssetsBucket.Arn}/*")])
            ),
        )
    )
    hand(template, "BucketName", Ref(bucket))


def _lifecycle() -> LifecycleConfiguration:
    """Return what bounds the cost of keeping old versions: they go, and so do unfinished uploads."""
    return LifecycleConfiguration(
        Rules=[
            LifecycleRule(
                Id="ReplacedVersions",
                Status="Enabled",
                NoncurrentVersionExpiration=NoncurrentVersionExpiration(
                    NoncurrentDays=RESTORABLE_DAYS
                ),
                ExpiredObjectDeleteMarker=True,
            ),
            LifecycleRule(
                Id="UnfinishedUploads",
                Status="Enabled",
                AbortIncompleteMultipartUpload=AbortIncompleteMultipartUpload(
                    DaysAfterInitiation=UNFINISHED_DAYS
                ),
            ),
        ]
    )
