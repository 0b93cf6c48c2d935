"""What S3's operations ask for: actions that are not called as operations are, on a bucket or its objects.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs, unquote, urlparse

from underpass.twin.api.asked import Asked, partition
from underpass.twin.api.operation import Operation
from underpass.twin.region.records import records

# The action on the object; where a version is named, the one after the bar.
_OBJECT = {
    "AbortMultipartUpload": "AbortMultipartUpload",
    "DeleteObject": "DeleteObject|DeleteObjectVersion",
    "DeleteObjectTagging": "DeleteObjectTagging|DeleteObjectVersionTagging",
    "GetObject": "GetObject|GetObjectVersion",
    "GetObjectAcl": "GetObjectAcl|GetObjectVersionAcl",
    "GetObjectLegalHold": "GetObjectLegalHold",
    "GetObjectAttributes": "GetObjectAttributes|GetObjectVersionAttributes",
    "GetObjectTorrent": "GetObjectTorrent|GetObjectVersionTorrent",
    "GetObjectRetention": "GetObjectRetention",
    "GetObjectTagging": "GetObjectTagging|GetObjectVersionTagging",
    "HeadObject": "GetObject|GetObjectVersion",
    "ListParts": "ListMultipartUploadParts",
    "PutObjectAcl": "PutObjectAcl|PutObjectVersionAcl",
    "PutObjectLegalHold": "PutObjectLegalHold",
    "PutObjectRetention": "PutObjectRetention",
    "PutObjectTagging": "PutObjectTagging|PutObjectVersionTagging",
    "RestoreObject": "RestoreObject",
    "SelectObjectContent": "GetObject",
}
_BUCKET = {
    "CreateBucket": "CreateBucket",
    "DeleteBucket": "DeleteBucket",
    "DeleteBucketAnalyticsConfiguration": "PutAnalyticsConfiguration",
    "DeleteBucketCors": "PutBucketCORS",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketIntelligentTieringConfiguration": "PutIntelligentTieringConfiguration",
    "DeleteBucketInventoryConfiguration": "PutInventoryConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketMetricsConfiguration": "PutMetricsConfiguration",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeleteBucketPolicy": "DeleteBucketPolicy",
    "DeleteBucketReplication": "PutReplicationConfiguration",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeleteBucketWebsite": "DeleteBucketWebsite",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "GetBucketAcl": "GetBucketAcl",
    "GetBucketAnalyticsConfiguration": "GetAnalyticsConfiguration",
    "GetBucketCors": "GetBucketCORS",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketIntelligentTieringConfiguration": "GetIntelligentTieringConfiguration",
    "GetBucketInventoryConfiguration": "GetInventoryConfiguration",
    "GetBucketLifecycle": "GetLifecycleConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketLocation": "GetBucketLocation",
    "GetBucketLogging": "GetBucketLogging",
    "GetBucketMetricsConfiguration": "GetMetricsConfiguration",
    "GetBucketNotification": "GetBucketNotification",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetBucketOwnershipControls": "GetBucketOwnershipControls",
    "GetBucketPolicy": "GetBucketPolicy",
    "GetBucketPolicyStatus": "GetBucketPolicyStatus",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetBucketRequestPayment": "GetBucketRequestPayment",
    "GetBucketTagging": "GetBucketTagging",
    "GetBucketVersioning": "GetBucketVersioning",
    "GetBucketWebsite": "GetBucketWebsite",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "ListBucketAnalyticsConfigurations": "GetAnalyticsConfiguration",
    "ListBucketIntelligentTieringConfigurations": "GetIntelligentTieringConfiguration",
    "ListBucketInventoryConfigurations": "GetInventoryConfiguration",
    "ListBucketMetricsConfigurations": "GetMetricsConfiguration",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
    "PutBucketAcl": "PutBucketAcl",
    "PutBucketAnalyticsConfiguration": "PutAnalyticsConfiguration",
    "PutBucketCors": "PutBucketCORS",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketIntelligentTieringConfiguration": "PutIntelligentTieringConfiguration",
    "PutBucketInventoryConfiguration": "PutInventoryConfiguration",
    "PutBucketLifecycle": "PutLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutBucketLogging": "PutBucketLogging",
    "PutBucketMetricsConfiguration": "PutMetricsConfiguration",
    "PutBucketNotification": "PutBucketNotification",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutBucketOwnershipControls": "PutBucketOwnershipControls",
    "PutBucketPolicy": "PutBucketPolicy",
    "PutBucketReplication": "PutReplicationConfiguration",
    "PutBucketRequestPayment": "PutBucketRequestPayment",
    "PutBucketTagging": "PutBucketTagging",
    "PutBucketVersioning": "PutBucketVersioning",
    "PutBucketWebsite": "PutBucketWebsite",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}
_LISTING = {"s3:prefix": "Prefix", "s3:delimiter": "Delimiter", "s3:max-keys": "MaxKeys"}
_WRITING = {
    "s3:x-amz-acl": "ACL",
    "s3:x-amz-server-side-encryption": "ServerSideEncryption",
    "s3:x-amz-server-side-encryption-aws-kms-key-id": "SSEKMSKeyId",
    "s3:x-amz-storage-class": "StorageClass",
}
_ACLS = ("ACL", "GrantFullControl", "GrantRead", "GrantReadACP", "GrantWriteACP")
_KEYS = {
    "ListBucket": _LISTING,
    "ListBucketVersions": _LISTING,
    "PutObject": _WRITING,
}
_VERSIONED = {"s3:VersionId": "VersionId"}


def asked(operation: Operation, _account: str) -> tuple[Asked, ...] | None:
    """Return what an operation asks for; ``None`` for one that is not known."""
    name, given = operation.name, operation.parameters
    bucket = None
    if given.get("Bucket"):
        bucket = f"arn:{partition(operation.region)}:s3:::{given['Bucket']}"
    if name in _BUCKET:
        return (_one(_BUCKET[name], bucket, given),)
    match name:
        case "ListBuckets":
            return (Asked("s3:ListAllMyBuckets", "*"),)
        case "DeleteObjects":
            return _deleted(bucket, given)
        case "CopyObject":
            return (_source(operation), *_written(_of(bucket, given), given))
        case "UploadPartCopy":
            return (_source(operation), _part(bucket, given))
        case "UploadPart" | "CompleteMultipartUpload":
            return (_part(bucket, given),)
        case "GetObjectAttributes":
            reads = (_OBJECT["GetObject"], _OBJECT[name])
            return tuple(_versioned(one, _of(bucket, given), given) for one in reads)
        case "PutObject" | "CreateMultipartUpload":
            return _written(_of(bucket, given), given)
    actions = _OBJECT.get(name)
    return (_versioned(actions, _of(bucket, given), given),) if actions else None


def _of(bucket: str | None, given: Mapping[str, object]) -> str | None:
    return f"{bucket}/{given['Key']}" if bucket and given.get("Key") else None


def _versioned(actions: str, resource: str | None, given: Mapping[str, object]) -> Asked:
    plain, _, of_version = actions.partition("|")
    if of_version and given.get("VersionId"):
        return _one(of_version, resource, given, _VERSIONED)
    return _one(plain, resource, given)


def _one(
    action: str,
    resource: str | None,
    given: Mapping[str, object],
    keys: Mapping[str, str] | None = None,
) -> Asked:
    keys = _KEYS.get(action, {}) if keys is None else keys
    carried = {
        key: (str(given[parameter]),)
        for key, parameter in keys.items()
        if given.get(parameter) is not None
    }
    return Asked(f"s3:{action}", resource, carried, frozenset(keys) - carried.keys())


def _deleted(bucket: str | None, given: Mapping[str, object]) -> tuple[Asked, ...]:
    deleted = given.get("Delete")
    objects = deleted.get("Objects") if isinstance(deleted, Mapping) else None
    if not objects:  # it cannot be read, so whichever they are
        return (_one("DeleteObject", None, given),)
    return tuple(_versioned(_OBJECT["DeleteObject"], _of(bucket, one), one) for one in objects)


def _written(resource: str | None, given: Mapping[str, object]) -> tuple[Asked, ...]:
    """Return the writing of an object, and of what its headers write besides."""
    found = [_one("PutObject", resource, given)]
    if given.get("Tagging"):
        found.append(_one("PutObjectTagging", resource, given))
    if any(given.get(name) for name in _ACLS):
        found.append(_one("PutObjectAcl", resource, given))
    return tuple(found)


@records()
def _part(bucket: str | None, given: Mapping[str, object]) -> Asked:
    """Return the writing of an upload's part, or of its end, of the key and with what it was begun with.

    Its ACL is not on record, nor whether it named the usual storage class: these cannot be told.
    """
    from moto.s3.models import s3_backends

    found = (account["aws"].buckets.get(given.get("Bucket")) for account in s3_backends.values())
    uploads = (one.multiparts.get(given.get("UploadId")) for one in found if one)
    upload = next((one for one in uploads if one), None)
    if upload is None:
        return Asked("s3:PutObject", _of(bucket, given))
    begun = {"ServerSideEncryption": upload.sse_encryption, "SSEKMSKeyId": upload.kms_key_id}
    if upload.storage != "STANDARD":
        begun["StorageClass"] = upload.storage
    keys = {key: member for key, member in _WRITING.items() if member in begun}
    return _one("PutObject", _of(bucket, {"Key": upload.key_name}), begun, keys)


def _source(operation: Operation) -> Asked:
    """Return the reading of what is copied: ``BUCKET/KEY?versionId=ID``, of which the path is decoded."""
    source = urlparse(str(operation.parameters.get("CopySource", "")))  # as moto reads it
    bucket, _, key = unquote(source.path).lstrip("/").partition("/")
    resource = f"arn:{partition(operation.region)}:s3:::{bucket}/{key}" if key else None
    (version, *_) = parse_qs(source.query).get("versionId", [""])
    return _versioned(_OBJECT["GetObject"], resource, {"VersionId": version})
