"""The private bucket of the ALB's access logs (S3).

In the foundation, because Elastic Load Balancing tries to write when it is told to log: the bucket's
policy has to be there before the ALB is.
"""

from __future__ import annotations

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
from underpass.blueprint.iam import document, only_over_tls

KEPT_DAYS = 90
NONCURRENT_DAYS = 7


def add(template: Template) -> None:
    """Add the bucket and its policy. It stays when the stack goes; what is in it expires.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
    """
    bucket = template.add_resource(_bucket())
    template.add_resource(
        BucketPolicy(
            "AccessLogsBucketPolicy",
            Bucket=Ref(bucket),
            PolicyDocument=document(
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
                only_over_tls("s3:*", [GetAtt(bucket, "Arn"), Sub("${AccessLogsBucket.Arn}/*")]),
            ),
        )
    )
    hand(template, "AccessLogsBucketName", Ref(bucket))


def _bucket() -> Bucket:
    return Bucket(
        "AccessLogsBucket",
        BucketEncryption=BucketEncryption(
            ServerSideEncryptionConfiguration=[
                # The one kind of encryption Elastic Load Balancing can write to.
                ServerSideEncryptionRule(
                    ServerSideEncryptionByDefault=ServerSideEncryptionByDefault(
                        SSEAlgorithm="AES256"
                    )
                )
            ]
        ),
        LifecycleConfiguration=LifecycleConfiguration(
            Rules=[
                LifecycleRule(
                    Id="Expire",
                    Status="Enabled",
                    ExpirationInDays=KEPT_DAYS,
                    NoncurrentVersionExpiration=NoncurrentVersionExpiration(
                        NoncurrentDays=NONCURRENT_DAYS
                    ),
                    AbortIncompleteMultipartUpload=AbortIncompleteMultipartUpload(
                        DaysAfterInitiation=1
                    ),
                )
            ]
        ),
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
        Metadata=skipped({"CKV_AWS_18": "It is where logs end; a log of its own would log itself"}),
    )
