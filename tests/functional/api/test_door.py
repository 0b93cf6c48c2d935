"""Who is let in at the API's port: whoever has a key; no page of a browser but by a bucket's CORS rules."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import ClientError

from underpass.twin.api import patch
from underpass.twin.api.door import Door
from underpass.twin.api.server import Api, Listener, moto_application
from underpass.twin.region import credentials
from underpass.twin.region.credentials import Credentials
from underpass.twin.region.reconcile import ChangeFeed
from underpass.twin.services.iam import keys

REGION = "us-east-1"
SITE = "https://app.example"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/x-amz-json-1.1"}
TARGET = JSON | {"X-Amz-Target": "AmazonEC2ContainerServiceV20141113.CreateCluster"}
VPC = "Action=CreateVpc&Version=2016-11-15&CidrBlock=10.0.0.0/16"
USER = "Action=CreateUser&Version=2010-05-08&UserName=mallory"
SCOPE = "UNDERPASS0/20260101/us-east-1/ec2/aws4_request"
FAKE = f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders=host, Signature={'0' * 64}"
V4_QUERY = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-SignedHeaders=host"


class At:
    """An API with its door, on a port of the loopback."""

    def __init__(self, state: Path) -> None:
        bound = socket.socket()
        bound.bind(("127.0.0.1", 0))
        self.port = bound.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.key = credentials.ensure(state)
        patch.apply(keys)
        Listener(Door(Api(ChangeFeed(), moto_application()), self.key, keys.issued), bound).start()

    def client(self, service: str, key: Credentials | None = None, **named: Any) -> Any:
        key = key or self.key
        return boto3.client(
            service,
            endpoint_url=named.pop("url", self.url),
            region_name=REGION,
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret_access_key,
            config=Config(retries={"total_max_attempts": 1}, **named.pop("config", {})),
            **named,
        )

    def records(self) -> Any:
        """What a stranger would want to change."""
        return (
            len(self.client("ec2").describe_vpcs()["Vpcs"]),
            self.client("ecs").list_clusters()["clusterArns"],
            [user["UserName"] for user in self.client("iam").list_users()["Users"]],
            [bucket["Name"] for bucket in self.client("s3").list_buckets()["Buckets"]],
            [one["Key"] for one in self.client("s3").list_objects_v2(Bucket="held")["Contents"]],
        )


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> At:
    at = At(tmp_path_factory.mktemp("state"))
    s3 = at.client("s3")
    s3.create_bucket(Bucket="held")
    s3.put_object(Bucket="held", Key="secret.txt", Body=b"the secret")
    return at


CROSS = {"Origin": SITE, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
NO_CORS = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
SAME_SITE = {"Origin": "http://127.0.0.1:8080", "Sec-Fetch-Site": "same-site"}
REBOUND = {"Host": "evil.example:4566"}

TRIED: list[tuple[str, str, dict[str, str], str]] = [
    ("GET", "/?" + VPC, {}, ""),
    ("GET", "/?" + VPC, REBOUND, ""),
    ("GET", "/?" + VPC, NO_CORS, ""),
    ("GET", "/?%41ction=CreateVpc&Version=2016-11-15&CidrBlock=10.0.0.0/16", {}, ""),
    ("GET", "/?" + VPC, {"Authorization": FAKE}, ""),
    ("GET", "/?" + USER, {"Authorization": FAKE.replace("ec2", "iam")}, ""),
    ("GET", "/?" + VPC, {"Host": "ec2.us-east-1.amazonaws.com"}, ""),
    ("GET", "/?" + VPC, {"Host": "127.0.0.1.evil.example"}, ""),
    ("GET", "/?" + VPC, {"Host": "localhost.evil.example"}, ""),
    ("GET", "/?" + VPC, {"Host": "evillocalhost"}, ""),
    ("HEAD", "/held/secret.txt", {}, ""),
    ("GET", "/held/secret.txt", {}, ""),
    ("GET", "/held/secret.txt", NO_CORS, ""),
    ("GET", "/held/secret.txt", CROSS, ""),
    ("GET", "/held/secret.txt", REBOUND, ""),
    ("GET", "/secret.txt", {"Host": "held.s3.localhost:4566"}, ""),
    ("GET", "/secret.txt", {"Host": "held.s3.amazonaws.com"}, ""),
    ("GET", "/held/secret.txt?AWSAccessKeyId=any&Signature=any&Expires=4102444800", {}, ""),
    ("GET", f"/held/secret.txt?{V4_QUERY}&X-Amz-Credential={SCOPE}", CROSS, ""),
    ("GET", "/", {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}, ""),
    ("PUT", "/held/new.txt", CROSS, "mine"),
    ("PUT", "/held/new.txt", {}, "mine"),
    ("DELETE", "/held/secret.txt", {}, ""),
    ("DELETE", "/held/secret.txt", SAME_SITE, ""),
    ("PUT", "/new-bucket", {"Sec-Fetch-Site": "same-origin"}, ""),
    ("POST", "/held", {"Content-Type": "multipart/form-data; boundary=b"}, "--b--"),
    ("POST", "/", FORM | CROSS, VPC),
    ("POST", "/", FORM | {"Origin": "null"}, VPC),
    ("POST", "/", FORM, VPC),
    ("POST", "/", FORM | {"Authorization": FAKE}, VPC),
    ("POST", "/", FORM, USER),
    ("POST", "/?" + USER, FORM, ""),
    ("POST", "/", {"Content-Type": "text/plain"} | CROSS, VPC),
    ("POST", "/", TARGET, '{"clusterName": "mine"}'),
    ("POST", "/", TARGET | CROSS, '{"clusterName": "mine"}'),
    ("POST", "/", TARGET | SAME_SITE, '{"clusterName": "mine"}'),
    ("POST", "/", TARGET | REBOUND, '{"clusterName": "mine"}'),
    ("POST", "/", TARGET | {"Authorization": "AWS any:any"}, '{"clusterName": "mine"}'),
    ("POST", "/moto-api/reset", {}, ""),
    ("POST", "/moto-api/reset", CROSS, ""),
    ("GET", "/moto-api/data.json", {}, ""),
    ("POST", "/moto-api/seed?a=1", {"Authorization": FAKE}, ""),
    ("GET", "/latest/meta-data/iam/security-credentials/", {}, ""),
    ("OPTIONS", "/held/secret.txt", CROSS | {"Access-Control-Request-Method": "PUT"}, ""),
    ("OPTIONS", "/", SAME_SITE | {"Access-Control-Request-Method": "POST"}, ""),
    ("GET", "/2015-03-31/functions/", {}, ""),
    ("POST", "/2015-03-31/functions/f/invocations", NO_CORS, "{}"),
]


def test_without_the_key_nothing_is_changed_or_read(at: At) -> None:
    before = at.records()
    for method, path, headers, body in TRIED:
        answer = httpx.request(method, at.url + path, headers=headers, content=body)
        asked = (method, path, headers)
        assert answer.status_code == 403, (asked, answer.text)
        assert "the secret" not in answer.text, asked
        assert "access-control-allow-origin" not in answer.headers, asked
    assert at.records() == before
    assert len(TRIED) >= 30


def test_the_key_opens_every_protocol(at: At) -> None:
    at.client("ec2").describe_vpcs()
    at.client("ecs").list_clusters()
    at.client("iam").list_users()
    at.client("lambda").list_functions()
    at.client("route53").list_hosted_zones()
    at.client("sqs").list_queues()
    at.client("sqs", url=f"http://localhost:{at.port}").list_queues()
    arn = "arn:aws:lambda:us-east-1:123456789012:function:not/there yet"  # all of it in the path
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        at.client("lambda").list_tags(Resource=arn)


@pytest.mark.parametrize(
    ("service", "ask", "unknown", "mismatch"),
    [
        ("ec2", "describe_vpcs", "AuthFailure", "AuthFailure"),
        ("iam", "list_users", "InvalidClientTokenId", "SignatureDoesNotMatch"),
        ("ecs", "list_clusters", "UnrecognizedClientException", "InvalidSignatureException"),
        ("lambda", "list_functions", "UnrecognizedClientException", "InvalidSignatureException"),
        ("route53", "list_hosted_zones", "InvalidClientTokenId", "SignatureDoesNotMatch"),
        ("s3", "list_buckets", "InvalidAccessKeyId", "SignatureDoesNotMatch"),
    ],
)
def test_a_wrong_key_is_told_in_awss_form_and_what_to_run(
    at: At, service: str, ask: str, unknown: str, mismatch: str
) -> None:
    wrong = {
        unknown: Credentials("AKIAIOSFODNN7EXAMPLE", "any"),
        mismatch: Credentials(at.key.access_key_id, "any"),
    }
    for code, key in wrong.items():
        with pytest.raises(ClientError, match="underpass env") as told:
            getattr(at.client(service, key), ask)()
        assert told.value.response["Error"]["Code"] == code


def test_objects_of_every_name_and_size(at: At) -> None:
    s3 = at.client("s3")
    for key in ("a b/c+d.txt", "ü/é?&=#%", "..//a/./b", "a:b@c,d;e=f$g!h'(i)*~"):
        s3.put_object(Bucket="held", Key=key, Body=b"x", Metadata={"a_b": "1", "c-d": "x   y"})
        assert s3.get_object(Bucket="held", Key=key)["Metadata"] == {"a_b": "1", "c-d": "x   y"}
        s3.list_objects_v2(Bucket="held", Prefix=key, Delimiter="/")
        s3.delete_object(Bucket="held", Key=key)
    upload = s3.create_multipart_upload(Bucket="held", Key="big")["UploadId"]
    part = {"Bucket": "held", "Key": "big", "UploadId": upload, "PartNumber": 1}
    tag = s3.upload_part(**part, Body=b"x" * (6 << 20), ChecksumAlgorithm="SHA256")
    parts = {"Parts": [{"ETag": tag["ETag"], "PartNumber": 1}]}
    s3.complete_multipart_upload(Bucket="held", Key="big", UploadId=upload, MultipartUpload=parts)
    assert s3.head_object(Bucket="held", Key="big")["ContentLength"] == 6 << 20
    s3.delete_object(Bucket="held", Key="big")


def test_chunks_with_an_unsigned_payload_and_a_trailer(at: At) -> None:
    s3 = at.client("s3")

    def unsigned(request: Any, **_: Any) -> None:
        request.context["payload_signing_enabled"] = False

    s3.meta.events.register("before-sign.s3.PutObject", unsigned)
    s3.put_object(Bucket="held", Key="chunked", Body=b"in chunks", ChecksumAlgorithm="CRC32")
    assert s3.get_object(Bucket="held", Key="chunked")["Body"].read() == b"in chunks"
    s3.delete_object(Bucket="held", Key="chunked")


@pytest.mark.parametrize("version", ["s3", "s3v4"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_presigned_urls(at: At, version: str, host: str) -> None:
    s3 = at.client("s3", url=f"http://{host}:{at.port}", config={"signature_version": version})
    key = {"Bucket": "held", "Key": "presigned/a b+c"}
    put = s3.generate_presigned_url("put_object", Params=key | {"ContentType": "text/x"})
    assert httpx.put(put, content=b"x", headers={"Content-Type": "text/x"}).status_code == 200
    named = key | {"ResponseContentType": "text/y; charset=utf-8"}
    get = s3.generate_presigned_url("get_object", Params=named)
    answer = httpx.get(get)
    assert (answer.text, answer.headers["Content-Type"]) == ("x", "text/y; charset=utf-8")
    assert httpx.delete(get).status_code == 403, "signed for a GET"
    assert httpx.get(get.replace("presigned", "other")).status_code == 403
    ended = s3.generate_presigned_url("get_object", Params=key, ExpiresIn=-1)
    assert httpx.get(ended).status_code == 403
    at.client("s3").delete_object(**key)


def test_a_presigned_action_is_taken_from_the_query(at: At) -> None:
    request = AWSRequest(method="GET", url=f"{at.url}/?Action=GetCallerIdentity&Version=2011-06-15")
    request.headers["Host"] = f"127.0.0.1:{at.port}"
    signer = boto3.Session(at.key.access_key_id, at.key.secret_access_key).get_credentials()
    SigV4QueryAuth(signer, "sts", REGION, expires=60).add_auth(request)
    assert "GetCallerIdentityResult" in httpx.get(request.url).text
    assert httpx.get(request.url.replace("CallerIdentity", "SessionToken")).status_code == 403


def test_iam_and_sts_issue_keys(at: At) -> None:
    iam, sts = at.client("iam"), at.client("sts")
    iam.create_user(UserName="u")
    made = iam.create_access_key(UserName="u")["AccessKey"]
    key = Credentials(made["AccessKeyId"], made["SecretAccessKey"])
    arn = at.client("sts", key).get_caller_identity()["Arn"]
    assert arn.endswith(":user/u")
    named = {"UserName": "u", "AccessKeyId": key.access_key_id}
    iam.update_access_key(**named, Status="Inactive")
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        at.client("sts", key).get_caller_identity()
    iam.delete_access_key(**named)
    iam.delete_user(UserName="u")
    role = {"RoleArn": "arn:aws:iam::123456789012:role/r", "RoleSessionName": "session"}
    for session in (
        sts.assume_role(**role),
        sts.get_session_token(),
        sts.get_federation_token(Name="federated"),
    ):
        given = session["Credentials"]
        key = Credentials(given["AccessKeyId"], given["SecretAccessKey"])
        token = given["SessionToken"]
        at.client("sqs", key, aws_session_token=token).list_queues()
        url = at.client("s3", key, aws_session_token=token).generate_presigned_url(
            "get_object", Params={"Bucket": "held", "Key": "secret.txt"}
        )
        assert httpx.get(url).text == "the secret"
        with pytest.raises(ClientError, match="session token"):
            at.client("sqs", key).list_queues()
    with pytest.raises(ClientError, match="session token"):
        at.client("sqs", aws_session_token="of another account's").list_queues()


def test_the_buckets_rules_let_a_page_send_a_presigned_request(at: At) -> None:
    s3 = at.client("s3", config={"signature_version": "s3v4"})
    s3.create_bucket(Bucket="page")
    url = s3.generate_presigned_url("put_object", Params={"Bucket": "page", "Key": "k"})
    page = {"Origin": SITE, "Sec-Fetch-Site": "cross-site"}
    asks = page | {"Access-Control-Request-Method": "PUT"}
    assert httpx.options(url, headers=asks).status_code == 403, "no rules"
    assert httpx.put(url, content=b"x", headers=page).status_code == 403, "no rules"
    rule = {
        "AllowedOrigins": ["https://*.example"],
        "AllowedMethods": ["PUT"],
        "AllowedHeaders": ["content-*"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 60,
    }
    s3.put_bucket_cors(Bucket="page", CORSConfiguration={"CORSRules": [rule]})
    asks["Access-Control-Request-Headers"] = "content-type"
    preflight = httpx.options(url, headers=asks)
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == SITE
    assert preflight.headers["Access-Control-Max-Age"] == "60"
    sent = httpx.put(url, content=b"x", headers=page)
    assert (sent.status_code, sent.headers["Access-Control-Allow-Origin"]) == (200, SITE)
    assert sent.headers["Access-Control-Expose-Headers"] == "ETag"
    assert httpx.get(url, headers=page).status_code == 403, "PUT only"
    assert httpx.put(url + "0", content=b"y", headers=page).status_code == 403, "signature"
    other = {"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"}
    assert httpx.put(url, content=b"y", headers=other).status_code == 403
    assert httpx.options(f"{at.url}/page/k", headers=asks).status_code == 403, "not presigned"
    assert httpx.put(f"{at.url}/page/k", content=b"y", headers=page).status_code == 403
    assert s3.get_object(Bucket="page", Key="k")["Body"].read() == b"x"
    s3.delete_object(Bucket="page", Key="k")
    s3.delete_bucket(Bucket="page")


def test_a_header_that_was_added_and_a_body_that_was_changed_are_seen(at: At) -> None:
    s3 = at.client("s3", config={"signature_version": "s3v4"})
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "held", "Key": "secret.txt"})
    assert httpx.get(url, headers={"x-amz-acl": "public-read"}).status_code == 403
    iam = at.client("iam")

    def changed(request: Any, **_: Any) -> None:
        request.body = request.body.replace("honest", "hatter")

    iam.meta.events.register("before-send.iam.CreateUser", changed)
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        iam.create_user(UserName="honest")


def test_the_key_is_its_owners_only_and_stays(tmp_path: Path) -> None:
    made = credentials.ensure(tmp_path)
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert credentials.ensure(tmp_path) == made
    assert made.secret_access_key not in repr(made)
