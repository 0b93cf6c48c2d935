"""What requests to the services ask for whose tables name resources by several rules."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any

import botocore.session
import pytest
from policy_sentry.querying.actions import get_action_data

from underpass.twin.api.asked import Asked
from underpass.twin.api.operation import Operation
from underpass.twin.services.iam.asked import asked

ACCOUNT = "123456789012"
AT = f"us-east-1:{ACCOUNT}"
KEY = f"arn:aws:kms:{AT}:key/k"
ID = "4f58743d-e279-4214-9270-8cc28277958d"
FUNCTION = f"arn:aws:lambda:{AT}:function:f"
GROUP = f"arn:aws:logs:{AT}:log-group:/g"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/a/r"
ECS = f"arn:aws:ecs:{AT}"
BUS = f"arn:aws:events:{AT}:event-bus"
TARGETS = f"arn:aws:elasticloadbalancing:{AT}:targetgroup/t/1"
SECRETS = f"arn:aws:secretsmanager:{AT}:secret"


def ask(service: str, name: str, /, **parameters: Any) -> tuple[Asked, ...]:
    return asked(Operation(service, name, parameters, "us-east-1"), ACCOUNT)


@pytest.mark.parametrize(
    ("asking", "parameters", "wanted"),
    [
        ("kms:Decrypt", {"KeyId": "k"}, KEY),
        ("kms:Decrypt", {"KeyId": KEY}, KEY),
        ("kms:Decrypt", {}, None),
        ("kms:Decrypt", {"CiphertextBlob": f"{ID}-ed".encode(), "KeyId": "k"}, KEY[:-1] + ID),
        ("kms:Encrypt", {"KeyId": "alias/a"}, KEY[:-1] + "alias/a"),
        ("kms:Encrypt", {"KeyId": f"arn:aws:kms:{AT}:alias/a"}, KEY[:-1] + "alias/a"),
        ("kms:ListKeys", {}, "*"),
        ("lambda:GetFunction", {"FunctionName": "f"}, FUNCTION),
        ("lambda:GetFunction", {"FunctionName": f"{ACCOUNT}:function:f"}, FUNCTION),
        ("lambda:GetFunction", {"FunctionName": FUNCTION}, FUNCTION),
        ("lambda:ListFunctions", {}, "*"),
        ("lambda:CreateEventSourceMapping", {"FunctionName": "f"}, "*"),
        ("logs:CreateLogGroup", {"logGroupName": "/g"}, f"{GROUP}:log-stream:"),
        ("logs:FilterLogEvents", {"logGroupIdentifier": f"{GROUP}:*"}, f"{GROUP}:log-stream:"),
        (
            "logs:PutLogEvents",
            {"logGroupName": "/g", "logStreamName": "s"},
            f"{GROUP}:log-stream:s",
        ),
        ("logs:TagResource", {"resourceArn": GROUP}, GROUP),
        ("elasticloadbalancing:RegisterTargets", {"TargetGroupArn": TARGETS}, TARGETS),
        ("elasticloadbalancing:DescribeTargetHealth", {"TargetGroupArn": TARGETS}, "*"),
        ("ec2:DescribeInstances", {"InstanceIds": ["i-1"]}, "*"),
        ("ec2:StopInstances", {"InstanceIds": ["i-1"]}, f"arn:aws:ec2:{AT}:instance/i-1"),
        ("ec2:RunInstances", {"ImageId": "ami-1"}, None),
        ("ecs:ListTasks", {"cluster": "c"}, None),
        ("ecs:StopTask", {"cluster": "c", "task": "t"}, f"{ECS}:task/c/t"),
        ("ecs:DescribeTasks", {"tasks": ["t"]}, f"{ECS}:task/default/t"),
        (
            "ecs:UpdateService",
            {"cluster": f"{ECS}:cluster/c", "service": "s"},
            f"{ECS}:service/c/s",
        ),
        ("ecs:DescribeClusters", {"clusters": ["c"]}, f"{ECS}:cluster/c"),
        (
            "ecr:PutImage",
            {"repositoryName": "a/b", "registryId": "111111111111"},
            "arn:aws:ecr:us-east-1:111111111111:repository/a/b",
        ),
        ("ecr:GetAuthorizationToken", {}, "*"),
        ("iam:GetRole", {"RoleName": "r"}, f"arn:aws:iam::{ACCOUNT}:role/r"),
        ("iam:CreateRole", {"RoleName": "r", "Path": "/a/"}, ROLE),
        ("rds:ModifyDBInstance", {"DBInstanceIdentifier": "D"}, f"arn:aws:rds:{AT}:db:d"),
        (
            "cloudformation:UpdateStack",
            {"StackName": "s"},
            f"arn:aws:cloudformation:{AT}:stack/s/*",
        ),
        ("kinesis:PutRecord", {"StreamName": "s"}, f"arn:aws:kinesis:{AT}:stream/s"),
        ("states:CreateActivity", {"name": "a"}, f"arn:aws:states:{AT}:activity:a"),
        ("states:StartExecution", {"name": "a"}, None),
        ("events:PutRule", {"Name": "r"}, f"arn:aws:events:{AT}:rule/r"),
        ("events:PutRule", {"Name": "r", "EventBusName": "b"}, f"arn:aws:events:{AT}:rule/b/r"),
    ],
)
def test_the_resource_of_one_action(
    asking: str, parameters: dict[str, Any], wanted: str | None
) -> None:
    service, _, name = asking.partition(":")
    assert [(one.action, one.resource) for one in ask(service, name, **parameters)] == [
        (asking, wanted)
    ]


def test_a_function_is_invoked_by_its_qualifier() -> None:
    for named in ("f:live", f"{FUNCTION}:live"):
        (one,) = ask("lambda", "Invoke", FunctionName=named)
        assert one == Asked("lambda:InvokeFunction", f"{FUNCTION}:live")
    (one,) = ask("lambda", "Invoke", FunctionName="f", Qualifier="live")
    assert one.resource == f"{FUNCTION}:live"


def test_kms_says_in_which_context_and_encrypts_anew_from_one_key_to_another() -> None:
    (one,) = ask("kms", "Decrypt", KeyId="k", EncryptionContext={"a": "b", "c": "d"})
    assert one.context == {
        "kms:EncryptionContext:a": ("b",),
        "kms:EncryptionContext:c": ("d",),
        "kms:EncryptionContextKeys": ("a", "c"),
    }
    (one,) = ask("kms", "Encrypt", KeyId="k", EncryptionAlgorithm="RSAES_OAEP_SHA_256")
    assert one.context == {"kms:EncryptionAlgorithm": ("RSAES_OAEP_SHA_256",)}
    assert one.absent == {"kms:EncryptionContextKeys", "kms:EncryptionContext:*"}
    source, to = ask("kms", "ReEncrypt", DestinationKeyId="k", SourceEncryptionContext={"a": "b"})
    assert (source.action, source.resource) == ("kms:ReEncryptFrom", None)
    assert source.context["kms:EncryptionContext:a"] == ("b",)
    assert (to.action, to.resource, to.context) == ("kms:ReEncryptTo", KEY, {})


def test_what_is_encrypted_anew_is_decrypted_with_the_key_it_names_itself() -> None:
    given = {"CiphertextBlob": f"{ID}-ed".encode(), "SourceKeyId": "k", "DestinationKeyId": "k"}
    was, now = ask("kms", "ReEncrypt", **given)
    assert (was.resource, now.resource) == (KEY[:-1] + ID, KEY)


def test_a_batch_reads_each_secret_and_a_new_one_has_a_name() -> None:
    batch, first, second = ask("secretsmanager", "BatchGetSecretValue", SecretIdList=["a", "b"])
    assert (batch.action, batch.resource) == ("secretsmanager:BatchGetSecretValue", "*")
    assert (first.action, first.resource) == (
        "secretsmanager:GetSecretValue",
        f"{SECRETS}:a-??????",
    )
    assert second.resource == f"{SECRETS}:b-??????"
    (made,) = ask("secretsmanager", "CreateSecret", Name="app/a")
    assert made.resource == f"{SECRETS}:app/a-??????"


def test_an_alias_is_asked_for_beside_its_key() -> None:
    found = ask("kms", "CreateAlias", AliasName="alias/a", TargetKeyId="k")
    assert [one.resource for one in found] == [f"arn:aws:kms:{AT}:alias/a", KEY]


def test_a_role_is_assumed_with_tags_under_another_action_besides() -> None:
    (one,) = ask("sts", "AssumeRole", RoleArn=ROLE, RoleSessionName="s")
    assert one == Asked(
        "sts:AssumeRole",
        ROLE,
        {"sts:RoleSessionName": ("s",)},
        frozenset({"sts:ExternalId"}),
    )
    found = ask("sts", "AssumeRole", RoleArn=ROLE, Tags=[{"Key": "a", "Value": "b"}])
    assert [one.action for one in found] == ["sts:AssumeRole", "sts:TagSession"]
    assert found[1].context == {"aws:RequestTag/a": ("b",), "aws:TagKeys": ("a",)}


def test_a_task_is_run_of_its_definition_with_the_roles_that_it_gets() -> None:
    run = {"cluster": "c", "taskDefinition": "d:3", "overrides": {"taskRoleArn": ROLE}}
    task, role = ask("ecs", "RunTask", **run)
    assert task == Asked(
        "ecs:RunTask", f"{ECS}:task-definition/d:3", {"ecs:cluster": (f"{ECS}:cluster/c",)}
    )
    assert role == Asked(
        "iam:PassRole", ROLE, {"iam:PassedToService": ("ecs-tasks.amazonaws.com",)}
    )
    (one,) = ask("ecs", "RunTask", taskDefinition="d")
    assert one.resource == f"{ECS}:task-definition/d:*"


def test_cloudformation_is_passed_the_role_it_is_to_act_as() -> None:
    stack = f"arn:aws:cloudformation:{AT}:stack/s"
    planned, role = ask(
        "cloudformation", "CreateChangeSet", StackName="s", ChangeSetName="c", RoleARN=ROLE
    )
    assert planned.resource == f"{stack}/*"
    assert planned.context == {
        "cloudformation:ChangeSetName": ("c",),
        "cloudformation:RoleArn": (ROLE,),
    }
    assert planned.absent == {"cloudformation:TemplateUrl"}
    assert role.context == {"iam:PassedToService": ("cloudformation.amazonaws.com",)}
    (deleted,) = ask("cloudformation", "DeleteStack", StackName=f"{stack}/1")
    assert deleted.resource == f"{stack}/1"
    assert deleted.absent == {"cloudformation:RoleArn"}
    (executed,) = ask("cloudformation", "ExecuteChangeSet", ChangeSetName=f"{stack}/x")
    assert executed.resource is None


@pytest.mark.parametrize(
    ("asking", "parameters", "service"),
    [
        ("lambda:CreateFunction", {"FunctionName": "f", "Role": ROLE}, "lambda"),
        ("lambda:UpdateFunctionConfiguration", {"FunctionName": "f", "Role": ROLE}, "lambda"),
        ("states:CreateStateMachine", {"name": "m", "roleArn": ROLE}, "states"),
        ("events:PutTargets", {"Rule": "r", "Targets": [{}, {"RoleArn": ROLE}]}, "events"),
        ("ecs:RegisterTaskDefinition", {"family": "f", "taskRoleArn": ROLE}, "ecs-tasks"),
        ("rds:CreateDBInstance", {"MonitoringRoleArn": ROLE}, "monitoring.rds"),
        (
            "firehose:CreateDeliveryStream",
            {"S3DestinationConfiguration": {"RoleARN": ROLE}},
            "firehose",
        ),
        (
            "monitoring:PutMetricStream",
            {"Name": "s", "RoleArn": ROLE},
            "streams.metrics.cloudwatch",
        ),
    ],
)
def test_a_role_is_passed_to_the_service_that_is_to_have_it(
    asking: str, parameters: dict[str, Any], service: str
) -> None:
    name, _, operation = asking.partition(":")
    _, role = ask(name, operation, **parameters)
    wanted = {"iam:PassedToService": (f"{service}.amazonaws.com",)}
    assert role == Asked("iam:PassRole", ROLE, wanted)


def test_a_role_that_is_named_is_passed_by_its_arn_and_none_in_what_is_only_text() -> None:
    _, role = ask("iam", "AddRoleToInstanceProfile", InstanceProfileName="p", RoleName="r")
    assert role.resource == f"arn:aws:iam::{ACCOUNT}:role/r"
    texts = {"Variables": {"Role": ROLE}}
    assert len(ask("lambda", "CreateFunction", FunctionName="f", Environment=texts)) == 1


def test_each_event_is_put_on_its_bus() -> None:
    entries = [{"Source": "s", "DetailType": "d"}, {"EventBusName": "b", "Source": "s"}]
    first, second = ask("events", "PutEvents", Entries=entries)
    keys = {"events:source": ("s",), "events:detail-type": ("d",)}
    assert (first.resource, first.context) == (f"{BUS}/default", keys)
    assert (second.resource, second.absent) == (f"{BUS}/b", frozenset({"events:detail-type"}))


def test_a_schedule_passes_its_targets_role() -> None:
    schedule, role = ask("scheduler", "CreateSchedule", Name="s", Target={"RoleArn": ROLE})
    assert schedule.resource == f"arn:aws:scheduler:{AT}:schedule/default/s"
    assert role.context == {"iam:PassedToService": ("scheduler.amazonaws.com",)}


@pytest.mark.parametrize(
    "tags",
    [
        {"Tags": [{"Key": "a", "Value": "b"}]},
        {"tags": [{"key": "a", "value": "b"}]},
        {"Tags": [{"TagKey": "a", "TagValue": "b"}]},
        {"tags": {"a": "b"}},
        {"TagSpecifications": [{"ResourceType": "vpc", "Tags": [{"Key": "a", "Value": "b"}]}]},
    ],
)
def test_tags_are_condition_keys(tags: dict[str, Any]) -> None:
    (one,) = ask("ec2", "CreateVpc", **tags)
    assert one.context == {"aws:RequestTag/a": ("b",), "aws:TagKeys": ("a",)}


def test_tags_are_taken_off_by_their_keys() -> None:
    (one,) = ask("lambda", "UntagResource", TagKeys=["a", "b"])
    assert one.context == {"aws:TagKeys": ("a", "b")}


def test_reading_an_objects_attributes_is_reading_it() -> None:
    found = ask("s3", "GetObjectAttributes", Bucket="b", Key="k")
    assert [one.action for one in found] == ["s3:GetObject", "s3:GetObjectAttributes"]


@pytest.mark.parametrize(
    ("statement", "action", "rest"),
    [
        ("SELECT * FROM t", "Select", "t"),
        ("select a from \"t\" where id='1'", "Select", "t"),
        ('SELECT * FROM "t"."i"', "Select", "t/index/i"),
        ("SELECT * FROM t.i", "Select", "t/index/i"),
        ('SELECT * FROM "t.i"', "Select", "t.i"),
        ("INSERT INTO \"t\" value {'id': '1'}", "Insert", "t"),
        ("UPDATE \"t\" SET a=? WHERE id='1'", "Update", "t"),
        ("DELETE FROM \"t\" WHERE id='1'", "Delete", "t"),
    ],
)
def test_partiql_is_asked_for_by_its_verb_and_table(statement: str, action: str, rest: str) -> None:
    wanted = Asked(f"dynamodb:PartiQL{action}", f"arn:aws:dynamodb:{AT}:table/{rest}")
    one = {"Statement": statement, "Parameters": [{"S": "x"}]}
    assert ask("dynamodb", "ExecuteStatement", **one) == (wanted,)
    for name, member in (
        ("BatchExecuteStatement", "Statements"),
        ("ExecuteTransaction", "TransactStatements"),
    ):
        other = {"Statement": "SELECT * FROM u"}
        assert ask("dynamodb", name, **{member: [one, other]})[0] == wanted
        assert len(ask("dynamodb", name, **{member: [one, other]})) == 2
    assert len(one["Parameters"]) == 1  # they are moto's still


def test_partiql_that_cannot_be_read_is_no_action_of_iams() -> None:
    for statement in ("", " SELECT * FROM t", "DROP t", "SELECT", "UPDATE t SET a=1"):
        (found,) = ask("dynamodb", "ExecuteStatement", Statement=statement)
        assert found == Asked("dynamodb:ExecuteStatement", None, known=False)


@pytest.mark.parametrize(
    ("name", "parameters", "action", "path"),
    [
        ("CreateRestApi", {"name": "n"}, "POST", "/restapis"),
        ("GetRestApi", {"restApiId": "r"}, "GET", "/restapis/r"),
        ("DeleteStage", {"restApiId": "r", "stageName": "s"}, "DELETE", "/restapis/r/stages/s"),
        ("DeleteStage", {"ApiId": "r", "StageName": "s"}, "DELETE", "/apis/r/stages/s"),
        ("UpdateApi", {"ApiId": "r"}, "PATCH", "/apis/r"),
    ],
)
def test_api_gateway_is_asked_for_by_method_and_path(
    name: str, parameters: dict[str, Any], action: str, path: str
) -> None:
    wanted = Asked(f"apigateway:{action}", f"arn:aws:apigateway:us-east-1::{path}")
    assert ask("apigateway", name, **parameters) == (wanted,)


def test_actions_that_are_called_otherwise_than_their_operations() -> None:
    for service, name, action in (
        ("apigateway", "GetPortal", "apigateway:GetPortal"),
        ("budgets", "DescribeBudgets", "budgets:ViewBudget"),
        ("iotdata", "Publish", "iot:Publish"),
        ("tagging", "GetResources", "tag:GetResources"),
    ):
        (found,) = ask(service, name)
        assert (found.action, found.known) == (action, True)


def test_an_action_that_iam_does_not_have_is_told_as_such() -> None:
    for service, name in (("dynamodb", "ExecuteStatement"), ("nothing", "DoIt")):
        assert ask(service, name) == (Asked(f"{service}:{name}", None, known=False),)


# botocore's folders, and what is signed for them
SERVICES = {
    "application-autoscaling": "application-autoscaling",
    "cloudformation": "cloudformation",
    "cloudwatch": "monitoring",
    "ec2": "ec2",
    "ecr": "ecr",
    "ecs": "ecs",
    "efs": "elasticfilesystem",
    "elbv2": "elasticloadbalancing",
    "events": "events",
    "firehose": "firehose",
    "iam": "iam",
    "kinesis": "kinesis",
    "kms": "kms",
    "lambda": "lambda",
    "logs": "logs",
    "rds": "rds",
    "scheduler": "scheduler",
    "ses": "ses",
    "sesv2": "ses",
    "stepfunctions": "states",
    "sts": "sts",
}
SESSION = botocore.session.Session()


def value(name: str, shape: Any) -> Any:
    """Return something for a member that may name a resource, none for ARNs: they are taken as they are."""
    if name == "Path":
        return "/p/"
    if name == "Entries":
        return [{"Source": "s", "DetailType": "d"}]
    if "tag" in name.lower() or name.lower().endswith("arn"):
        return None
    if shape.type_name == "list" and shape.member.type_name == "string":
        return ["n"]
    return "n" if shape.type_name == "string" else None


def fits(found: Asked, entries: list[dict[str, Any]]) -> bool:
    """Return whether AWS's reference knows an action's resource and condition keys."""
    arns = {re.sub(r"\$\{[^}]+\}", "*", entry["resource_arn_format"]) for entry in entries}
    keys = {re.sub(r"\$\{.*", "*", key) for entry in entries for key in entry["condition_keys"]}
    resource = found.resource is None or any(fnmatchcase(found.resource, arn) for arn in arns)
    return resource and all(
        any(fnmatchcase(key, known) for known in keys) for key in {*found.context, *found.absent}
    )


@pytest.mark.parametrize("folder", list(SERVICES))
def test_every_resource_and_condition_key_is_in_awss_reference(folder: str) -> None:
    model = SESSION.get_service_model(folder)
    wrong = []
    for name in model.operation_names:
        shape = model.operation_model(name).input_shape
        members = shape.members if shape else {}
        given = {one: value(one, members[one]) for one in members}
        for found in ask(SERVICES[folder], name, **given):
            prefix, _, action = found.action.partition(":")
            entries = (get_action_data(prefix, action) or {}).get(prefix, [])
            if found.known and not fits(found, entries):
                wrong.append(found)
    assert not wrong
