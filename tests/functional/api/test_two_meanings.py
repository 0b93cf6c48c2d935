"""What is judged is what is done: requests that say two things, as somebody sends them who may do only one.

Each is signed with the key of a role that may do much and is denied the victims; none of them may reach one.
"""

from __future__ import annotations

import gzip
import hashlib
import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit

import boto3
import pytest
from botocore.auth import HmacV1QueryAuth, S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from tests.functional.api.test_authorization import ACCOUNT, REGION, At, allow, refused

JSON, FORM = "application/x-amz-json-1.1", "application/x-www-form-urlencoded"
SECRET = b"the victim's"


def deny(action: str | list[str], resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


@dataclass
class Attacker:
    """Sends what no client of AWS's sends."""

    at: At
    session: boto3.Session

    def send(
        self,
        service: str,
        target: str = "/",
        body: Any = b"",
        method: Any = "POST",
        *,
        signed_for: Any = "",
        twice: Any = (),
        rewrite: Any = lambda header: header,
        **headers: str,
    ) -> tuple[int, bytes]:
        """Sign and send a request whose target and headers stay as they are written."""
        path, _, query = target.partition("?")
        if service == "s3":
            path = quote(unquote(path), safe="/~")
        host = headers.pop("host", self.netloc)
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        request = AWSRequest(
            method=method,
            url=f"http://{host}{path}{'?' if query else ''}{query}",
            data=body,
            headers={**told, "X-Amz-Content-SHA256": hashlib.sha256(body).hexdigest()},
        )
        signer = S3SigV4Auth if service == "s3" else SigV4Auth
        signer(self.session.get_credentials(), signed_for or service, REGION).add_auth(request)
        sent = [(name, value) for name, value in request.headers.items() if name != "Host"]
        sent = [(k, rewrite(v) if k == "Authorization" else v) for k, v in sent]
        return self.raw(method, target, [("Host", host), *sent, *twice], body)

    def raw(
        self, method: str, target: str, headers: list[tuple[str, str]], body: bytes = b""
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self.netloc, timeout=20)
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            if name != "Content-Length":
                connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.read()

    @property
    def netloc(self) -> str:
        return urlsplit(self.at.url).netloc


@pytest.fixture(scope="module")
def at() -> At:
    at = At()
    s3 = at.client("s3")
    for bucket in ("vault", "mine"):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="in/one", Body=SECRET if bucket == "vault" else b"mine")
    for name in ("victim", "mine"):
        at.client("iam").create_user(UserName=name)
        at.client("ssm").put_parameter(Name=name, Value=name, Type="String")
        at.client("sqs").create_queue(QueueName=name)
        at.client("secretsmanager").create_secret(
            Name=name, SecretString=SECRET.decode() if name == "victim" else name
        )
        at.client("scheduler").create_schedule_group(Name=name)
    return at


@pytest.fixture(scope="module")
def attacker(at: At) -> Attacker:
    victims = [
        "arn:aws:s3:::vault",
        "arn:aws:s3:::vault/*",
        f"arn:aws:iam::{ACCOUNT}:user/victim",
        f"arn:aws:secretsmanager:*:{ACCOUNT}:secret:victim-*",
        f"arn:aws:sqs:*:{ACCOUNT}:victim",
        f"arn:aws:scheduler:*:{ACCOUNT}:schedule-group/victim",
        f"arn:aws:elasticloadbalancing:*:{ACCOUNT}:loadbalancer/app/victim/*",
    ]
    rest = deny(["ssm:Delete*", "dynamodb:*", "lambda:*"])
    abroad = deny("sqs:*", Condition={"StringNotEquals": {"aws:RequestedRegion": REGION}})
    return Attacker(at, at.role(allow("*"), deny("*", victims), rest, abroad))


@pytest.fixture(scope="module")
def nobody(at: At) -> Attacker:
    return Attacker(at, at.role())


@pytest.fixture(autouse=True)
def unharmed(at: At) -> Iterator[None]:
    yield
    assert at.client("s3").get_object(Bucket="vault", Key="in/one")["Body"].read() == SECRET
    assert at.client("iam").get_user(UserName="victim")
    assert at.client("ssm").get_parameter(Name="victim")
    assert at.client("sqs").get_queue_url(QueueName="victim")
    assert at.client("scheduler").get_schedule_group(Name="victim")
    assert at.client("secretsmanager").get_secret_value(SecretId="victim")["SecretString"]


def test_what_says_one_thing_is_done(attacker: Attacker) -> None:
    status, body = attacker.send("s3", "/mine/in/one", method="GET")
    assert (status, body) == (200, b"mine")
    action = b"Action=GetUser&UserName=mine&Version=2010-05-08"
    assert attacker.send("iam", body=action, Content_Type=FORM)[0] == 200
    asked = {"Content_Type": JSON, "X_Amz_Target": "secretsmanager.GetSecretValue"}
    assert attacker.send("secretsmanager", body=b'{"SecretId": "mine"}', **asked)[0] == 200
    assert attacker.send("secretsmanager", body=b'{"SecretId": "victim"}', **asked)[0] == 403
    assert attacker.send("scheduler", "/schedule-groups/mine", method="GET")[0] == 200
    assert attacker.send("scheduler", "/schedule-groups/victim", method="GET")[0] == 403


@pytest.mark.parametrize("before", [True, False])
def test_a_header_with_two_credentials_is_of_who_signed(nobody: Attacker, before: bool) -> None:
    """An id that nobody has would be the administrator's, whom nothing binds."""
    other = f"Credential=AKIAEXAMPLE/20260101/{REGION}/s3/aws4_request"

    def rewrite(header: str) -> str:
        algorithm, _, rest = header.partition(" ")
        return f"{algorithm} {other}, {rest}" if before else f"{header}, {other}"

    status, body = nobody.send("s3", "/vault/in/one", method="GET", rewrite=rewrite)
    assert status == 403
    assert SECRET not in body


@pytest.mark.parametrize("name", ["x-Credential", "X-Amz-Credential"])
def test_a_query_with_two_keys_is_of_who_signed(nobody: Attacker, name: str) -> None:
    request = AWSRequest(method="GET", url=f"{nobody.at.url}/vault/in/one")
    HmacV1QueryAuth(nobody.session.get_credentials(), 600).add_auth(request)
    query = f"{name}=AKIAEXAMPLE/20260101/{REGION}/s3/aws4_request&" + urlsplit(request.url).query
    status, body = nobody.raw("GET", f"/vault/in/one?{query}", [("Host", nobody.netloc)])
    assert status == 403
    assert SECRET not in body


def test_what_is_presigned_for_s3_reaches_no_other_service(attacker: Attacker) -> None:
    target = {"X-Amz-Target": "AmazonSSM.DeleteParameter", "Content-Type": JSON}
    request = AWSRequest(method="POST", url=f"{attacker.at.url}/", headers=target)
    HmacV1QueryAuth(attacker.session.get_credentials(), 600).add_auth(request)
    headers = [("Host", attacker.netloc), *target.items()]
    query = urlsplit(request.url).query
    assert attacker.raw("POST", f"/?{query}", headers, b'{"Name": "victim"}')[0] == 403
    form = [("Host", attacker.netloc), ("Content-Type", FORM)]
    action = b"Action=DeleteUser&UserName=victim&Version=2010-05-08"
    assert attacker.raw("POST", f"/?{query}", form, action)[0] == 403


@pytest.mark.parametrize("service", ["lambd%61", "LAMBDA", "lambda x"])
def test_a_scope_is_written_in_one_way(attacker: Attacker, service: str) -> None:
    path = "/2015-03-31/functions/"
    assert attacker.send("lambda", path, method="GET", signed_for=service)[0] == 403


def test_a_region_is_the_one_that_was_signed_for(at: At, attacker: Attacker) -> None:
    sqs = at.own.client("sqs", "eu-west-1", endpoint_url=at.url)
    sqs.create_queue(QueueName="abroad")
    body = json.dumps({"QueueUrl": f"{at.url}/{ACCOUNT}/abroad"}).encode()
    asked = {"Content_Type": "application/x-amz-json-1.0", "X_Amz_Target": "AmazonSQS.DeleteQueue"}
    for more in ({"User_Agent": "region/eu-west-1"}, {"host": "sqs.eu-west-1.amazonaws.com"}):
        attacker.send("sqs", body=body, **asked, **more)
        assert sqs.get_queue_url(QueueName="abroad")


def test_an_account_is_the_keys(attacker: Attacker) -> None:
    more = {"X_Moto_Account_Id": "999999999999"}
    action = b"Action=GetCallerIdentity&Version=2011-06-15"
    _, body = attacker.send("sts", body=action, Content_Type=FORM, **more)
    assert f"<Account>{ACCOUNT}</Account>".encode() in body


DELETE = urlencode({"Action": "DeleteUser", "UserName": "victim", "Version": "2010-05-08"})


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/?Action=GetUser", DELETE),
        ("/?UserName=mine", DELETE),
        ("/?Action=GetUser&UserName=mine&Version=2010-05-08", DELETE),
        ("/?Action=DeleteUser&UserName=victim", DELETE.replace("victim", "mine")),
        ("/", f"Action=GetUser&{DELETE}&UserName=victim"),
        ("/", f"UserName=victim&{DELETE}".replace("UserName=victim&A", "UserName.x=mine&A")),
    ],
)
def test_a_form_and_a_query(attacker: Attacker, target: str, body: str) -> None:
    attacker.send("iam", target, body.encode(), Content_Type=FORM)
    attacker.send("iam", target, body.encode(), Content_Type=JSON)
    attacker.send("iam", target, body.encode(), Content_Type=FORM, X_Amz_Target="x.GetUser")


def test_a_form_in_parts_is_no_other_form(attacker: Attacker) -> None:
    parts = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in (("Action", "DeleteUser"), ("UserName", "victim"))
    )
    kind = "multipart/form-data; boundary=x"
    for target in ("/", "/?Action=GetUser&UserName=mine", "/?UserName=mine"):
        attacker.send("iam", target, f"{parts}--x--\r\n".encode(), Content_Type=kind)


HIDDEN = b'{"Name": "mine", "x": "&Action=DeleteParameter&Name=victim&"}'


@pytest.mark.parametrize(
    ("target", "more"),
    [
        ("/", {}),
        ("/?Action=DeleteParameter&Name=victim", {}),
        ("/", {"Action": "DeleteParameter", "Name": "victim"}),
        ("/", {"Content_Type": FORM}),
        ("/", {"Content_Type": "text/plain"}),
    ],
)
def test_a_target_and_a_body_that_looks_like_a_form(
    attacker: Attacker, target: str, more: dict[str, str]
) -> None:
    asked = {"Content_Type": JSON, "X_Amz_Target": "AmazonSSM.GetParameter"} | more
    _, body = attacker.send("ssm", target, HIDDEN, **asked)
    assert b"victim" not in body
    attacker.send("ssm", target, b"", **asked)


def test_two_targets(attacker: Attacker) -> None:
    body = b'{"Name": "victim"}'
    for first, second in (("Get", "Delete"), ("Delete", "Get")):
        twice = (("X-Amz-Target", f"AmazonSSM.{second}Parameter"),)
        asked = {"Content_Type": JSON, "X_Amz_Target": f"AmazonSSM.{first}Parameter"}
        assert attacker.send("ssm", "/", body, twice=twice, **asked)[0] == 403
    asked = {"Content_Type": JSON, "X_Amz_Target": "Other_1.2.DeleteParameter"}
    assert attacker.send("ssm", "/", body, **asked)[0] == 403


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/?SecretId=victim", {"SecretId": "mine"}),
        ("/?SecretId=victim", {}),
        ("/", {"SecretId": "mine", "x": "&SecretId=victim&"}),
        ("/", {"secretId": "victim"}),
        ("/", {"SecretId": ["victim"]}),
        ("/", {"SecretId": "victim", "VersionId": {"a": 1}}),
    ],
)
def test_a_member_in_two_places(attacker: Attacker, target: str, body: Any) -> None:
    asked = {"Content_Type": JSON, "X_Amz_Target": "secretsmanager.GetSecretValue"}
    _, answer = attacker.send("secretsmanager", target, json.dumps(body).encode(), **asked)
    assert SECRET not in answer
    _, answer = attacker.send("secretsmanager", target, b"", SecretId="victim", **asked)
    assert SECRET not in answer


def test_a_body_that_is_packed_is_read_as_well(attacker: Attacker) -> None:
    packed = {"Content_Encoding": "gzip", "Content_Type": JSON}
    packed |= {"X_Amz_Target": "secretsmanager.GetSecretValue"}
    for name, expected in (("victim", 403), ("mine", 200)):
        body = gzip.compress(json.dumps({"SecretId": name}).encode())
        status, answer = attacker.send("secretsmanager", "/", body, **packed)
        assert status == expected
        assert SECRET not in answer
    assert attacker.send("secretsmanager", "/", b"not packed", **packed)[0] == 403


def test_an_object_is_packed_or_not_as_it_comes(attacker: Attacker) -> None:
    for body in (b"not packed", gzip.compress(b"packed")):
        told = {"Content_Encoding": "gzip"}
        assert attacker.send("s3", "/mine/packed", body, "PUT", **told)[0] == 200


@pytest.mark.parametrize(
    "target",
    [
        "/schedule-groups/mine?Name=victim",
        "/schedule-groups/mine?name=victim",
        "/schedule-groups/mine/victim",
        "/schedule-groups/mine/../victim",
        "/schedule-groups//victim",
        "//schedule-groups/victim",
        "/schedule-groups/victim/",
        "/schedule-groups/victim;x",
        "/schedule-groups/vict%69m",
        "/schedule-groups/mine%2F..%2Fvictim",
        "/schedule-groups/victim#/mine",
    ],
)
def test_a_path_and_what_else_names_it(attacker: Attacker, target: str) -> None:
    body = b'{"Name": "victim"}'
    attacker.send("scheduler", target, method="DELETE")
    attacker.send("scheduler", target, body, method="DELETE", Content_Type="application/json")
    attacker.send("scheduler", target, b"Name=victim", method="DELETE", Content_Type=FORM)


def test_a_queue_in_the_path_and_another_in_the_body(at: At, attacker: Attacker) -> None:
    asked = {"Content_Type": "application/x-amz-json-1.0", "X_Amz_Target": "AmazonSQS.DeleteQueue"}
    for url in (f"{at.url}/{ACCOUNT}/victim", f"{at.url}/{ACCOUNT}/x?y=/victim", "victim"):
        for target in (f"/{ACCOUNT}/other", "/"):
            body = json.dumps({"QueueUrl": url, "QueueName": "other"}).encode()
            assert attacker.send("sqs", target, body, **asked)[0] == 403


def test_a_balancer_of_one_kind_is_not_judged_as_the_other(at: At, attacker: Attacker) -> None:
    ec2, elb = at.client("ec2"), at.client("elbv2")
    subnets = [one["SubnetId"] for one in ec2.describe_subnets()["Subnets"][:2]]
    made = elb.create_load_balancer(Name="victim", Subnets=subnets)["LoadBalancers"][0]
    asked = {
        "Action": "DeleteLoadBalancer",
        "LoadBalancerArn": made["LoadBalancerArn"],
        "LoadBalancerName": "mine",
        "Version": "2015-12-01",
        "x": "Version=2012-06-01",
    }
    for body in (
        urlencode(asked),
        urlencode(asked, safe="="),
        urlencode(asked) + "&xVersion=2012-06-01",
    ):
        assert (
            attacker.send("elasticloadbalancing", "/", body.encode(), Content_Type=FORM)[0] == 403
        )
    assert elb.describe_load_balancers(Names=["victim"])


@pytest.mark.parametrize(
    "target",
    [
        "/vault/in/one",
        "//vault/in/one",
        "///vault/in/one",
        "/./vault/in/one",
        "/mine/../vault/in/one",
        "/mine/%2e%2e/vault/in/one",
        "/%2Fvault/in/one",
        "/vault%2Fin/one",
        "/%76ault/in/one",
        "/vault/%69n/one",
        "/vault;x/in/one",
        "/vault;x",
        "/vault",
        "/vault/",
        "//vault",
        "/vault?list-type=2",
        "/vault/in/one?acl",
        "/vault/in/one?uploadId=1",
        "/mine/in/one#/../../vault/in/one",
        "/vault?policy&acl",
        "/mine/..%2Fvault/in/one",
        "/mine?prefix=&bucket=vault",
    ],
)
def test_a_bucket_by_other_names(attacker: Attacker, target: str) -> None:
    hosts = (
        attacker.netloc,
        "vault.s3.amazonaws.com",
        "vault.localhost:80",
        "mine.vault.localhost",
    )
    for host in hosts:
        for method in ("GET", "HEAD", "DELETE", "PUT"):
            if host == attacker.netloc and target.startswith(("/mine/in", "/mine?")):
                continue  # which is his
            _, body = attacker.send("s3", target, b"", method, host=host)
            assert SECRET not in body
            assert b"<Name>vault</Name>" not in body


def test_a_request_for_two_of_s3s_subresources_is_refused(attacker: Attacker) -> None:
    for target in ("/mine?acl&policy", "/mine?versioning&tagging", "/mine/in/one?acl&tagging"):
        assert attacker.send("s3", target, method="GET")[0] == 403
        assert attacker.send("s3", target, method="PUT")[0] == 403
    copy = {"x_amz_copy_source": "mine/in/one"}
    assert attacker.send("s3", "/mine/in/one?tagging", method="PUT", **copy)[0] == 403


@pytest.mark.parametrize(
    "source",
    [
        "vault/in/one",
        "/vault/in/one",
        "//vault/in/one",
        "///vault/in/one",
        "http://x/vault/in/one",
        "%2F%2Fvault/in/one",
        "vault/in/one?versionId=",
        "vault/in/one?x=1&versionId=null",
        "mine/../vault/in/one",
        "vault/in/one#x",
        "vault/in/one;x",
    ],
)
def test_a_copy_of_what_may_not_be_read(at: At, attacker: Attacker, source: str) -> None:
    attacker.send("s3", "/mine/copy", method="PUT", x_amz_copy_source=source)
    found = at.client("s3").list_objects_v2(Bucket="mine", Prefix="copy").get("KeyCount")
    if found:
        assert at.client("s3").get_object(Bucket="mine", Key="copy")["Body"].read() != SECRET


def test_a_form_is_no_upload_of_a_session(at: At, attacker: Attacker) -> None:
    parts = '--x\r\nContent-Disposition: form-data; name="key"\r\n\r\nput\r\n'
    parts += '--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--x--\r\n'
    kind = "multipart/form-data; boundary=x"
    for bucket in ("vault", "mine"):
        assert attacker.send("s3", f"/{bucket}", parts.encode(), Content_Type=kind)[0] == 403
        found = at.client("s3").list_objects_v2(Bucket=bucket, Prefix="put")
        assert found["KeyCount"] == 0


def test_the_administrator_is_asked_nothing(at: At) -> None:
    owner = Attacker(at, at.own)
    status, body = owner.send("s3", "/mine?acl&policy", method="GET")
    assert status != 403
    assert b"no policy can allow" not in body


def test_what_is_named_without_its_path_is_judged_with_it(at: At) -> None:
    iam = at.client("iam")
    iam.create_user(UserName="boss", Path="/team/")
    iam.create_role(RoleName="lead", Path="/team/", AssumeRolePolicyDocument="{}")
    team = [f"arn:aws:iam::{ACCOUNT}:{kind}/team/*" for kind in ("user", "role")]
    kept_out = at.client("iam", at.role(allow("*"), deny("iam:*", team)))
    for call, named in (
        (kept_out.delete_user, {"UserName": "boss"}),
        (kept_out.create_access_key, {"UserName": "boss"}),
        (kept_out.delete_role, {"RoleName": "lead"}),
        (kept_out.attach_role_policy, {"RoleName": "lead", "PolicyArn": team[0]}),
    ):
        assert "explicit deny" in refused(call, **named)
    kept_out.get_user(UserName="mine")
    kept_out.list_users()
