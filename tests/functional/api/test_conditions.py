"""Conditions on what a request carries: known where it does, and known to be absent where it does not."""

from __future__ import annotations

from typing import Any

import pytest
from tests.functional.api.test_authorization import At, allow, refused

TAGGED = {"StringEquals": {"aws:RequestTag/team": "a"}}
NO_OTHER = {"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}
SOME = {"Null": {"aws:TagKeys": "false"}}
CONTEXT = {"StringEquals": {"kms:EncryptionContext:AppName": "x"}}
VIA = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}


@pytest.fixture(scope="module")
def at() -> At:
    at = At()
    at.client("secretsmanager").create_secret(Name="tagged", SecretString="x")
    return at


@pytest.mark.parametrize(
    ("condition", "tags", "allowed"),
    [
        (TAGGED, {"team": "a"}, True),
        (TAGGED, {"team": "b"}, False),
        (TAGGED, {"other": "a"}, False),
        (TAGGED, {}, False),
        (NO_OTHER, {"team": "b"}, True),
        (NO_OTHER, {"team": "a", "other": "b"}, False),
        (NO_OTHER, {}, True),
        (SOME, {"other": "b"}, True),
        (SOME, {}, False),
    ],
)
def test_tags_of_a_request(at: At, condition: Any, tags: dict[str, str], allowed: bool) -> None:
    session = at.role(allow("*", Condition=condition))
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    queue = {"QueueName": "tagged", **({"tags": tags} if tags else {})}
    topic = {"Name": "tagged", **({"Tags": listed} if tags else {})}
    secret = {"SecretId": "tagged", **({"Tags": listed} if tags else {"Tags": []})}
    for service, call, named in (
        ("sqs", "create_queue", queue),
        ("sns", "create_topic", topic),
        ("secretsmanager", "tag_resource", secret),
    ):
        client = at.client(service, session)
        if allowed:
            getattr(client, call)(**named)
        else:
            assert "no identity-based policy allows" in refused(getattr(client, call), **named)
    found = at.client("sqs").list_queues(QueueNamePrefix="tagged").get("QueueUrls", [])
    assert bool(found) is allowed
    for url in found:
        at.client("sqs").delete_queue(QueueUrl=url)


def test_tags_of_a_bucket(at: At) -> None:
    at.client("s3").create_bucket(Bucket="tagged")
    s3 = at.client("s3", at.role(allow("s3:*", Condition=TAGGED)))
    tagging = {"TagSet": [{"Key": "team", "Value": "a"}]}
    s3.put_bucket_tagging(Bucket="tagged", Tagging=tagging)
    other = {"TagSet": [{"Key": "team", "Value": "b"}]}
    refused(s3.put_bucket_tagging, Bucket="tagged", Tagging=other)
    refused(s3.list_objects_v2, Bucket="tagged")


def test_tags_of_an_object_are_no_tags_of_the_request(at: At) -> None:
    at.client("s3").create_bucket(Bucket="tagged")
    at.client("s3", at.role(allow("s3:*"))).put_object(Bucket="tagged", Key="k", Tagging="team=a")


def test_an_encryption_context(at: At) -> None:
    key = at.client("kms").create_key()["KeyMetadata"]["KeyId"]
    kms = at.client("kms", at.role(allow("kms:*", Condition=CONTEXT)))
    told = {"KeyId": key, "Plaintext": b"x"}
    kms.encrypt(**told, EncryptionContext={"AppName": "x", "other": "y"})
    refused(kms.encrypt, **told, EncryptionContext={"AppName": "y"})
    refused(kms.encrypt, **told, EncryptionContext={"other": "x"})
    refused(kms.encrypt, **told)
    refused(kms.generate_data_key, KeyId=key, KeySpec="AES_256")


def test_who_asks_kms_himself_comes_through_no_service(at: At) -> None:
    key = at.client("kms").create_key()["KeyMetadata"]["KeyId"]
    kms = at.client("kms", at.role(allow("kms:*", Condition=VIA)))
    refused(kms.encrypt, KeyId=key, Plaintext=b"x")
