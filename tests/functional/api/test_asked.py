"""What requests that boto3 makes ask for, and AWS's service authorization reference about it."""

from __future__ import annotations

import fnmatch
import re
from collections import Counter
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_sentry.querying.actions import get_action_data

from underpass.twin.api.asked import Asked
from underpass.twin.api.operation import Operation, operation
from underpass.twin.region import direct
from underpass.twin.services.iam.asked import asked

ACCOUNT = "123456789012"
SESSION = botocore.session.Session()
SESSION.set_credentials("key", "secret")
PATH_STYLE = {"addressing_style": "path"}


class Caught:
    """A client whose calls are read and not answered."""

    def __init__(self, service: str, **options: Any) -> None:
        url = options.pop("url", "http://127.0.0.1:4566")
        config = Config(retries={"total_max_attempts": 1}, **{"s3": PATH_STYLE} | options)
        self.client = SESSION.create_client(
            service, region_name="us-east-1", endpoint_url=url, config=config
        )
        self.seen: list[Operation | None] = []
        direct.connect(self.client, self._answer, Counter())

    def _answer(self, environ: dict[str, Any], start: Any) -> list[bytes]:
        body = environ["wsgi.input"].read()
        environ["wsgi.input"].seek(0)
        self.seen.append(operation(environ, body))
        assert environ["wsgi.input"].read() == body, "whoever answers reads it too"
        start("500 Stopped", [])
        return [b""]

    def operation(self, method: str, **parameters: Any) -> Operation:
        with pytest.raises(ClientError):  # nobody answers
            getattr(self.client, method)(**parameters)
        found = self.seen.pop()
        assert found is not None
        return found

    def asked(self, method: str, **parameters: Any) -> list[tuple[str, str | None]]:
        found = asked(self.operation(method, **parameters), ACCOUNT)
        return [(one.action, one.resource) for one in found]


S3 = Caught("s3")
B, OBJECT = "arn:aws:s3:::b", "arn:aws:s3:::b/k"
NAMED = {"Bucket": "b", "Key": "k"}


@pytest.mark.parametrize(
    ("method", "parameters", "wanted"),
    [
        ("list_buckets", {}, [("ListAllMyBuckets", "*")]),
        ("get_object", NAMED, [("GetObject", OBJECT)]),
        ("head_object", NAMED, [("GetObject", OBJECT)]),
        ("get_object", NAMED | {"VersionId": "v"}, [("GetObjectVersion", OBJECT)]),
        ("put_object", NAMED | {"Body": b"x"}, [("PutObject", OBJECT)]),
        (
            "put_object",
            NAMED | {"Tagging": "a=b"},
            [("PutObject", OBJECT), ("PutObjectTagging", OBJECT)],
        ),
        (
            "put_object",
            NAMED | {"ACL": "private"},
            [("PutObject", OBJECT), ("PutObjectAcl", OBJECT)],
        ),
        ("list_objects_v2", {"Bucket": "b"}, [("ListBucket", B)]),
        ("list_objects", {"Bucket": "b"}, [("ListBucket", B)]),
        ("head_bucket", {"Bucket": "b"}, [("ListBucket", B)]),
        ("list_object_versions", {"Bucket": "b"}, [("ListBucketVersions", B)]),
        ("create_multipart_upload", NAMED, [("PutObject", OBJECT)]),
        ("upload_part", NAMED | {"UploadId": "u", "PartNumber": 1}, [("PutObject", OBJECT)]),
        ("abort_multipart_upload", NAMED | {"UploadId": "u"}, [("AbortMultipartUpload", OBJECT)]),
        ("list_parts", NAMED | {"UploadId": "u"}, [("ListMultipartUploadParts", OBJECT)]),
        ("get_object_tagging", NAMED, [("GetObjectTagging", OBJECT)]),
        ("get_bucket_cors", {"Bucket": "b"}, [("GetBucketCORS", B)]),
        (
            "copy_object",
            NAMED | {"CopySource": {"Bucket": "from", "Key": "a b"}},
            [("GetObject", "arn:aws:s3:::from/a b"), ("PutObject", OBJECT)],
        ),
        (
            "delete_objects",
            {"Bucket": "b", "Delete": {"Objects": [{"Key": "k"}, {"Key": "x", "VersionId": "v"}]}},
            [("DeleteObject", OBJECT), ("DeleteObjectVersion", f"{B}/x")],
        ),
    ],
)
def test_s3(method: str, parameters: Any, wanted: list[tuple[str, str]]) -> None:
    assert S3.asked(method, **parameters) == [(f"s3:{name}", arn) for name, arn in wanted]


@pytest.mark.parametrize("host", ["s3.us-east-1.amazonaws.com:443", "localhost:4566"])
def test_a_bucket_may_be_in_the_hosts_name(host: str) -> None:
    virtual = Caught("s3", url=f"http://{host}", s3={"addressing_style": "virtual"})
    assert virtual.asked("get_object", **NAMED) == [("s3:GetObject", OBJECT)]
    assert virtual.asked("list_objects_v2", Bucket="b") == [("s3:ListBucket", B)]


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30))
@pytest.mark.parametrize("inside", ["{}", "a//{}", "a b/{}/", "x/../{}", "%2F{}?tagging"])
def test_a_key_is_the_key_that_was_sent(inside: str, key: str) -> None:
    found = S3.operation("get_object", Bucket="b", Key=inside.format(key)).parameters
    assert (found["Bucket"], found["Key"]) == ("b", inside.format(key))


def test_s3s_condition_keys_are_those_sent_and_the_others_are_absent() -> None:
    (one,) = asked(S3.operation("list_objects_v2", Bucket="b", Prefix="p/", MaxKeys=5), ACCOUNT)
    assert one.context == {"s3:prefix": ("p/",), "s3:max-keys": ("5",)}
    assert one.absent == {"s3:delimiter"}


def test_a_presigned_request_is_read_as_well() -> None:
    url = S3.client.generate_presigned_url("get_object", Params=NAMED)
    path, _, query = url.removeprefix("http://127.0.0.1:4566").partition("?")
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query}
    environ |= {"HTTP_HOST": "127.0.0.1:4566", "wsgi.url_scheme": "http"}
    found = operation(environ, b"")
    assert found is not None
    assert (found.name, found.parameters["Key"]) == ("GetObject", "k")


def test_sqs_names_the_queue_by_its_url() -> None:
    queue = "http://127.0.0.1:4566/111111111111/jobs"
    entries = [{"Id": "1", "MessageBody": "x"}]
    arn = "arn:aws:sqs:us-east-1:111111111111:jobs"
    sqs = Caught("sqs")
    assert sqs.asked("send_message_batch", QueueUrl=queue, Entries=entries) == [
        ("sqs:SendMessage", arn)
    ]
    assert sqs.asked("receive_message", QueueUrl=queue) == [("sqs:ReceiveMessage", arn)]
    assert sqs.asked("create_queue", QueueName="new") == [
        ("sqs:CreateQueue", f"arn:aws:sqs:us-east-1:{ACCOUNT}:new")
    ]


def test_dynamodb_names_tables_indexes_and_what_a_transaction_does() -> None:
    table = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/t"
    db, key = Caught("dynamodb"), {"id": {"S": "1"}}
    assert db.asked("get_item", TableName="t", Key=key) == [("dynamodb:GetItem", table)]
    assert db.asked("scan", TableName="t", IndexName="by-day") == [
        ("dynamodb:Scan", f"{table}/index/by-day")
    ]
    by_arn = Operation("dynamodb", "Query", {"TableName": table}, "us-east-1")
    assert asked(by_arn, ACCOUNT) == (Asked("dynamodb:Query", table),)
    assert db.asked("batch_get_item", RequestItems={"t": {"Keys": [key]}}) == [
        ("dynamodb:BatchGetItem", table)
    ]
    items = [{"Put": {"TableName": "t", "Item": key}}, {"Delete": {"TableName": "t", "Key": key}}]
    assert db.asked("transact_write_items", TransactItems=items) == [
        ("dynamodb:PutItem", table),
        ("dynamodb:DeleteItem", table),
    ]


def test_sns_names_the_topic_and_who_subscribes() -> None:
    sns, topic = Caught("sns"), f"arn:aws:sns:us-east-1:{ACCOUNT}:t"
    assert sns.asked("publish", TopicArn=topic, Message="x") == [("sns:Publish", topic)]
    assert sns.asked("publish", PhoneNumber="+15550100", Message="x") == [("sns:Publish", None)]
    assert sns.asked("create_topic", Name="t") == [("sns:CreateTopic", topic)]
    found = sns.operation("subscribe", TopicArn=topic, Protocol="sqs")
    (one,) = asked(found, ACCOUNT)
    assert one.context == {"sns:Protocol": ("sqs",)}
    assert one.absent == {"sns:Endpoint"}


def test_a_secret_is_told_by_its_arn_whose_end_a_name_does_not_tell() -> None:
    secrets, start = Caught("secretsmanager"), f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret"
    found = secrets.operation("get_secret_value", SecretId=f"{start}:a/b-AbCd12", VersionStage="X")
    (one,) = asked(found, ACCOUNT)
    assert one.resource == f"{start}:a/b-AbCd12"
    assert one.context == {
        "secretsmanager:SecretId": (one.resource,),
        "secretsmanager:VersionStage": ("X",),
    }
    assert one.absent == {"secretsmanager:VersionId"}
    for named in ("a/b", f"{start}:a/b"):
        wanted = [("secretsmanager:GetSecretValue", f"{start}:a/b-??????")]
        assert secrets.asked("get_secret_value", SecretId=named) == wanted


def test_ssm_names_each_parameter_with_and_without_a_slash() -> None:
    ssm, start = Caught("ssm"), f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter"
    assert ssm.asked("get_parameters", Names=["/a/b", "c:3", f"{start}/d:label"]) == [
        ("ssm:GetParameters", f"{start}/a/b"),
        ("ssm:GetParameters", f"{start}/c"),
        ("ssm:GetParameters", f"{start}/d"),
    ]
    assert ssm.asked("get_parameters_by_path", Path="/a") == [
        ("ssm:GetParametersByPath", f"{start}/a")
    ]
    assert ssm.asked("describe_parameters") == [("ssm:DescribeParameters", "*")]


def test_every_protocol_is_read() -> None:
    vpcs = Caught("ec2").operation("describe_vpcs", VpcIds=["vpc-1"])
    assert asked(vpcs, ACCOUNT) == (Asked("ec2:DescribeVpcs", "*"),)
    assert (vpcs.parameters, vpcs.region) == ({"VpcIds": ["vpc-1"]}, "us-east-1")
    role = Caught("iam").operation("get_role", RoleName="r")
    assert (role.service, role.parameters) == ("iam", {"RoleName": "r"})
    data = [{"MetricName": "m"}]
    metrics = Caught("cloudwatch").operation("put_metric_data", Namespace="n", MetricData=data)
    assert asked(metrics, ACCOUNT) == (
        Asked("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": ("n",)}),
    )
    invoked = Caught("lambda").operation("invoke", FunctionName="f", Payload=b"{}")
    assert invoked.parameters["FunctionName"] == "f"


def test_a_request_that_says_two_things_is_no_operation() -> None:
    scope = "Credential=k/20260101/us-east-1/dynamodb/aws4_request"
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "HTTP_HOST": "127.0.0.1:4566"}
    environ |= {"HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 {scope}", "wsgi.url_scheme": "http"}
    environ |= {"HTTP_X_AMZ_TARGET": "DynamoDB_20120810.GetItem"}
    environ |= {"CONTENT_TYPE": "application/x-amz-json-1.0"}
    assert operation(environ, b"{}") == Operation("dynamodb", "GetItem", {}, "us-east-1")
    assert operation(environ | {"QUERY_STRING": "Action=DeleteTable"}, b"{}") is None
    environ["HTTP_AUTHORIZATION"] = environ["HTTP_AUTHORIZATION"].replace("dynamodb", "nothing")
    assert operation(environ, b"{}") is None


def test_a_body_that_cannot_be_read_tells_no_resource() -> None:
    found = S3.operation("delete_object", **NAMED)
    broken = Operation("s3", "DeleteObjects", {}, found.region)
    assert asked(broken, ACCOUNT) == (Asked("s3:DeleteObject", None),)


# What IAM's reference does not know, or is of no general purpose bucket and has no table here.
WITHOUT_ACTION = {
    "s3": "Metadata|Annotation|Abac|CreateSession|DirectoryBuckets|Rename|ObjectEncryption|WriteGet",
    "sqs": "-",
    "dynamodb": "ExecuteStatement|ExecuteTransaction|BulkOperation|BulkPut|SearchVectors|"
    "^TransactGetItems$|^TransactWriteItems$",  # with no items they ask for nothing that is known
    "secretsmanager": "CrossAccountReplica|ListResourcePolicies",
    "sns": "-",
    "ssm": "CloudConnector|DefaultHostManagement",
}


def sample(model: Any) -> dict[str, Any]:
    texts = {"IndexName"} if model.name in {"Query", "Scan"} else set()
    members = model.input_shape.members if model.input_shape else {}
    wanted = {"Bucket", "Key", "QueueUrl", "QueueName", "TableName"} | texts
    return {
        name: "http://x/1/q" if name == "QueueUrl" else "n" for name in members if name in wanted
    }


@pytest.mark.parametrize("service", list(WITHOUT_ACTION))
def test_every_action_and_its_resource_are_in_awss_reference(service: str) -> None:
    model = SESSION.get_service_model(service)
    for name in model.operation_names:
        if re.search(WITHOUT_ACTION[service], name):
            continue
        one = Operation(service, name, sample(model.operation_model(name)), "us-east-1")
        for found in asked(one, ACCOUNT):
            action = found.action.partition(":")[2]
            known = (get_action_data(service, action) or {}).get(service, [])
            arns = {re.sub(r"\$\{[^}]+\}", "*", entry["resource_arn_format"]) for entry in known}
            assert known, f"{name} asks for {found.action}, which AWS does not know"
            if found.resource is not None:
                assert any(fnmatch.fnmatchcase(found.resource, arn) for arn in arns), (name, found)
