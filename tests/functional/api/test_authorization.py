"""Who may do what: who signs with a role's or user's key is judged by its policies and the resource's."""

from __future__ import annotations

import json
import logging
import socket
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from underpass.twin.api import patch
from underpass.twin.api.gate import Gate
from underpass.twin.api.server import Api, Listener, moto_application
from underpass.twin.region.credentials import Credentials
from underpass.twin.region.reconcile import ChangeFeed
from underpass.twin.services.iam import assumed as assumed_roles
from underpass.twin.services.iam import keys, sessions, user_boundaries
from underpass.twin.services.iam import patches as iam_patches
from underpass.twin.services.iam.authorization import Authorization
from underpass.twin.services.s3 import patches as s3_patches

REGION, ACCOUNT = "us-east-1", "123456789012"
OWN = Credentials("UNDERPASSOWNER", "the administrator's")
NO_RETRIES = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})


class At:
    """An API with its gate, on a port of the loopback."""

    def __init__(self) -> None:
        bound = socket.socket()
        bound.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        patch.apply(assumed_roles, keys, iam_patches, s3_patches, user_boundaries)
        api = Api(ChangeFeed(), moto_application(), Authorization(REGION, {OWN.access_key_id}))
        Listener(Gate(api, keys.Known(OWN).issued), bound).start()
        self.own = boto3.Session(OWN.access_key_id, OWN.secret_access_key, region_name=REGION)

    def client(self, service: str, session: boto3.Session | None = None) -> Any:
        return (session or self.own).client(service, endpoint_url=self.url, config=NO_RETRIES)

    def role(self, *statements: Mapping[str, Any], name: str = "", **named: Any) -> boto3.Session:
        """Make a role with these permissions and return a session of it."""
        name = name or f"role-{uuid.uuid4().hex[:8]}"
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        iam = self.client("iam")
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust), **named)
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=_policy(*statements))
        return session_of(made["Role"]["Arn"])


def session_of(role_arn: str) -> boto3.Session:
    held = sessions.take(REGION, role_arn, "task1", timedelta(hours=6))
    return boto3.Session(held.access_key_id, held.secret_access_key, held.token, region_name=REGION)


def _policy(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str | list[str], resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def refused(call: Any, /, **named: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**named)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    error = caught.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"


@pytest.fixture(scope="module")
def at() -> At:
    at = At()
    s3 = at.client("s3")
    s3.create_bucket(Bucket="held")
    s3.put_object(Bucket="held", Key="in/one", Body=b"1")
    return at


def test_a_session_is_the_role_it_was_assumed_from(at: At) -> None:
    session = at.role(name="who")
    said = at.client("sts", session).get_caller_identity()
    assert said["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/who/task1"
    assert said["Account"] == ACCOUNT
    assert said["UserId"].endswith(":task1")


def test_a_session_is_kept_until_it_ends_soon(at: At) -> None:
    at.role(name="kept")
    arn = f"arn:aws:iam::{ACCOUNT}:role/kept"
    one = sessions.take(REGION, arn, "task1", timedelta(hours=6))
    assert sessions.take(REGION, arn, "task1", timedelta(hours=6)) == one
    assert sessions.take(REGION, arn, "task2", timedelta(minutes=30)) != one
    first = sessions.take(REGION, arn, "task2", timedelta(minutes=30))
    assert first != sessions.take(REGION, arn, "task2", timedelta(minutes=30))
    assert one.secret_access_key not in repr(one)


def test_what_no_policy_allows_is_refused_in_awss_words(at: At) -> None:
    session = at.role(allow("s3:GetObject", "arn:aws:s3:::held/in/*"), name="reader")
    s3 = at.client("s3", session)
    assert s3.get_object(Bucket="held", Key="in/one")["Body"].read() == b"1"
    me = f"User: arn:aws:sts::{ACCOUNT}:assumed-role/reader/task1 is not authorized to perform: "
    assert refused(s3.put_object, Bucket="held", Key="in/one", Body=b"2") == (
        f'AccessDenied: {me}s3:PutObject on resource: "arn:aws:s3:::held/in/one" because no '
        "identity-based policy allows the s3:PutObject action"
    )
    assert "s3:ListBucket" in refused(s3.list_objects_v2, Bucket="held")
    assert at.client("s3").get_object(Bucket="held", Key="in/one")["Body"].read() == b"1"
    for service, call, code in (
        ("sqs", "list_queues", "AccessDenied"),
        ("dynamodb", "list_tables", "AccessDeniedException"),
        ("secretsmanager", "list_secrets", "AccessDeniedException"),
        ("sns", "list_topics", "AuthorizationError"),
        ("iam", "list_users", "AccessDenied"),
        ("ec2", "describe_vpcs", "UnauthorizedOperation"),
        ("lambda", "list_functions", "AccessDeniedException"),
    ):
        said = refused(getattr(at.client(service, session), call))
        assert said.startswith(f"{code}: "), said
        assert me in said


def test_the_applications_role_hears_which_key_is_missing(
    at: At, caplog: pytest.LogCaptureFixture
) -> None:
    session = at.role(name="notes-service-TaskRole-AB12CD34")
    with caplog.at_level(logging.WARNING):
        said = refused(at.client("s3", session).get_object, Bucket="held", Key="in/one")
    advice = (
        'underpass.toml, one more of [service] permissions: { actions = ["s3:GetObject"], '
        'resources = ["arn:aws:s3:::held/in/one"] }'
    )
    assert said.endswith(f"({advice})")
    assert advice in caplog.text
    assert '"Effect": "Allow", "Action": ["s3:GetObject"]' in caplog.text


def test_an_explicit_deny_and_a_boundary_say_so(at: At) -> None:
    deny = {**allow("s3:*", "arn:aws:s3:::held/in/*"), "Effect": "Deny"}
    s3 = at.client("s3", at.role(allow("*"), deny))
    assert refused(s3.get_object, Bucket="held", Key="in/one").endswith(
        "with an explicit deny in an identity-based policy"
    )
    s3.list_objects_v2(Bucket="held")
    iam = at.client("iam")
    made = iam.create_policy(PolicyName="bound", PolicyDocument=_policy(allow("sqs:*")))
    boundary = {"PermissionsBoundary": made["Policy"]["Arn"]}
    bounded = at.role(allow("*"), **boundary)
    at.client("sqs", bounded).list_queues()
    assert refused(at.client("s3", bounded).list_objects_v2, Bucket="held").endswith(
        "because no permissions boundary allows the s3:ListBucket action"
    )


def test_where_one_more_permission_would_change_nothing_none_is_advised(at: At) -> None:
    deny = {**allow("s3:*", "arn:aws:s3:::held/in/*"), "Effect": "Deny"}
    session = at.role(allow("*"), deny, name="notes-service-TaskRole-DENIED")
    said = refused(at.client("s3", session).get_object, Bucket="held", Key="in/one")
    assert said.endswith("with an explicit deny in an identity-based policy")
    made = at.client("iam").create_policy(
        PolicyName="within", PolicyDocument=_policy(allow("sqs:*"))
    )
    session = at.role(
        allow("*"),
        name="notes-service-TaskRole-BOUND",
        PermissionsBoundary=made["Policy"]["Arn"],
    )
    said = refused(at.client("s3", session).list_objects_v2, Bucket="held")
    assert said.endswith("(underpass.toml: permissions_boundary names the policy that decides)")


def test_a_managed_policy_counts_in_its_default_version(at: At) -> None:
    iam = at.client("iam")
    at.role(name="managed")
    made = iam.create_policy(PolicyName="m", PolicyDocument=_policy(allow("sqs:ListQueues")))
    arn = made["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="managed", PolicyArn=arn)
    sqs = at.client("sqs", session_of(f"arn:aws:iam::{ACCOUNT}:role/managed"))
    sqs.list_queues()
    iam.create_policy_version(
        PolicyArn=arn, PolicyDocument=_policy(allow("sqs:SendMessage")), SetAsDefault=True
    )
    assert "sqs:listqueues" in refused(sqs.list_queues).lower()


def test_a_resources_own_policy_lets_in_and_keeps_out(at: At) -> None:
    sqs = at.client("sqs")
    session = at.role(name="guest")
    role = f"arn:aws:iam::{ACCOUNT}:role/guest"
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:door"
    statement = allow("sqs:SendMessage", arn, Principal={"AWS": role})
    url = sqs.create_queue(QueueName="door", Attributes={"Policy": _policy(statement)})["QueueUrl"]
    at.client("sqs", session).send_message(QueueUrl=url, MessageBody="in")
    refused(at.client("sqs", session).receive_message, QueueUrl=url)
    statement = {**statement, "Effect": "Deny"}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": _policy(statement)})
    everything = at.role(allow("*"))
    at.client("sqs", everything).send_message(QueueUrl=url, MessageBody="in")
    at.client("iam").put_role_policy(
        RoleName="guest", PolicyName="p", PolicyDocument=_policy(allow("*"))
    )
    said = refused(at.client("sqs", session).send_message, QueueUrl=url, MessageBody="x")
    assert said.endswith("with an explicit deny in a resource-based policy")


def test_a_keys_policy_has_to_let_the_account_decide(at: At) -> None:
    kms = at.client("kms")
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    open_key = kms.create_key(Policy=_policy(allow("kms:*", Principal=root)))["KeyMetadata"]
    closed = kms.create_key(
        Policy=_policy(allow("kms:Decrypt", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/x"}))
    )["KeyMetadata"]
    session = at.role(allow("kms:*"))
    ask = at.client("kms", session).generate_data_key
    ask(KeyId=open_key["KeyId"], KeySpec="AES_256")
    assert "no resource-based policy allows" in refused(ask, KeyId=closed["Arn"], KeySpec="AES_256")


def test_what_is_encrypted_with_a_key_takes_the_key_too(at: At) -> None:
    key = at.client("kms").create_key()["KeyMetadata"]["Arn"]
    s3 = at.client("s3")
    s3.create_bucket(Bucket="locked")
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    }
    s3.put_bucket_encryption(Bucket="locked", ServerSideEncryptionConfiguration={"Rules": [rule]})
    without = at.role(allow("s3:*"))
    said = refused(at.client("s3", without).put_object, Bucket="locked", Key="k", Body=b"x")
    assert f"kms:GenerateDataKey on resource: {key}" in said
    via = {"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}}
    granted = at.role(allow("s3:*"), allow(["kms:GenerateDataKey"], key, Condition=via))
    at.client("s3", granted).put_object(Bucket="locked", Key="k", Body=b"x")
    assert "kms:Decrypt" in refused(at.client("s3", granted).get_object, Bucket="locked", Key="k")
    secret = at.client("secretsmanager").create_secret(
        Name="locked", SecretString="x", KmsKeyId=key
    )["ARN"]
    reader = at.role(allow("secretsmanager:GetSecretValue", secret))
    ask = at.client("secretsmanager", reader).get_secret_value
    assert "kms:Decrypt" in refused(ask, SecretId=secret)
    assert "kms:Decrypt" in refused(ask, SecretId="locked")


def test_a_role_is_assumed_by_whom_it_trusts(at: At) -> None:
    iam = at.client("iam")
    at.role(allow("sts:AssumeRole"), name="asks")
    asks = f"arn:aws:iam::{ACCOUNT}:role/asks"
    trust = {"Effect": "Allow", "Principal": {"AWS": asks}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName="taken", AssumeRolePolicyDocument=_policy(trust))
    sts = at.client("sts", session_of(asks))
    named = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/taken", "RoleSessionName": "me"}
    key = sts.assume_role(**named)["Credentials"]
    session = boto3.Session(
        key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"], region_name=REGION
    )
    said = at.client("sts", session).get_caller_identity()["Arn"]
    assert said == f"arn:aws:sts::{ACCOUNT}:assumed-role/taken/me"
    refused(at.client("s3", session).list_buckets)
    trust["Principal"] = {"AWS": f"arn:aws:iam::{ACCOUNT}:role/other"}
    iam.update_assume_role_policy(RoleName="taken", PolicyDocument=_policy(trust))
    assert "sts:AssumeRole" in refused(sts.assume_role, **named)


def trusting(at: At, name: str, *principals: str, **more: Any) -> dict[str, Any]:
    """Make a role that these may assume, and return how it is asked for."""
    trust = {"Effect": "Allow", "Principal": {"AWS": list(principals)}, "Action": ["sts:*"], **more}
    made = at.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))
    return {"RoleArn": made["Role"]["Arn"], "RoleSessionName": "me"}


def assumed(at: At, by: boto3.Session | None = None, **named: Any) -> boto3.Session:
    key = at.client("sts", by).assume_role(**named)["Credentials"]
    return boto3.Session(
        key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"], region_name=REGION
    )


def test_the_administrator_too_assumes_only_what_trusts_him(at: At) -> None:
    me = at.client("sts").get_caller_identity()["Arn"]
    assert me == f"arn:aws:iam::{ACCOUNT}:user/underpass"
    for name, principal in (("by-account", ACCOUNT), ("by-name", me)):
        session = assumed(at, **trusting(at, name, principal))
        said = at.client("sts", session).get_caller_identity()["Arn"]
        assert said == f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/me"
        refused(at.client("s3", session).list_buckets)
    stranger = trusting(at, "by-another", f"arn:aws:iam::{ACCOUNT}:role/by-name")
    nobody = {**stranger, "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/nobody"}
    for named in (stranger, nobody):
        assert refused(at.client("sts").assume_role, **named) == (
            f"AccessDenied: User: {me} is not authorized to perform: sts:AssumeRole on resource: "
            f"{named['RoleArn']} because no role trust policy allows the sts:AssumeRole action"
        )


def test_a_trust_policys_conditions_are_asked(at: At) -> None:
    no_deputy = {"Condition": {"Null": {"sts:ExternalId": "true"}}}  # as CDK's roles have it
    named = trusting(at, "no-deputy", ACCOUNT, **no_deputy)
    assumed(at, **named)
    refused(at.client("sts").assume_role, **named, ExternalId="deputy")
    once = trusting(
        at, "named-id", ACCOUNT, Condition={"StringEquals": {"sts:ExternalId": "its-id"}}
    )
    assumed(at, **once, ExternalId="its-id")
    refused(at.client("sts").assume_role, **once)


def test_a_session_is_limited_by_the_policies_it_was_assumed_with(at: At) -> None:
    named = trusting(at, "limited", ACCOUNT)
    iam = at.client("iam")
    iam.put_role_policy(
        RoleName="limited", PolicyName="p", PolicyDocument=_policy(allow(["s3:*", "sqs:*"]))
    )
    made = iam.create_policy(PolicyName="queues", PolicyDocument=_policy(allow(["sqs:*", "sns:*"])))
    only_s3 = assumed(at, **named, Policy=_policy(allow("s3:*")))
    only_queues = assumed(at, **named, PolicyArns=[{"arn": made["Policy"]["Arn"]}])
    reading = [{"arn": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}]
    both = assumed(at, **named, Policy=_policy(allow("sqs:*")), PolicyArns=reading)
    whole = assumed(at, **named)
    for session, s3, sqs in (
        (only_s3, True, False),
        (only_queues, False, True),
        (both, True, True),
        (whole, True, True),
    ):
        for service, call, allowed in (("s3", "list_buckets", s3), ("sqs", "list_queues", sqs)):
            ask = getattr(at.client(service, session), call)
            if allowed:
                ask()
            else:
                assert "no session policy allows" in refused(ask)
    refused(at.client("sns", only_queues).list_topics)
    refused(at.client("s3", both).put_object, Bucket="held", Key="in/two", Body=b"2")
    gone = assumed(at, **named, PolicyArns=[{"arn": f"arn:aws:iam::{ACCOUNT}:policy/none"}])
    refused(at.client("sqs", gone).list_queues)


def test_a_session_has_its_own_tags_before_its_roles(at: At) -> None:
    named = trusting(at, "tagged", ACCOUNT)
    iam = at.client("iam")
    iam.tag_role(RoleName="tagged", Tags=[{"Key": "team", "Value": "a"}])
    team_b = {"StringEquals": {"aws:PrincipalTag/team": "b"}}
    iam.put_role_policy(
        RoleName="tagged",
        PolicyName="p",
        PolicyDocument=_policy(allow("sqs:ListQueues", Condition=team_b)),
    )
    refused(at.client("sqs", assumed(at, **named)).list_queues)
    session = assumed(at, **named, Tags=[{"Key": "team", "Value": "b"}])
    at.client("sqs", session).list_queues()


def test_a_session_that_assumes_a_role_is_judged_as_that_session(at: At) -> None:
    first = trusting(at, "first", ACCOUNT)
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/first/me"
    second = trusting(at, "second", session)
    chained = assumed(at, assumed(at, **first), **second)
    said = at.client("sts", chained).get_caller_identity()["Arn"]
    assert said == f"arn:aws:sts::{ACCOUNT}:assumed-role/second/me"
    refused(at.client("sts").assume_role, **second)


def test_a_user_has_his_own_and_his_groups_policies(at: At) -> None:
    iam = at.client("iam")
    iam.create_user(UserName="ann")
    iam.create_group(GroupName="readers")
    iam.add_user_to_group(GroupName="readers", UserName="ann")
    own = allow("s3:PutObject", "arn:aws:s3:::held/home/${aws:username}/*")
    iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=_policy(own))
    iam.put_group_policy(
        GroupName="readers", PolicyName="g", PolicyDocument=_policy(allow("s3:GetObject"))
    )
    made = iam.create_access_key(UserName="ann")["AccessKey"]
    session = boto3.Session(made["AccessKeyId"], made["SecretAccessKey"], region_name=REGION)
    s3 = at.client("s3", session)
    s3.put_object(Bucket="held", Key="home/ann/x", Body=b"x")
    s3.get_object(Bucket="held", Key="home/ann/x")
    refused(s3.put_object, Bucket="held", Key="home/bob/x", Body=b"x")
    token = at.client("sts", session).get_session_token()["Credentials"]
    again = boto3.Session(
        token["AccessKeyId"], token["SecretAccessKey"], token["SessionToken"], region_name=REGION
    )
    refused(at.client("s3", again).put_object, Bucket="held", Key="home/bob/x", Body=b"x")


def test_what_cannot_be_told_is_let_through_and_logged(
    at: At, caplog: pytest.LogCaptureFixture
) -> None:
    only = {"StringEquals": {"aws:SourceVpce": "vpce-1"}}
    session = at.role(allow("s3:ListBucket", Condition=only), name="unknown")
    with caplog.at_level(logging.WARNING):
        at.client("s3", session).list_objects_v2(Bucket="held")
    assert "s3:ListBucket by" in caplog.text
    assert "cannot be told" in caplog.text


def test_a_users_boundary_limits_him_until_it_is_taken_off(at: At) -> None:
    iam = at.client("iam")
    boundary = iam.create_policy(PolicyName="reading", PolicyDocument=_policy(allow("s3:Get*")))[
        "Policy"
    ]["Arn"]
    iam.create_user(UserName="eve", PermissionsBoundary=boundary)
    attached = iam.get_user(UserName="eve")["User"]["PermissionsBoundary"]
    assert attached["PermissionsBoundaryArn"] == boundary
    iam.put_user_policy(UserName="eve", PolicyName="p", PolicyDocument=_policy(allow("s3:*")))
    key = iam.create_access_key(UserName="eve")["AccessKey"]
    own = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=REGION)
    s3, one = at.client("s3", own), {"Bucket": "held", "Key": "in/eve"}
    assert "permissions boundary" in refused(s3.put_object, Body=b"1", **one)
    iam.delete_user_permissions_boundary(UserName="eve")
    s3.put_object(Body=b"1", **one)
    assert "PermissionsBoundary" not in iam.get_user(UserName="eve")["User"]
    iam.put_user_permissions_boundary(UserName="eve", PermissionsBoundary=boundary)
    assert "permissions boundary" in refused(s3.put_object, Body=b"1", **one)
    with pytest.raises(ClientError, match="is invalid"):
        iam.create_user(UserName="eva", PermissionsBoundary="this is no policy's ARN")
    iam.create_user(UserName="eva")
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.delete_user_permissions_boundary(UserName="eva")


def test_a_role_is_passed_only_by_whom_may_pass_it(at: At) -> None:
    at.role(name="powerful", Path="/a/")
    powerful = f"arn:aws:iam::{ACCOUNT}:role/a/powerful"
    doing = ["autoscaling:*", "lambda:*", "ecs:*", "ec2:*"]
    none = at.role(allow(doing), name="doer")
    function = {
        "FunctionName": "f",
        "Runtime": "python3.12",
        "Handler": "f.f",
        "Code": {"ZipFile": b"x"},
        "Role": powerful,
    }
    passing = f"iam:PassRole on resource: {powerful}"
    assert passing in refused(at.client("lambda", none).create_function, **function)
    container = {"name": "c", "image": "i", "memory": 128}
    at.client("ecs").register_task_definition(
        family="powerful", containerDefinitions=[container], taskRoleArn=powerful
    )
    ecs = at.client("ecs", none)
    assert passing in refused(ecs.run_task, taskDefinition="powerful:1")
    assert passing in refused(ecs.run_task, taskDefinition="powerful")
    iam = at.client("iam")
    iam.create_instance_profile(InstanceProfileName="p")
    iam.add_role_to_instance_profile(InstanceProfileName="p", RoleName="powerful")
    profile, one = {"Name": "p"}, {"ImageId": "ami-1", "MinCount": 1, "MaxCount": 1}
    ec2 = at.client("ec2", none)
    assert passing in refused(ec2.run_instances, IamInstanceProfile=profile, **one)
    data = {"IamInstanceProfile": profile}
    ec2.create_launch_template(LaunchTemplateName="with-p", LaunchTemplateData=data)
    template = {"LaunchTemplateName": "with-p"}
    assert passing in refused(ec2.run_instances, LaunchTemplate=template, **one)
    group = {"AutoScalingGroupName": "g", "MinSize": 0, "MaxSize": 0}
    mixed = {"LaunchTemplate": {"LaunchTemplateSpecification": template}}
    scaling = at.client("autoscaling", none)
    assert passing in refused(
        scaling.create_auto_scaling_group, **group, MixedInstancesPolicy=mixed
    )
    spot = {"ImageId": "ami-1", "IamInstanceProfile": profile}
    assert passing in refused(ec2.request_spot_instances, LaunchSpecification=spot)
    to_tasks = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    may = at.role(allow(doing), allow("iam:PassRole", powerful, Condition=to_tasks))
    with pytest.raises(ClientError, match="ClusterNotFound"):
        at.client("ecs", may).run_task(taskDefinition="powerful")
    assert passing in refused(at.client("lambda", may).create_function, **function)


def test_a_batch_of_secrets_takes_the_reading_of_each(at: At) -> None:
    owner = at.client("secretsmanager")
    mine = owner.create_secret(Name="app/mine", SecretString="1")["ARN"]
    owner.create_secret(Name="app/other", SecretString="2")
    batch = allow(["secretsmanager:BatchGetSecretValue", "secretsmanager:ListSecrets"])
    making = allow(
        "secretsmanager:CreateSecret", f"arn:aws:secretsmanager:*:{ACCOUNT}:secret:app/*"
    )
    reading = allow("secretsmanager:GetSecretValue", mine)
    mate = at.client("secretsmanager", at.role(batch, making, reading))
    found = mate.batch_get_secret_value(SecretIdList=["app/mine"])["SecretValues"]
    assert [one["SecretString"] for one in found] == ["1"]
    denied = "GetSecretValue on resource: arn:aws:secretsmanager"
    assert denied in refused(mate.batch_get_secret_value, SecretIdList=["app/mine", "app/other"])
    some = [{"Key": "name", "Values": ["app/"]}]
    assert denied in refused(mate.batch_get_secret_value, Filters=some)
    only = [{"Key": "name", "Values": ["app/mine"]}]
    assert len(mate.batch_get_secret_value(Filters=only)["SecretValues"]) == 1
    mate.create_secret(Name="app/new", SecretString="3")
    assert "CreateSecret" in refused(mate.create_secret, Name="other", SecretString="4")


def test_a_key_is_told_by_its_alias_and_by_what_it_encrypted(at: At) -> None:
    owner = at.client("kms")
    mine, other = (owner.create_key()["KeyMetadata"] for _ in "12")
    owner.create_alias(AliasName="alias/other", TargetKeyId=other["KeyId"])
    owner.create_alias(AliasName="alias/mine", TargetKeyId=mine["KeyId"])
    text = owner.encrypt(KeyId=other["KeyId"], Plaintext=b"1")["CiphertextBlob"]
    kms = at.client("kms", at.role(allow("kms:*", mine["Arn"])))
    denied = f"on resource: {other['Arn']}"
    assert denied in refused(kms.decrypt, CiphertextBlob=text)
    assert denied in refused(kms.decrypt, CiphertextBlob=text, KeyId="alias/other")
    assert denied in refused(kms.encrypt, KeyId="alias/other", Plaintext=b"1")
    both = {"SourceKeyId": mine["KeyId"], "DestinationKeyId": mine["KeyId"]}
    assert denied in refused(kms.re_encrypt, CiphertextBlob=text, **both)
    own = kms.encrypt(KeyId="alias/mine", Plaintext=b"1")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=own)["Plaintext"] == b"1"
    with pytest.raises(ClientError, match="NotFound"):
        kms.encrypt(KeyId="alias/none", Plaintext=b"1")


def test_what_is_not_there_or_cannot_be_read_is_no_fault(at: At) -> None:
    session = at.role(allow(["kms:*", "lambda:*", "s3:*", "sqs:*"]))
    functions = at.client("lambda", session)
    for name, given in (
        ("get_function", {"FunctionName": "none"}),
        ("update_function_code", {"FunctionName": "none", "ZipFile": b"x"}),
        ("get_layer_version", {"LayerName": "none", "VersionNumber": 1}),
    ):
        with pytest.raises(ClientError) as caught:
            getattr(functions, name)(**given)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    at.client("s3").create_bucket(Bucket="sealed")
    key = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/none"}
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": key}]}
    at.client("s3").put_bucket_encryption(Bucket="sealed", ServerSideEncryptionConfiguration=rules)
    at.client("s3", session).put_object(Bucket="sealed", Key="x", Body=b"x")
    url = at.client("sqs").create_queue(
        QueueName="odd", Attributes={"Policy": '{"Statement":"x"}'}
    )["QueueUrl"]
    at.client("sqs", session).send_message(QueueUrl=url, MessageBody="x")


def test_an_uploads_parts_are_what_it_was_begun_as(at: At) -> None:
    at.client("s3").create_bucket(Bucket="encrypted")
    arn = "arn:aws:s3:::encrypted/*"
    without = {"Null": {"s3:x-amz-server-side-encryption": "true"}}
    deny = {**allow("s3:PutObject", arn, Condition=without), "Effect": "Deny", "Principal": "*"}
    at.client("s3").put_bucket_policy(Bucket="encrypted", Policy=_policy(deny))
    s3, one = at.client("s3", at.role(allow("s3:*"))), {"Bucket": "encrypted", "Key": "x"}
    assert "explicit deny" in refused(s3.create_multipart_upload, **one)
    upload = s3.create_multipart_upload(**one, ServerSideEncryption="AES256")["UploadId"]
    tag = s3.upload_part(**one, UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
    parts = {"Parts": [{"ETag": tag, "PartNumber": 1}]}
    s3.complete_multipart_upload(**one, UploadId=upload, MultipartUpload=parts)
    elsewhere = at.client("s3", at.role(allow("s3:*", "arn:aws:s3:::encrypted/y")))
    other = s3.create_multipart_upload(**one, ServerSideEncryption="AES256")["UploadId"]
    ended = {"Bucket": "encrypted", "Key": "y", "MultipartUpload": parts}
    assert "encrypted/x" in refused(elsewhere.complete_multipart_upload, **ended, UploadId=other)
    plain = at.client("s3").create_multipart_upload(**one)["UploadId"]
    assert "explicit deny" in refused(
        s3.upload_part, **one, UploadId=plain, PartNumber=1, Body=b"x"
    )


@pytest.mark.parametrize(
    "policy",
    ["x", '{"Statement":"x"}', _policy(allow("s3:*")), _policy({"Effect": "No", "Action": "s3:*"})],
)
def test_what_is_no_bucket_policy_is_refused(at: At, policy: str) -> None:
    with pytest.raises(ClientError, match="MalformedPolicy"):
        at.client("s3").put_bucket_policy(Bucket="held", Policy=policy)


def test_whoever_asks_makes_no_account(at: At) -> None:
    from moto.kms.models import kms_backends
    from moto.sqs.models import sqs_backends

    session = at.role(allow("*"))
    there = "999999999999"
    queue = f"{at.url}/{there}/q"
    with pytest.raises(ClientError):
        at.client("sqs", session).send_message(QueueUrl=queue, MessageBody="x")
    key = f"arn:aws:kms:{REGION}:{there}:key/{uuid.uuid4()}"
    with pytest.raises(ClientError):
        at.client("kms", session).encrypt(KeyId=key, Plaintext=b"1")
    assert there not in kms_backends
    assert there not in sqs_backends


def test_what_iam_does_not_have_is_denied_unless_all_of_it_is_allowed(at: At) -> None:
    made = at.client("dynamodb").create_table(
        TableName="victim",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    arn = made["TableDescription"]["TableArn"]
    one, none = {"Statement": "SELECT * FROM victim"}, at.role()
    denied = at.client("dynamodb", none)
    assert f"dynamodb:PartiQLSelect on resource: {arn}" in refused(denied.execute_statement, **one)
    assert "PartiQLSelect" in refused(denied.batch_execute_statement, Statements=[one])
    assert "PartiQLSelect" in refused(denied.execute_transaction, TransactStatements=[one])
    assert "apigateway:GET" in refused(at.client("apigateway", none).get_rest_apis)
    assert "tag:GetResources" in refused(at.client("resourcegroupstaggingapi", none).get_resources)
    reader = at.client("dynamodb", at.role(allow("dynamodb:PartiQLSelect", arn)))
    assert reader.execute_statement(**one)["Items"] == []
    written = "INSERT INTO \"victim\" value {'id': '1'}"
    assert "PartiQLInsert" in refused(reader.execute_statement, Statement=written)
    unreadable = {"Statement": "DROP victim"}
    some = at.client("dynamodb", at.role(allow("dynamodb:*", arn)))
    assert "dynamodb:ExecuteStatement" in refused(some.execute_statement, **unreadable)
    everything = at.client("dynamodb", at.role(allow("dynamodb:*")))
    with pytest.raises(ClientError) as caught:
        everything.execute_statement(**unreadable)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] != 403


def test_nobody_comes_in_without_a_key_that_was_issued(at: At) -> None:
    stranger = boto3.Session("ASIAEXAMPLE", "secret", "token", region_name=REGION)
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        at.client("s3", stranger).list_buckets()
    wrong = boto3.Session(OWN.access_key_id, "not it", region_name=REGION)
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        at.client("s3", wrong).list_buckets()


def test_a_session_of_a_key_ends_with_it_and_makes_no_administrator(at: At) -> None:
    iam = at.client("iam")
    iam.create_user(UserName="brief")
    key = iam.create_access_key(UserName="brief")["AccessKey"]
    user = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=REGION)
    given = at.client("sts", user).get_session_token(DurationSeconds=900)["Credentials"]
    session = boto3.Session(
        given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], region_name=REGION
    )
    said = refused(at.client("iam", session).create_user, UserName="another")
    assert "brief is not authorized to perform: iam:CreateUser" in said
    iam.delete_access_key(UserName="brief", AccessKeyId=key["AccessKeyId"])
    assert "InvalidClientTokenId" in refused(at.client("iam", session).list_users)
    with pytest.raises(ClientError, match="durationSeconds"):
        at.client("sts").get_session_token(DurationSeconds=129_601)


@pytest.mark.parametrize("action", ["get_session_token", "get_federation_token"])
def test_session_credentials_get_no_further_session(at: At, action: str) -> None:
    session = at.role(allow("*"))
    named = {"Name": "federated"} if action == "get_federation_token" else {}
    said = refused(getattr(at.client("sts", session), action), **named)
    assert "with session credentials" in said


def test_the_administrators_session_is_his(at: At) -> None:
    given = at.client("sts").get_session_token()["Credentials"]
    session = boto3.Session(
        given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], region_name=REGION
    )
    assert at.client("iam", session).list_users()
