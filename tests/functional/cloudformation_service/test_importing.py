"""What is there already is imported, of every type that can be found by its name."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from tests.functional.cloudformation_service.conftest import Twin

from underpass.twin import services
from underpass.twin.services.cloudformation.registry import registry

NAME = f"kept-{uuid.uuid4().hex[:8]}"
TRUST: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
KEYS: dict[str, Any] = {
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}
ALARM: dict[str, Any] = {
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1,
    "Statistic": "Sum",
    "Namespace": "n",
    "MetricName": "m",
    "ComparisonOperator": "GreaterThanThreshold",
}
AT = "us-east-1:123456789012"
ROLE = f"arn:aws:iam::123456789012:role/{NAME}"
# The type's identifier, what else it needs, and an attribute with its value.
KINDS: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "CloudWatch::Alarm": (
        "AlarmName",
        ALARM,
        "Arn",
        f"arn:aws:cloudwatch:{AT}:alarm:{NAME}",
    ),
    "DynamoDB::Table": ("TableName", KEYS, "Arn", f"arn:aws:dynamodb:{AT}:table/{NAME}"),
    "ECR::Repository": ("RepositoryName", {}, "Arn", f"arn:aws:ecr:{AT}:repository/{NAME}"),
    "IAM::Role": ("RoleName", {"AssumeRolePolicyDocument": TRUST}, "Arn", ROLE),
    "Lambda::Function": (
        "FunctionName",
        {"Code": {"ZipFile": "1"}, "Role": ROLE, "Runtime": "python3.12", "Handler": "index.h"},
        "Arn",
        f"arn:aws:lambda:{AT}:function:{NAME}",
    ),
    "Logs::LogGroup": ("LogGroupName", {}, "Arn", f"arn:aws:logs:{AT}:log-group:{NAME}:*"),
    "S3::Bucket": ("BucketName", {}, "Arn", f"arn:aws:s3:::{NAME}"),
    "SSM::Parameter": ("Name", {"Type": "String", "Value": "other"}, "Value", "mine"),
}


def made(twin: Twin) -> None:
    """Make one of each by its own service."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", "def h(event, context): return 1")
    twin.client("cloudwatch").put_metric_alarm(AlarmName=NAME, **ALARM)
    twin.client("dynamodb").create_table(TableName=NAME, **KEYS)
    twin.client("ecr").create_repository(repositoryName=NAME)
    twin.client("iam").create_role(RoleName=NAME, AssumeRolePolicyDocument=json.dumps(TRUST))
    twin.client("lambda").create_function(
        FunctionName=NAME,
        Role=ROLE,
        Runtime="python3.12",
        Handler="index.h",
        Code={"ZipFile": packed.getvalue()},
    )
    twin.client("logs").create_log_group(logGroupName=NAME)
    twin.client("s3").create_bucket(Bucket=NAME)
    twin.client("ssm").put_parameter(Name=NAME, Value="mine", Type="String")


@pytest.fixture
def twin_with_things(twin: Twin) -> Iterator[Twin]:
    made(twin)
    yield twin
    twin.client("cloudwatch").delete_alarms(AlarmNames=[NAME])
    twin.client("dynamodb").delete_table(TableName=NAME)
    twin.client("ecr").delete_repository(repositoryName=NAME)
    twin.client("iam").delete_role(RoleName=NAME)
    twin.client("lambda").delete_function(FunctionName=NAME)
    twin.client("logs").delete_log_group(logGroupName=NAME)
    twin.client("s3").delete_bucket(Bucket=NAME)
    twin.client("ssm").delete_parameter(Name=NAME)


def template(name: str) -> str:
    resources: dict[str, Any] = {}
    outputs: dict[str, Any] = {}
    for kind, (identifier, properties, attribute, _) in KINDS.items():
        logical = kind.replace("::", "")
        resources[logical] = {
            "Type": f"AWS::{kind}",
            "DeletionPolicy": "Retain",
            "Properties": {identifier: name, **properties},
        }
        outputs[f"{logical}Ref"] = {"Value": {"Ref": logical}}
        outputs[f"{logical}Att"] = {"Value": {"Fn::GetAtt": [logical, attribute]}}
    return json.dumps({"Resources": resources, "Outputs": outputs})


def planned(twin: Twin, name: str) -> dict[str, str]:
    """Plan a stack, and return what would become of each type."""
    cloudformation = twin.client()
    named = {"StackName": "Kept", "ChangeSetName": f"c{uuid.uuid4().hex[:8]}"}
    cloudformation.create_change_set(
        **named,
        ChangeSetType="CREATE",
        TemplateBody=template(name),
        Capabilities=["CAPABILITY_NAMED_IAM"],
        ImportExistingResources=True,
    )
    changes = cloudformation.describe_change_set(**named)["Changes"]
    found = {
        one["ResourceChange"]["ResourceType"]: one["ResourceChange"]["Action"] for one in changes
    }
    return {"set": named["ChangeSetName"], **found}


def test_each_type_that_is_found_by_its_name_is_imported(twin_with_things: Twin) -> None:
    twin = twin_with_things
    elsewhere = planned(twin, f"{NAME}x")
    assert {one for key, one in elsewhere.items() if key != "set"} == {"Add"}
    shorter = planned(twin, NAME[:-1])  # a log group is asked for by how its name begins
    assert {one for key, one in shorter.items() if key != "set"} == {"Add"}
    importing = planned(twin, NAME)
    assert {one for key, one in importing.items() if key != "set"} == {"Import"}
    twin.client().execute_change_set(StackName="Kept", ChangeSetName=importing["set"])
    assert twin.settled("Kept") == "CREATE_COMPLETE"
    (stack,) = twin.client().describe_stacks(StackName="Kept")["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    for kind, (_, _, _, value) in KINDS.items():
        logical = kind.replace("::", "")
        assert (outputs[f"{logical}Ref"], outputs[f"{logical}Att"]) == (NAME, value)
    twin.client().delete_stack(StackName="Kept")
    assert twin.settled(stack["StackId"]) == "DELETE_COMPLETE"
    twin.client("s3").head_bucket(Bucket=NAME)


def test_what_is_somebody_elses_is_not_made_anew_by_those_that_would(twin: Twin) -> None:
    """Some services answer as if they had made what is there; the stack would then delete it."""
    name = f"{NAME}-other"
    pattern = '{"source": ["mine"]}'
    twin.client("cloudwatch").put_metric_alarm(AlarmName=name, **ALARM)
    twin.client("events").put_rule(Name=name, EventPattern=pattern)
    url = twin.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    topic = twin.client("sns").create_topic(Name=name)["TopicArn"]
    twin.client("s3").create_bucket(Bucket=name)
    properties: dict[str, dict[str, Any]] = {
        "CloudWatch::Alarm": {"AlarmName": name, **ALARM},
        "Events::Rule": {"Name": name, "EventPattern": json.loads(pattern)},
        "SQS::Queue": {"QueueName": name},
        "SNS::Topic": {"TopicName": name},
        "S3::Bucket": {"BucketName": name},
    }
    types = registry(twin.region, services)
    assert {one for one in types if types[one].form.takes_over} == {
        f"AWS::{kind}" for kind in properties
    }
    for kind, given in properties.items():
        stack = f"Taken-{kind.partition('::')[2]}"
        body = {"Resources": {"R": {"Type": f"AWS::{kind}", "Properties": given}}}
        twin.client().create_stack(StackName=stack, TemplateBody=json.dumps(body))
        assert twin.settled(stack) == "ROLLBACK_COMPLETE"
        events = twin.client().describe_stack_events(StackName=stack)["StackEvents"]
        (said,) = (
            one["ResourceStatusReason"]
            for one in events
            if one["ResourceStatus"] == "CREATE_FAILED"
        )
        assert "already exists" in said
        assert "HandlerErrorCode: AlreadyExists" in said
    twin.client("sqs").delete_queue(QueueUrl=url)
    twin.client("sns").delete_topic(TopicArn=topic)
    twin.client("s3").delete_bucket(Bucket=name)
    twin.client("events").delete_rule(Name=name)
    assert twin.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    twin.client("cloudwatch").delete_alarms(AlarmNames=[name])


def test_every_form_that_says_how_it_is_found_is_among_them(twin: Twin) -> None:
    types = registry(twin.region, services)
    said = {name for name, one in types.items() if one.identifier()}
    assert said == {f"AWS::{kind}" for kind in KINDS}
