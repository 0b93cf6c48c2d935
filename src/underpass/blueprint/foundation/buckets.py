"""The application's private buckets (S3): its static assets, and the access logs of its ALB.

The logs' is in the foundation because Elastic Load Balancing tries to write when it is told to log: the
bucket's policy has to be there before the ALB is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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

LOGS_KEPT_DAYS = 90
LOGS_NONCURRENT_DAYS = 7
RESTORABLE_DAYS = 30
UNFINISHED_DAYS = 7


def add_access_logs(template: Template) -> None:
    """Add the bucket the ALB logs to. It stays when the stack goes; what is in it expires.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
    """
    bucket = _add(
        template,
        "AccessLogsBucket",
        # The one kind of encryption Elastic Load Balancing can write to.
        ServerSideEncryptionRule(
            ServerSideEncryptionByDefault=ServerSideEncryptionByDefault(SSEAlgorithm="AES256")
        ),
        [
            LifecycleRule(
                Id="Expire",
                Status="Enabled",
                ExpirationInDays=LOGS_KEPT_DAYS,
                NoncurrentVersionExpiration=NoncurrentVersionExpiration(
                    NoncurrentDays=LOGS_NONCURRENT_DAYS
                ),
                AbortIncompleteMultipartUpload=AbortIncompleteMultipartUpload(
                    DaysAfterInitiation=1
                ),
            )
        ],
        "It is where logs end; a log of its own would log itself",
        {
            "Sid": "LoadBalancersOfThisAccountLog",
            "Effect": "Allow",
            "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": Sub("${AccessLogsBucket.Arn}/AWSLogs/${AWS::AccountId}/*"),
            "Condition": {
                "ArnLike": {
                    "aws:SourceArn": Sub(
                        "arn:${AWS::Partition}:elasticloadbalancing:${AWS::Region}"
                        ":${AWS::AccountId}:loadbalancer/*"
                    )
                }
            },
        },
    )
    hand(template, "AccessLogsBucketName", Ref(bucket))


def add_assets(template: Template, key: Key) -> None:
    """Add the bucket of static assets. It stays when the stack goes.

    What bounds the cost of keeping old versions: they go, and so do unfinished uploads.
    """
    bucket = _add(
        template,
        "AssetsBucket",
        ServerSideEncryptionRule(
            ServerSideEncryptionByDefault=ServerSideEncryptionByDefault(
                SSEAlgorithm="aws:kms", KMSMasterKeyID=GetAtt(key, "Arn")
            ),
            BucketKeyEnabled=True,
        ),
        [
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
        ],
        "Only the task role reads it; the application's log and the ALB's tell for whom",
    )
    hand(template, "BucketName", Ref(bucket))


def _add(
    template: Template,
    title: str,
    encryption: ServerSideEncryptionRule,
    lifecycle: list[LifecycleRule],
    why_unlogged: str,
    *statements: Mapping[str, Any],
) -> Bucket:
    """Add a bucket nobody reaches from outside, and its policy: ``statements``, and no plain HTTP."""
    bucket = template.add_resource(
        Bucket(
            title,
            BucketEncryption=BucketEncryption(ServerSideEncryptionConfiguration=[encryption]),
            LifecycleConfiguration=LifecycleConfiguration(Rules=lifecycle),
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
            Metadata=skipped({"CKV_AWS_18": why_unlogged}),
        )
    )
    everything = [GetAtt(bucket, "Arn"), Sub(f"${{{title}.Arn}}/*")]
    template.add_resource(
        BucketPolicy(
            f"{title}Policy",
            Bucket=Ref(bucket),
            PolicyDocument=document(*statements, only_over_tls("s3:*", everything)),
        )
    )
    return bucket
