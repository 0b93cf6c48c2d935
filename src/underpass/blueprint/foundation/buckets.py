"""The application's private buckets (S3): its static assets, the access logs of its ALB, deployments' work.

The logs' is in the foundation because Elastic Load Balancing tries to write when it is told to log: the
bucket's policy has to be there before the ALB is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from troposphere import GetAtt, Ref, Sub, Template
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
from underpass.blueprint.foundation.keys import Arn
from underpass.blueprint.iam import document, only_over_tls
from underpass.config import Config

LOGS_KEPT_DAYS = 90
LOGS_NONCURRENT_DAYS = 7
RESTORABLE_DAYS = 30
UNFINISHED_DAYS = 7
WORK_DAYS = 1  # the least there is


def add_access_logs(template: Template, config: Config) -> None:
    """Add the bucket the ALB logs to. It stays when the stack goes; what is in it expires.

    One that is there already is its owner's, with its policy and whatever expires in it.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
    """
    if config.log_bucket:
        hand(template, "AccessLogsBucketName", config.log_bucket.partition("/")[0])
        return
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
        logging(Sub("${AccessLogsBucket.Arn}/AWSLogs/${AWS::AccountId}/*")),
    )
    hand(template, "AccessLogsBucketName", Ref(bucket))


def logging(objects: object) -> Mapping[str, Any]:
    """Return what lets this account's load balancers log to ``objects``, of whichever bucket."""
    balancers = (
        "arn:${AWS::Partition}:elasticloadbalancing:${AWS::Region}:${AWS::AccountId}:loadbalancer/*"
    )
    return {
        "Sid": "LoadBalancersOfThisAccountLog",
        "Effect": "Allow",
        "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": objects,
        "Condition": {"ArnLike": {"aws:SourceArn": Sub(balancers)}},
    }


def add_work(template: Template, key: Arn) -> None:
    """Add the bucket for what a deployment needs for a moment, such as a template too long for a request.

    What is in it expires after a day. It goes with the stack, once it is empty.
    """
    bucket = _add(
        template,
        "WorkBucket",
        _by_key(key),
        [LifecycleRule(Id="Expire", Status="Enabled", ExpirationInDays=WORK_DAYS)],
        "What is in it came from a deployment a moment ago, and CloudTrail tells who made that",
        kept=False,
    )
    hand(template, "WorkBucketName", Ref(bucket))


def _by_key(key: Arn) -> ServerSideEncryptionRule:
    return ServerSideEncryptionRule(
        ServerSideEncryptionByDefault=ServerSideEncryptionByDefault(
            SSEAlgorithm="aws:kms", KMSMasterKeyID=key
        ),
        BucketKeyEnabled=True,
    )


def add_assets(template: Template, key: Arn) -> None:
    """Add the bucket of static assets. It stays when the stack goes.

    What bounds the cost of keeping old versions: they go, and so do unfinished uploads.
    """
    bucket = _add(
        template,
        "AssetsBucket",
        _by_key(key),
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
    kept: bool = True,
) -> Bucket:
    """Add a bucket nobody reaches from outside, and its policy: ``statements``, and no plain HTTP.

    One that is ``kept`` has versions, and stays when the stack goes.
    """
    why = {"CKV_AWS_18": why_unlogged}
    if not kept:
        why["CKV_AWS_21"] = "What is in it is made anew when it is needed"
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
            DeletionPolicy="Retain" if kept else "Delete",
            UpdateReplacePolicy="Retain" if kept else "Delete",
            Metadata=skipped(why),
            **(
                {"VersioningConfiguration": VersioningConfiguration(Status="Enabled")}
                if kept
                else {}
            ),
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
