import json
from typing import Any

import pytest
from tests.unit.cloudformation_service.fakes import THING, Cloud, ref, template

from underpass.twin.services.cloudformation.model import ApiError

ONE = template({"A": {}})
ROLE = template({"R": {"Type": "AWS::IAM::Role"}})
NAMED = template({"R": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "n"}}})


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


def test_all_that_the_twin_cannot_do_is_named_at_once(cloud: Cloud) -> None:
    planned = cloud.plan(
        template(
            {
                "A": {"Size": 1, "Colour": "red", "Shape": "round"},
                "B": {"Type": "AWS::EC2::Spaceship", "Properties": {"X": ref("A")}},
                "C": {
                    "Size": {"Fn::FindInMap": ["No", "such", "map"]},
                    "Uses": [{"Fn::ImportValue": "gone"}],
                },
                "D": {"Uses": [{"Fn::GetAtt": ["A", "Arn"]}]},
            }
        )
    )
    assert (planned["Status"], planned["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert planned["StatusReason"].split("; ") == [
        "A (Fake::World::Thing): the twin would ignore properties Colour, Shape",
        "B: the twin does not know the resource type AWS::EC2::Spaceship",
        "C (Fake::World::Thing), property Size: Template error: Unable to get mapping for No::such::map",
        "C (Fake::World::Thing), property Uses: No export named gone found.",
    ]
    assert cloud.status() == "REVIEW_IN_PROGRESS"
    assert cloud.world.calls == []


@pytest.mark.parametrize(
    ("document", "request_", "code", "message"),
    [
        ({"Resources": {}}, {}, "ValidationError", "At least one Resources member"),
        ("{", {}, "ValidationError", "JSON not well-formed"),
        (
            template({"A": {"Uses": [ref("B")]}, "B": {"Uses": [ref("A")]}}),
            {},
            "ValidationError",
            "Circular dependency between resources: [A, B]",
        ),
        (
            template({"A": {"Uses": [ref("Z")]}}),
            {},
            "ValidationError",
            "Unresolved resource dependencies [Z]",
        ),
        (
            template({"A": {}}, Parameters={"P": {"Type": "String"}}),
            {},
            "ValidationError",
            "Parameters: [P] must have values",
        ),
        (
            ONE,
            {"Parameters": [{"ParameterKey": "P", "ParameterValue": ""}]},
            "ValidationError",
            "Parameters: [P] do not exist in the template",
        ),
        (
            ONE,
            {"Parameters": [{"ParameterKey": "P"}]},
            "ValidationError",
            "Parameter P needs a value",
        ),
        (
            template(
                {"A": {}},
                Parameters={"P": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/x"}},
            ),
            {},
            "ValidationError",
            "Could not read /x from ssm",
        ),
        (ROLE, {}, "InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]"),
        (
            NAMED,
            {"Capabilities": ["CAPABILITY_IAM"]},
            "InsufficientCapabilitiesException",
            "Requires capabilities : [CAPABILITY_NAMED_IAM]",
        ),
        (ONE, {"ChangeSetType": "IMPORT"}, "ValidationError", "IMPORT is not supported"),
        (ONE, {"ChangeSetType": "UPDATE"}, "ValidationError", "Stack [s] does not exist"),
        (ONE, {"StackName": "9lives"}, "ValidationError", "Value '9lives' at 'stackName'"),
        (ONE, {"StackName": ""}, "ValidationError", "'stackName'"),
        (ONE, {"ChangeSetName": "a b"}, "ValidationError", "Value 'a b' at 'changeSetName'"),
        (
            ONE,
            {"TemplateURL": "https://bucket.s3.amazonaws.com/key"},
            "ValidationError",
            "Either Template URL",
        ),
        (ONE, {"TemplateBody": None}, "ValidationError", "Either Template URL"),
        (
            ONE,
            {"TemplateBody": None, "TemplateURL": "ftp://x/y"},
            "ValidationError",
            "supported URL",
        ),
        (ONE, {"TemplateBody": " " * 51_201}, "ValidationError", "less than or equal to 51200"),
        (ONE, {"UsePreviousTemplate": True}, "ValidationError", "cannot specify both"),
        (ONE, {"OnStackFailure": "PANIC"}, "ValidationError", "OnFailure must be one of"),
        (
            ONE,
            {"RollbackConfiguration": {"MonitoringTimeInMinutes": 3}},
            "ValidationError",
            "does not support RollbackConfiguration",
        ),
    ],
)
def test_what_aws_refuses_is_refused(
    cloud: Cloud, document: Any, request_: dict[str, Any], code: str, message: str
) -> None:
    with pytest.raises(ApiError) as refused:
        cloud.plan(document, **request_)
    assert refused.value.code == code
    assert message in refused.value.message
    assert cloud.engine.list_stacks({}) == {"StackSummaries": []}


@pytest.mark.parametrize("capability", ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"])
def test_capabilities_that_suffice(cloud: Cloud, capability: str) -> None:
    assert cloud.deploy(ROLE, Capabilities=[capability]) == "CREATE_COMPLETE"
    assert cloud.stack()["Capabilities"] == [capability]


def test_a_stack_cannot_be_created_twice_nor_updated_after_a_rollback(cloud: Cloud) -> None:
    cloud.deploy(ONE)
    with pytest.raises(ApiError, match=r"Stack \[s\] already exists and cannot be created again"):
        cloud.plan(ONE, ChangeSetType="CREATE")
    cloud.world.fail(("create", "A"))
    cloud.deploy(ONE, "t")
    with pytest.raises(ApiError, match="is in ROLLBACK_COMPLETE state and can not be updated"):
        cloud.plan(ONE, "t")


def test_change_sets_have_a_life_of_their_own(cloud: Cloud) -> None:
    first = cloud.plan(ONE, ChangeSetName="first")
    second = cloud.plan(ONE, ChangeSetName="second", Description="again")
    with pytest.raises(ApiError, match="ChangeSet second already exists") as refused:
        cloud.plan(ONE, ChangeSetName="second")
    assert refused.value.code == "AlreadyExistsException"
    listed = cloud.engine.list_change_sets({"StackName": "s"})["Summaries"]
    assert [item["ChangeSetName"] for item in listed] == ["first", "second"]
    assert listed[1]["Description"] == "again"
    cloud.engine.execute_change_set({"ChangeSetName": "second", "StackName": "s"})
    # AWS deletes the others, which no longer fit the stack.
    with pytest.raises(ApiError, match="does not exist") as refused:
        cloud.engine.execute_change_set({"ChangeSetName": first["ChangeSetId"]})
    assert refused.value.code == "ChangeSetNotFound"
    described = cloud.engine.describe_change_set({"ChangeSetName": second["ChangeSetId"]})
    assert described["ExecutionStatus"] == "EXECUTE_COMPLETE"
    with pytest.raises(ApiError) as refused:
        cloud.engine.execute_change_set({"ChangeSetName": second["ChangeSetId"]})
    assert refused.value.code == "InvalidChangeSetStatus"
    # CDK deletes the one it executed, and waits until it is gone.
    cloud.engine.delete_change_set({"ChangeSetName": second["ChangeSetId"]})
    with pytest.raises(ApiError, match="does not exist"):
        cloud.engine.describe_change_set({"ChangeSetName": second["ChangeSetId"]})


def test_a_parameter_that_asks_for_nothing_is_no_reason_to_refuse(cloud: Cloud) -> None:
    nothing: dict[str, Any] = {
        "DeletionMode": "STANDARD",
        "IncludeNestedStacks": True,
        "NotificationARNs": [],
        "ResourcesToImport": [],
        "RetainExceptOnCreate": "false",
        "RollbackConfiguration": {"RollbackTriggers": [], "MonitoringTimeInMinutes": 0},
        "StackPolicyBody": "",
        "TimeoutInMinutes": 0,
    }
    for existing in (False, True):
        planned = cloud.plan(ONE, ImportExistingResources=existing, **nothing)
        assert planned["Status"] == "CREATE_COMPLETE"


def test_deleting_a_change_set(cloud: Cloud) -> None:
    planned = cloud.plan(ONE)
    for _ in range(2):
        assert cloud.engine.delete_change_set({"ChangeSetName": planned["ChangeSetId"]}) == {}
    with pytest.raises(ApiError) as refused:
        cloud.engine.describe_change_set({"ChangeSetName": planned["ChangeSetId"]})
    assert refused.value.code == "ChangeSetNotFound"
    with pytest.raises(ApiError, match="StackName must be specified"):
        cloud.engine.describe_change_set({"ChangeSetName": "c"})
    with pytest.raises(ApiError, match="Stack with id nowhere does not exist"):
        cloud.engine.describe_change_set({"ChangeSetName": "c", "StackName": "nowhere"})


def test_what_does_not_exist_is_named(cloud: Cloud) -> None:
    cloud.deploy(ONE)
    with pytest.raises(ApiError, match="Resource Z does not exist for stack s"):
        cloud.engine.describe_stack_resource({"StackName": "s", "LogicalResourceId": "Z"})
    with pytest.raises(ApiError, match="Stack for i-1 does not exist"):
        cloud.engine.describe_stack_resources({"PhysicalResourceId": "i-1"})
    with pytest.raises(ApiError, match="NextToken is not valid"):
        cloud.engine.describe_stack_events({"StackName": "s", "NextToken": "?"})


def test_templates_may_come_from_s3(cloud: Cloud) -> None:
    cloud.services.bodies["bucket", "path/to key.json"] = json.dumps(ONE).encode()
    for url in (
        "https://bucket.s3.us-east-1.amazonaws.com/path/to%20key.json",
        "https://bucket.s3-us-west-2.amazonaws.com/path/to%20key.json",
        "https://s3.us-east-1.amazonaws.com/bucket/path/to%20key.json",
        "http://127.0.0.1:4566/bucket/path/to%20key.json",
    ):
        assert cloud.plan(None, TemplateBody=None, TemplateURL=url)["Status"] == "CREATE_COMPLETE"


def test_summaries_of_templates(cloud: Cloud) -> None:
    document = NAMED | {
        "Description": "what it is",
        "Parameters": {
            "P": {"Type": "String", "AllowedValues": ["a"], "NoEcho": True, "Default": "a"}
        },
    }
    validated = cloud.engine.validate_template({"TemplateBody": json.dumps(document)})
    assert validated["Capabilities"] == ["CAPABILITY_NAMED_IAM"]
    assert validated["Parameters"] == [{"ParameterKey": "P", "DefaultValue": "a", "NoEcho": True}]
    cloud.deploy(document, Capabilities=["CAPABILITY_NAMED_IAM"])
    summary = cloud.engine.get_template_summary({"StackName": "s"})
    assert summary["ResourceTypes"] == ["AWS::IAM::Role"]
    assert summary["Parameters"][0]["ParameterConstraints"] == {"AllowedValues": ["a"]}
    assert summary["Description"] == "what it is"
    assert cloud.engine.get_template({"StackName": "s"})["TemplateBody"] == json.dumps(document)


def test_long_lists_come_in_pages_that_new_events_do_not_shift(cloud: Cloud) -> None:
    document = template({f"T{logical}": {"Type": THING} for logical in range(120)})
    cloud.deploy(document)
    assert len(cloud.events()) == 120 * 3 + 3
    page = cloud.engine.describe_stack_events({"StackName": "s"})
    assert len(page["StackEvents"]) == 20
    cloud.delete()
    stack_id = page["StackEvents"][0]["StackId"]
    more = cloud.engine.describe_stack_events(
        {"StackName": stack_id, "NextToken": page["NextToken"]}
    )
    times = [event["Timestamp"] for event in [*page["StackEvents"], *more["StackEvents"]]]
    assert times == sorted(times, reverse=True)
    assert len(set(times)) == 40
    resources = cloud.engine.list_stack_resources({"StackName": stack_id})
    assert len(resources["StackResourceSummaries"]) == 100
    assert "NextToken" in resources
