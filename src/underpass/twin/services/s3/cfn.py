"""S3 buckets with their settings, and their policies.

A setting is put by an action of its own, in S3's form of what CloudFormation says.

As in AWS, deleting a bucket that still holds objects (or versions of them) fails with
``BucketNotEmpty``: who wants it gone empties it first, who wants it kept says so by DeletionPolicy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from underpass.twin.services.cloudformation.resource import ALREADY, Resource
from underpass.twin.services.cloudformation.resource_type import (
    Form,
    LogicalResource,
    Properties,
    Setting,
)


def canned(access_control: str) -> str:
    """Return S3's name of a canned ACL that CloudFormation writes ``BucketOwnerFullControl``."""
    spaced = "".join(f"-{c.lower()}" if c.isupper() else c for c in access_control)
    return spaced.lstrip("-")


def _encryption(value: Any) -> Any:
    rules = []
    for rule in value["ServerSideEncryptionConfiguration"]:
        fitted = dict(rule)
        if "ServerSideEncryptionByDefault" in fitted:
            fitted["ApplyServerSideEncryptionByDefault"] = fitted.pop(
                "ServerSideEncryptionByDefault"
            )
        rules.append(fitted)
    return {"Rules": rules}


def _logging(value: Any) -> Any:
    enabled = {"TargetPrefix": value.get("LogFilePrefix", "")}
    if "DestinationBucketName" in value:
        enabled["TargetBucket"] = value["DestinationBucketName"]
    if "TargetObjectKeyFormat" in value:
        enabled["TargetObjectKeyFormat"] = value["TargetObjectKeyFormat"]
    return {"LoggingEnabled": enabled}


def _cors(value: Any) -> Any:
    return {"CORSRules": [_renamed(rule, CORS) for rule in value["CorsRules"]]}


def _lifecycle(value: Any) -> Any:
    return {"Rules": [_lifecycle_rule(rule) for rule in value["Rules"]]}


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    fitted = _renamed(rule, {"Id": "ID"})
    prefix, tags = fitted.pop("Prefix", None), fitted.pop("TagFilters", None) or []
    parts: dict[str, Any] = {"Prefix": prefix} if prefix else {}
    for key in ("ObjectSizeGreaterThan", "ObjectSizeLessThan"):
        if key in fitted:
            parts[key] = fitted.pop(key)
    if len(parts) + len(tags) > 1:
        fitted["Filter"] = {"And": {**parts, **({"Tags": tags} if tags else {})}}
    else:
        fitted["Filter"] = {"Tag": tags[0]} if tags else parts or {"Prefix": ""}
    expiration = {
        new: fitted.pop(old)
        for old, new in (
            ("ExpirationInDays", "Days"),
            ("ExpirationDate", "Date"),
            ("ExpiredObjectDeleteMarker", "ExpiredObjectDeleteMarker"),
        )
        if old in fitted
    }
    if expiration:
        fitted["Expiration"] = expiration
    if "NoncurrentVersionExpirationInDays" in fitted:
        days = fitted.pop("NoncurrentVersionExpirationInDays")
        fitted["NoncurrentVersionExpiration"] = {"NoncurrentDays": days}
    for single, several, days in (
        ("Transition", "Transitions", "Days"),
        ("NoncurrentVersionTransition", "NoncurrentVersionTransitions", "NoncurrentDays"),
    ):
        moves = [*fitted.pop(several, []), *([fitted.pop(single)] if single in fitted else [])]
        if moves:
            table = {"TransitionInDays": days, "TransitionDate": "Date"}
            fitted[several] = [_renamed(move, table) for move in moves]
    return fitted


def _notifications(value: Any) -> Any:
    fitted: dict[str, Any] = {}
    for written, name, arn in (
        ("LambdaConfigurations", "LambdaFunctionConfigurations", "LambdaFunctionArn"),
        ("QueueConfigurations", "QueueConfigurations", "QueueArn"),
        ("TopicConfigurations", "TopicConfigurations", "TopicArn"),
    ):
        fitted[name] = [_notification(one, arn) for one in value.get(written) or ()]
    if (value.get("EventBridgeConfiguration") or {}).get("EventBridgeEnabled") in {True, "true"}:
        fitted["EventBridgeConfiguration"] = {}
    return fitted


def _notification(value: Mapping[str, Any], arn: str) -> dict[str, Any]:
    target = next(value[key] for key in ("Function", "Queue", "Topic") if key in value)
    fitted: dict[str, Any] = {arn: target, "Events": [value["Event"]]}
    if "Filter" in value:
        rules = value["Filter"]["S3Key"]["Rules"]
        fitted["Filter"] = {"Key": {"FilterRules": rules}}
    return fitted


def _renamed(value: Mapping[str, Any], table: Mapping[str, str]) -> dict[str, Any]:
    return {table.get(key, key): inner for key, inner in value.items()}


CORS = {"ExposedHeaders": "ExposeHeaders", "MaxAge": "MaxAgeSeconds", "Id": "ID"}
SETTINGS: Mapping[str, Setting] = {
    "AccessControl": Setting("put_bucket_acl", "ACL", convert=canned, default="private"),
    "BucketEncryption": Setting(
        "put_bucket_encryption",
        "ServerSideEncryptionConfiguration",
        "delete_bucket_encryption",
        _encryption,
    ),
    "CorsConfiguration": Setting(
        "put_bucket_cors", "CORSConfiguration", "delete_bucket_cors", _cors
    ),
    "LifecycleConfiguration": Setting(
        "put_bucket_lifecycle_configuration",
        "LifecycleConfiguration",
        "delete_bucket_lifecycle",
        _lifecycle,
    ),
    "LoggingConfiguration": Setting(
        "put_bucket_logging", "BucketLoggingStatus", convert=_logging, default={}
    ),
    "NotificationConfiguration": Setting(
        "put_bucket_notification_configuration",
        "NotificationConfiguration",
        convert=_notifications,
        default={},
    ),
    "OwnershipControls": Setting(
        "put_bucket_ownership_controls", "OwnershipControls", "delete_bucket_ownership_controls"
    ),
    "PublicAccessBlockConfiguration": Setting(
        "put_public_access_block", "PublicAccessBlockConfiguration", "delete_public_access_block"
    ),
    "VersioningConfiguration": Setting(
        "put_bucket_versioning",
        "VersioningConfiguration",
        default={"Status": "Suspended"},
    ),
    "Tags": Setting(
        "put_bucket_tagging", "Tagging", "delete_bucket_tagging", lambda tags: {"TagSet": tags}
    ),
}


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
        found="get_bucket_location Bucket",
        takes_over=True,
        settings=SETTINGS,
        delete="delete_bucket Bucket",
    )

    def taken_words(self, name: str) -> str:
        """Return what S3's part of CloudFormation says; S3 lets a bucket be made twice in us-east-1."""
        return ALREADY.format(
            f"{name} already exists (Service: S3, Status Code: 0, Request ID: null)"
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
