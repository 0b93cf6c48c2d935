from typing import Any

import pytest
from tests.unit.cloudformation_service.fakes import THING, Cloud, ref, template

from underpass.twin.services.cloudformation.model import ApiError
from underpass.twin.services.cloudformation.resource_type import ProvisionError


def chain(**sizes: Any) -> dict[str, Any]:
    """A <- B <- C, with these properties on top."""
    base: dict[str, Any] = {"A": {}, "B": {"Uses": [ref("A")]}, "C": {"Uses": [ref("B")]}}
    return template({name: fields | sizes.get(name, {}) for name, fields in base.items()})


@pytest.fixture
def cloud() -> Cloud:
    cloud = Cloud()
    assert cloud.deploy(chain()) == "CREATE_COMPLETE"
    cloud.world.calls.clear()
    return cloud


def test_only_what_differs_is_touched(cloud: Cloud) -> None:
    before = set(cloud.world.things)
    assert cloud.deploy(chain(B={"Size": 2})) == "UPDATE_COMPLETE"
    assert cloud.world.calls == [("update", "B")]
    assert set(cloud.world.things) == before
    assert cloud.statuses("B")[-2:] == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]
    assert cloud.statuses("-")[-3:] == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_COMPLETE",
    ]
    assert cloud.stack()["LastUpdatedTime"] > cloud.stack()["CreationTime"]


def test_a_replacement_moves_the_users_over_before_the_old_one_goes(cloud: Cloud) -> None:
    old = cloud.engine.describe_stack_resource({"StackName": "s", "LogicalResourceId": "A"})
    assert cloud.deploy(chain(A={"Name": "new"})) == "UPDATE_COMPLETE"
    assert cloud.world.calls == [("create", "A"), ("update", "B"), ("delete", "A")]
    new = cloud.engine.describe_stack_resource({"StackName": "s", "LogicalResourceId": "A"})
    ids = [found["StackResourceDetail"]["PhysicalResourceId"] for found in (old, new)]
    assert ids[0] != ids[1]
    assert cloud.world.by_name()["B"]["Uses"] == [ids[1]]
    assert new["StackResourceDetail"]["ResourceStatus"] == "UPDATE_COMPLETE"
    assert cloud.statuses("A")[-2:] == ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"]


def test_adding_and_removing(cloud: Cloud) -> None:
    document = template({"A": {}, "D": {"Uses": [ref("A")]}})
    assert cloud.deploy(document) == "UPDATE_COMPLETE"
    assert cloud.world.calls == [("create", "D"), ("delete", "C"), ("delete", "B")]
    listed = cloud.engine.list_stack_resources({"StackName": "s"})["StackResourceSummaries"]
    assert {item["LogicalResourceId"] for item in listed} == {"A", "D"}


def test_the_same_template_again_is_an_empty_change_set(cloud: Cloud) -> None:
    planned = cloud.plan(chain())
    assert (planned["Status"], planned["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert planned["StatusReason"].startswith("The submitted information didn't contain changes.")
    with pytest.raises(ApiError, match=r"No updates are to be performed\."):
        cloud.engine.update_stack({"StackName": "s", "UsePreviousTemplate": True})
    with pytest.raises(ApiError, match="cannot be executed") as refused:
        cloud.engine.execute_change_set({"ChangeSetName": planned["ChangeSetId"]})
    assert refused.value.code == "InvalidChangeSetStatus"


def test_an_output_or_a_tag_alone_is_a_change(cloud: Cloud) -> None:
    document = chain() | {"Outputs": {"O": {"Value": ref("A")}}}
    assert cloud.deploy(document) == "UPDATE_COMPLETE"
    assert cloud.stack()["Outputs"][0]["OutputKey"] == "O"
    assert cloud.deploy(document, Tags=[{"Key": "k", "Value": "v"}]) == "UPDATE_COMPLETE"
    assert cloud.stack()["Tags"] == [{"Key": "k", "Value": "v"}]
    assert cloud.plan(document)["Status"] == "FAILED"
    assert cloud.world.calls == []


def test_what_changes_nothing_on_the_twin_is_noted_without_a_call(cloud: Cloud) -> None:
    document = chain(A={"Tags": [{"Key": "k", "Value": "v"}]})
    document["Resources"]["B"]["DeletionPolicy"] = "Retain"
    (tags, policy) = (change["ResourceChange"] for change in cloud.plan(document)["Changes"])
    assert (tags["Scope"], policy["Scope"]) == (["Tags"], ["DeletionPolicy"])
    assert cloud.deploy(document) == "UPDATE_COMPLETE"
    assert cloud.world.calls == []
    assert cloud.plan(document)["Status"] == "FAILED"


def test_a_failed_update_returns_to_what_was(cloud: Cloud) -> None:
    before = dict(cloud.world.things)
    cloud.world.fail(("update", "C"))
    status = cloud.deploy(
        template(
            {
                "A": {"Name": "new"},
                "B": {"Uses": [ref("A")], "Size": 7},
                "C": {"Uses": [ref("B")], "Size": 8},
                "D": {},
            }
        )
    )
    assert status == "UPDATE_ROLLBACK_FAILED"  # C cannot even be updated back
    cloud = Cloud()
    cloud.deploy(chain())
    before = dict(cloud.world.things)
    calls = iter([True])
    cloud.world.fails = lambda verb, name: (
        OSError("disk") if name == "C" and next(calls, False) else None
    )
    document = chain(A={"Name": "new"}, B={"Size": 7}, C={"Size": 8})
    assert cloud.deploy(document) == "UPDATE_ROLLBACK_COMPLETE"
    assert cloud.world.things == before
    assert cloud.reason("-", "UPDATE_ROLLBACK_IN_PROGRESS") == (
        "The following resource(s) failed to update: [C]."
    )
    assert cloud.statuses("-")[-3:] == [
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
    ]
    assert cloud.plan(chain())["Status"] == "FAILED"
    assert cloud.deploy(document) == "UPDATE_COMPLETE"


def test_a_rollback_gives_the_tags_back(cloud: Cloud) -> None:
    cloud.world.fail(("create", "D"))
    document = {"Resources": chain()["Resources"] | template({"D": {}})["Resources"]}
    assert cloud.deploy(document, Tags=[{"Key": "k", "Value": "v"}]) == "UPDATE_ROLLBACK_COMPLETE"
    assert cloud.stack()["Tags"] == []


def test_a_failed_addition_is_taken_back(cloud: Cloud) -> None:
    before = dict(cloud.world.things)
    cloud.world.fail(("create", "E"))
    document = chain(A={"Size": 3})
    document["Resources"] |= template({"D": {}, "E": {"Uses": [ref("D")]}})["Resources"]
    assert cloud.deploy(document) == "UPDATE_ROLLBACK_COMPLETE"
    assert cloud.world.things == before
    listed = cloud.engine.list_stack_resources({"StackName": "s"})["StackResourceSummaries"]
    assert {item["LogicalResourceId"] for item in listed} == {"A", "B", "C"}


def test_without_rollback_a_failure_stays_and_the_next_update_goes_on(cloud: Cloud) -> None:
    cloud.world.fail(("update", "C"))
    planned = cloud.plan(chain(A={"Size": 1}, C={"Size": 1}))
    cloud.engine.execute_change_set(
        {"ChangeSetName": planned["ChangeSetId"], "DisableRollback": True}
    )
    assert cloud.status() == "UPDATE_FAILED"
    assert cloud.world.by_name()["A"]["Size"] == 1
    cloud.world.fail()
    document = chain(A={"Size": 1}, C={"Size": 1})
    assert cloud.deploy(document, OnStackFailure="DO_NOTHING") == "UPDATE_COMPLETE"
    assert cloud.world.calls[-1] == ("update", "C")


def test_without_rollback_what_fails_goes_back_and_what_does_not_need_it_goes_on(
    cloud: Cloud,
) -> None:
    failing = iter([True])
    cloud.world.fails = lambda verb, name: (
        ProvisionError("halfway") if name == "B" and next(failing, False) else None
    )
    document = chain(B={"Size": 2}, C={"Size": 3})
    document["Resources"] |= template({"D": {}})["Resources"]
    assert cloud.deploy(document, OnStackFailure="DO_NOTHING") == "UPDATE_FAILED"
    assert sorted(cloud.world.calls) == [("create", "D"), ("update", "B"), ("update", "B")]
    assert "Size" not in cloud.world.by_name()["B"]
    assert cloud.reason("B", "UPDATE_FAILED") == "halfway"
    assert cloud.statuses("D")[-1] == "CREATE_COMPLETE"

    cloud.world.calls.clear()
    assert cloud.deploy(chain(), OnStackFailure="DO_NOTHING") == "UPDATE_COMPLETE"
    assert cloud.world.calls == [("delete", "D")]
    assert cloud.statuses("B")[-1] == "UPDATE_COMPLETE", "it no longer counts as failed"


def test_what_cannot_even_go_back_tells_why_it_failed(cloud: Cloud) -> None:
    failing = iter(["first", "then"])
    cloud.world.fails = lambda verb, name: ProvisionError(next(failing)) if name == "B" else None
    document = chain(B={"Size": 2})
    assert cloud.deploy(document, OnStackFailure="DO_NOTHING") == "UPDATE_FAILED"
    assert cloud.reason("B", "UPDATE_FAILED") == "first"
    assert next(failing, None) is None


def test_what_failed_without_rollback_is_gone_on_with_in_the_same_way_only(cloud: Cloud) -> None:
    cloud.world.fail(("update", "C"))
    document = chain(C={"Size": 1})
    assert cloud.deploy(document, OnStackFailure="DO_NOTHING") == "UPDATE_FAILED"
    planned = cloud.plan(document)
    execute = {"ChangeSetName": planned["ChangeSetId"]}
    with pytest.raises(ApiError, match=r"non-terminal \[UPDATE_FAILED\] state") as refused:
        cloud.engine.execute_change_set(execute)
    assert refused.value.code == "ValidationError"
    with pytest.raises(ApiError, match="please use the disable-rollback parameter"):
        cloud.engine.update_stack({"StackName": "s", "UsePreviousTemplate": True})
    cloud.world.fail()
    cloud.engine.execute_change_set(execute | {"DisableRollback": True})
    assert cloud.status() == "UPDATE_COMPLETE"


def test_without_rollback_nothing_is_replaced(cloud: Cloud) -> None:
    assert cloud.deploy(chain(A={"Name": "new"}), OnStackFailure="DO_NOTHING") == "UPDATE_FAILED"
    assert "Replacement type updates not supported" in cloud.reason("A", "UPDATE_FAILED")


def test_policies_keep_what_they_say() -> None:
    cloud = Cloud()
    kept = {"Type": THING, "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    assert cloud.deploy(template({"A": {}, "K": kept, "R": kept})) == "CREATE_COMPLETE"
    renamed = kept | {"Properties": {"Name": "new"}}
    (change, _) = (
        item["ResourceChange"] for item in cloud.plan(template({"A": {}, "R": renamed}))["Changes"]
    )
    assert change["PolicyAction"] == "ReplaceAndRetain"
    assert cloud.deploy(template({"A": {}, "R": renamed})) == "UPDATE_COMPLETE"
    assert [thing["LogicalId"] for thing in cloud.world.things.values()] == ["A", "K", "R", "R"]
    assert cloud.statuses("K")[-1] == "DELETE_SKIPPED"
    assert cloud.statuses("R")[-1] == "DELETE_SKIPPED"
    assert cloud.plan(template({"A": {}, "R": renamed}))["Status"] == "FAILED"


def test_an_old_resource_that_will_not_go_does_not_fail_the_update(cloud: Cloud) -> None:
    cloud.world.fail(("delete", "C"))
    assert cloud.deploy(template({"A": {}, "B": {"Uses": [ref("A")]}})) == "UPDATE_COMPLETE"
    assert cloud.reason("C", "DELETE_FAILED") == "no such luck"


def test_previous_template_and_values(cloud: Cloud) -> None:
    document = template(
        {"A": {"Size": ref("Size")}}, Parameters={"Size": {"Type": "Number", "Default": 1}}
    )
    key = {"ParameterKey": "Size"}
    assert (
        cloud.deploy(document, "p", Parameters=[key | {"ParameterValue": "5"}]) == "CREATE_COMPLETE"
    )
    same = {"TemplateBody": None, "UsePreviousTemplate": True}
    assert (
        cloud.plan(document, "p", **same, Parameters=[key | {"UsePreviousValue": True}])["Status"]
        == "FAILED"
    )
    planned = cloud.plan(document, "p", **same, Parameters=[key | {"ParameterValue": "6"}])
    (change,) = planned["Changes"]
    assert change["ResourceChange"]["BeforeContext"] == '{"Properties": {"Size": "5"}}'
    assert change["ResourceChange"]["AfterContext"] == '{"Properties": {"Size": "6"}}'
    with pytest.raises(ApiError, match="usePreviousValue"):
        cloud.plan(document, "q", Parameters=[key | {"UsePreviousValue": True}])


def test_a_change_set_tells_why_something_might_be_replaced(cloud: Cloud) -> None:
    cloud.deploy(chain(B={"Name": {"Fn::GetAtt": ["A", "Arn"]}}))
    document = chain(A={"Name": "x"}, B={"Name": {"Fn::GetAtt": ["A", "Arn"]}})
    changes = [item["ResourceChange"] for item in cloud.plan(document)["Changes"]]
    assert [(change["LogicalResourceId"], change["Replacement"]) for change in changes] == [
        ("A", "True"),
        ("B", "Conditional"),
        ("C", "False"),
    ]
    assert changes[1]["Details"] == [
        {
            "Target": {"Attribute": "Properties", "Name": "Name", "RequiresRecreation": "Always"},
            "Evaluation": "Dynamic",
            "ChangeSource": "ResourceAttribute",
            "CausingEntity": "A.Arn",
        },
        {
            "Target": {"Attribute": "Properties", "Name": "Uses", "RequiresRecreation": "Never"},
            "Evaluation": "Dynamic",
            "ChangeSource": "ResourceReference",
            "CausingEntity": "A",
        },
    ]


def test_a_type_cannot_change(cloud: Cloud) -> None:
    with pytest.raises(ApiError, match="Update of resource type is not permitted"):
        cloud.plan(
            template({"A": {"Type": "AWS::IAM::Role"}, "B": {}, "C": {}}),
            Capabilities=["CAPABILITY_IAM"],
        )
