"""Templates to stacks: made, changed, left alone, refused, failed, and started over."""

import pytest
from tests.unit.deploy.fakes import FakeCloudFormation, Told, refused, stack

from underpass.blueprint.stack import Stack
from underpass.deploy.stacks import changesets
from underpass.deploy.stacks.changesets import NotExecutableError
from underpass.deploy.stacks.stack import StackFailedError
from underpass.errors import UnderpassError

PARTS = {f"Part{number}": "AWS::EC2::VPC" for number in range(5)}


def test_a_new_stack_is_made_and_its_outputs_returned() -> None:
    cloudformation = FakeCloudFormation(outputs={"notes-service": {"NlbArn": "arn:nlb"}})
    told = Told()
    made = changesets.deploy(cloudformation, stack(**PARTS), {"Image": "a:1"}, told.step)
    assert made.status == "CREATE_COMPLETE"
    assert made.outputs == {"NlbArn": "arn:nlb"}
    assert cloudformation.named("notes-service").parameters == {"Image": "a:1"}
    assert told.step.outcome == "5 resources created"
    progress = [(event.done, event.total) for event in told.events]
    assert progress[-1] == (5, 5)
    assert progress == sorted(progress)
    assert told.texts()[:2] == ["Part0 CREATE_IN_PROGRESS", "Part0 CREATE_COMPLETE"]


def test_a_changed_parameter_is_an_update_and_nothing_changed_is_nothing() -> None:
    cloudformation = FakeCloudFormation(outputs={"notes-service": {"NlbArn": "arn:nlb"}})
    looked: list[int] = []
    told = Told()
    for image in ("a:1", "a:2", "a:2"):
        told = Told()
        changesets.deploy(
            cloudformation,
            stack(**PARTS),
            {"Image": image},
            told.step,
            lambda events: looked.append(len(events)),
        )
    assert cloudformation.calls == ["execute_change_set", "execute_change_set", "delete_change_set"]
    assert cloudformation.named("notes-service").status == "UPDATE_COMPLETE"
    assert told.step.outcome == "nothing to change"
    assert looked[-1] == 0  # what watches a stack looks at one that does not change, too


def test_what_a_stack_is_already_needs_no_change_set() -> None:
    cloudformation = FakeCloudFormation()
    declared = {"Image": {"Type": "String"}, "Size": {"Type": "String", "Default": "s"}}
    resources = {"A": {"Type": "AWS::EC2::VPC"}}
    wanted = Stack("x", {"Parameters": declared, "Resources": resources})
    looked_up = {"Type": "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>", "Default": "/ami"}

    def asked(stack: Stack, image: str = "a:1", **tags: str) -> bool:
        cloudformation.calls.clear()
        changesets.deploy(cloudformation, stack, {"Image": image}, Told().step, tags=tags)
        return bool(cloudformation.calls)

    assert asked(wanted, stage="one")
    assert not asked(wanted, stage="one")
    assert asked(wanted, "a:2", stage="one")
    assert not asked(wanted, "a:2", stage="one")
    assert asked(wanted, "a:2", stage="two")
    assert asked(Stack("x", {**wanted.template, "Description": "d"}), "a:2", stage="two")
    assert asked(Stack("x", wanted.template, {"Size": "m"}), "a:2", stage="two")
    assert not asked(Stack("x", wanted.template, {"Size": "m"}), "a:2", stage="two")
    assert asked(Stack("x", wanted.template, {"Size": "m", "Gone": "x"}), "a:2", stage="two")
    changesets.deploy(cloudformation, wanted, {}, Told().step, tags={"stage": "two"})
    assert cloudformation.named("x").parameters["Image"] == "a:2"  # nobody says: it stays
    assert not asked(wanted, "a:2", stage="two")
    cloudformation.named("x").status = "UPDATE_ROLLBACK_COMPLETE"
    assert asked(wanted, "a:2", stage="two")
    newest = Stack("x", {**wanted.template, "Parameters": {**declared, "Ami": looked_up}})
    assert asked(newest, "a:2", stage="two")
    assert asked(newest, "a:2", stage="two")


def test_what_a_deployment_knows_wins_over_what_the_stack_brings() -> None:
    cloudformation = FakeCloudFormation()
    wanted = Stack("x", {"Resources": {"A": {"Type": "T"}}}, {"VpcId": "old", "Cidr": "c"})
    changesets.deploy(cloudformation, wanted, {"VpcId": "new"}, Told().step)
    assert cloudformation.named("x").parameters == {"VpcId": "new", "Cidr": "c"}


def test_a_change_set_that_cannot_be_executed_leaves_nothing_behind() -> None:
    cloudformation = FakeCloudFormation(refuses="AWS::Lex::Bot is not supported")
    with pytest.raises(NotExecutableError) as caught:
        changesets.deploy(cloudformation, stack(**PARTS), {}, Told().step)
    assert caught.value.why == "AWS::Lex::Bot is not supported"
    assert not cloudformation.change_sets
    assert [found.status for found in cloudformation.stacks.values()] == ["DELETE_COMPLETE"]


def test_a_template_that_is_refused_is_told_and_another_refusal_is_not_hidden() -> None:
    cloudformation = FakeCloudFormation()
    error = refused("Template format error")

    def refuse(**_: object) -> None:
        raise error

    cloudformation.__dict__["create_change_set"] = refuse
    with pytest.raises(NotExecutableError, match="Template format error"):
        changesets.deploy(cloudformation, stack(**PARTS), {}, Told().step)
    error = refused("not allowed", "AccessDenied")
    with pytest.raises(type(error), match="not allowed"):
        changesets.deploy(cloudformation, stack(**PARTS), {}, Told().step)


def test_a_failure_tells_the_resources_own_reason() -> None:
    cloudformation = FakeCloudFormation(fails={"Part2": "no capacity"})
    told = Told()
    with pytest.raises(StackFailedError) as caught:
        changesets.deploy(cloudformation, stack(**PARTS), {}, told.step)
    assert caught.value.what == "stack notes-service failed: ROLLBACK_COMPLETE"
    assert caught.value.why == "Part2 (AWS::EC2::VPC): no capacity"
    assert told.texts("warning") == ["Part2 CREATE_FAILED: no capacity"]


def test_a_stack_that_failed_to_be_made_is_made_anew() -> None:
    cloudformation = FakeCloudFormation(fails={"Part2": "no capacity"})
    with pytest.raises(StackFailedError):
        changesets.deploy(cloudformation, stack(**PARTS), {}, Told().step)
    cloudformation.fails = {}
    made = changesets.deploy(cloudformation, stack(**PARTS), {}, Told().step)
    assert made.status == "CREATE_COMPLETE"
    assert cloudformation.calls == ["execute_change_set", "delete_stack", "execute_change_set"]


@pytest.mark.parametrize("status", ["REVIEW_IN_PROGRESS", "ROLLBACK_FAILED", "DELETE_FAILED"])
def test_other_leftovers_are_cleared_too(status: str) -> None:
    cloudformation = FakeCloudFormation()
    cloudformation.has("notes-service", status)
    told = Told()
    changesets.deploy(cloudformation, stack(**PARTS), {}, told.step)
    assert told.texts()[0] == f"notes-service is {status}: deleting it first"
    assert cloudformation.named("notes-service").status == "CREATE_COMPLETE"


def test_an_operation_under_way_is_waited_for() -> None:
    cloudformation = FakeCloudFormation()
    leaving = cloudformation.has("notes-service", "DELETE_IN_PROGRESS")
    leaving.to_come = [
        ("Part0", "AWS::EC2::VPC", "DELETE_COMPLETE", ""),
        ("notes-service", "AWS::CloudFormation::Stack", "DELETE_COMPLETE", ""),
    ]
    told = Told()
    changesets.deploy(cloudformation, stack(**PARTS), {}, told.step)
    assert cloudformation.named("notes-service").status == "CREATE_COMPLETE"
    assert told.texts()[0] == "notes-service is DELETE_IN_PROGRESS: waiting for that to end"
    assert "delete_stack" not in cloudformation.calls


@pytest.mark.parametrize(
    ("status", "command"),
    [
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"),
        ("UPDATE_FAILED", "rollback-stack"),
    ],
)
def test_a_stack_only_its_owner_can_mend_is_told_with_the_command(
    status: str, command: str
) -> None:
    cloudformation = FakeCloudFormation()
    cloudformation.has("notes-service", status)
    with pytest.raises(UnderpassError) as caught:
        changesets.deploy(cloudformation, stack(**PARTS), {}, Told().step)
    assert f"aws cloudformation {command} --stack-name notes-service" in caught.value.try_next


def test_what_watches_may_end_the_wait() -> None:
    cloudformation = FakeCloudFormation()

    def watch(events: object) -> None:
        raise UnderpassError("hopeless")

    with pytest.raises(UnderpassError, match="hopeless"):
        changesets.deploy(cloudformation, stack(**PARTS), {}, Told().step, watch)


class Interrupting(FakeCloudFormation):
    """Stops the deployment, as Ctrl-C or another part that fails would, at the call it is told."""

    at = ""

    def _stop(self, call: str) -> None:
        if self.at == call:
            raise KeyboardInterrupt

    def describe_change_set(self, ChangeSetName: str, NextToken: str = "0") -> object:
        self._stop("describe_change_set")
        return super().describe_change_set(ChangeSetName, NextToken)

    def describe_stack_events(self, StackName: str, NextToken: str = "0") -> object:
        self._stop("describe_stack_events")
        return super().describe_stack_events(StackName, NextToken)

    def execute_change_set(self, ChangeSetName: str) -> None:
        self._stop("execute_change_set")
        super().execute_change_set(ChangeSetName)


@pytest.mark.parametrize(
    "at", ["describe_change_set", "describe_stack_events", "execute_change_set"]
)
def test_a_deployment_that_is_stopped_leaves_no_change_set(at: str) -> None:
    cloudformation = Interrupting(at=at)
    with pytest.raises(KeyboardInterrupt):
        changesets.deploy(cloudformation, stack(**PARTS), {}, Told().step)
    assert not cloudformation.change_sets
    assert "execute_change_set" not in cloudformation.calls


def test_a_change_set_that_cannot_be_deleted_hides_no_error() -> None:
    class Refusing(Interrupting):
        def delete_change_set(self, ChangeSetName: str) -> None:
            raise refused("it is being executed")

    with pytest.raises(KeyboardInterrupt):
        changesets.deploy(Refusing(at="execute_change_set"), stack(**PARTS), {}, Told().step)
