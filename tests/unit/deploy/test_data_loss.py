"""What a change set tells, and whether data would be lost by it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underpass.deploy.stacks import changes, data_loss
from underpass.deploy.stacks.changes import Cause, Change
from underpass.deploy.stacks.data_loss import DataLossError, MoveError, OutageError

DATABASE, KEY = "AWS::RDS::DBInstance", "AWS::KMS::Key"


def database(replacement: str, *causes: Cause) -> Change:
    return Change("Modify", "Database", DATABASE, replacement, "db-1", "Snapshot", causes)


def key(replacement: str) -> Change:
    return Change("Modify", "Key", KEY, replacement, causes=(Cause("KeyPolicy"),))


def told(*found: Change) -> list[str]:
    return [f"{one.change.logical_id} {one.how}" for one in data_loss.losses("x", found)]


REFERS = Cause("KmsKeyId", recreates=True, entity="Key")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([database("False", Cause("AllocatedStorage"))], []),
        ([database("True", Cause("KmsKeyId", recreates=True))], ["Database is replaced"]),
        ([Change("Remove", "Database", DATABASE)], ["Database is removed"]),
        ([Change("Add", "Database", DATABASE)], []),
        ([Change("Remove", "Vpc", "AWS::EC2::VPC")], []),
        # It refers to a key that is modified in place: its ARN stays.
        ([database("Conditional", REFERS), key("False")], []),
        (
            [database("Conditional", REFERS), key("True")],
            ["Database is replaced", "Key is replaced"],
        ),
        ([database("Conditional", REFERS)], ["Database may be replaced"]),
        (
            [database("Conditional", REFERS), Change("Add", "Key", KEY)],
            [],
        ),
        (
            [database("Conditional", REFERS, Cause("Port", recreates=True)), key("False")],
            ["Database may be replaced"],
        ),
        ([database("Conditional")], ["Database may be replaced"]),
    ],
)
def test_what_takes_data_away(found: list[Change], expected: list[str]) -> None:
    assert told(*found) == expected


@given(
    st.lists(
        st.builds(
            Change,
            action=st.just("Modify"),
            logical_id=st.sampled_from("ABC"),
            type=st.just(KEY),
            replacement=st.sampled_from(["True", "False", "Conditional"]),
            causes=st.lists(
                st.builds(
                    Cause, name=st.just("P"), recreates=st.booleans(), entity=st.sampled_from("ABC")
                ),
                max_size=2,
            ).map(tuple),
        ),
        max_size=3,
        unique_by=lambda change: change.logical_id,
    )
)
def test_what_refers_to_each_other_in_a_circle_is_judged_all_the_same(found: list[Change]) -> None:
    for change in found:
        outcome = data_loss.replaced(change, found)
        assert outcome is {"True": True, "False": False}.get(change.replacement, outcome)


VPC, GROUP = "AWS::EC2::VPC", "AWS::EC2::SecurityGroup"
NEW_CIDR = Change(
    "Modify", "Vpc", VPC, "True", "vpc-1", causes=(Cause("CidrBlock", recreates=True),)
)
FOLLOWS = Cause("VpcId", recreates=True, entity="Vpc")
ELSEWHERE = Cause("VpcId", recreates=True)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ([NEW_CIDR], "Vpc (AWS::EC2::VPC) would be replaced by a change of CidrBlock"),
        ([Change("Remove", "Vpc", VPC)], "Vpc (AWS::EC2::VPC) would be removed"),
        (
            [Change("Modify", "TaskSecurityGroup", GROUP, "True", causes=(ELSEWHERE,))],
            "TaskSecurityGroup (AWS::EC2::SecurityGroup) would be replaced by a change of VpcId",
        ),
        (
            [
                Change("Modify", "TaskSecurityGroup", GROUP, "Conditional", causes=(FOLLOWS,)),
                NEW_CIDR,
            ],
            "TaskSecurityGroup (AWS::EC2::SecurityGroup) would be replaced by a change of VpcId",
        ),
    ],
)
def test_nothing_leaves_its_vpc(found: list[Change], why: str) -> None:
    with pytest.raises(MoveError) as caught:
        data_loss.check("x", found, {one.logical_id for one in found})
    assert caught.value.exit_status == 2
    assert caught.value.why.startswith(f"x: {why}")


@pytest.mark.parametrize(
    "change",
    [
        Change("Add", "Vpc", VPC),
        Change("Modify", "Vpc", VPC, "False", causes=(Cause("Tags"),)),
        Change(
            "Modify", "TaskSecurityGroup", GROUP, "False", causes=(Cause("SecurityGroupEgress"),)
        ),
        Change(
            "Modify", "EndpointSecurityGroup", GROUP, "True", causes=(ELSEWHERE,)
        ),  # a consumer's
    ],
)
def test_what_stays_or_may_move_is_let_through(change: Change) -> None:
    data_loss.check("x", [change], ())


def test_a_refusal_names_what_is_lost_and_the_way_to_allow_it() -> None:
    found = data_loss.losses("notes-foundation", [database("True", Cause("Port", recreates=True))])
    with pytest.raises(DataLossError) as caught:
        data_loss.refuse(found, {"Other"})
    assert caught.value.exit_status == 2
    assert caught.value.why == (
        "notes-foundation: Database, the database (AWS::RDS::DBInstance, db-1), "
        "is replaced by a change of Port; a last snapshot is all that stays"
    )
    assert "--allow-replace Database --allow-replace Other" in caught.value.try_next
    data_loss.refuse(found, {"Database"})


def shape(**more: Any) -> dict[str, Any]:
    change = {"Action": "Modify", "LogicalResourceId": "Database", "ResourceType": DATABASE, **more}
    return {"Type": "Resource", "ResourceChange": change}


def detail(name: str, recreation: str, evaluation: str = "Static", **more: str) -> dict[str, Any]:
    target = {"Attribute": "Properties", "Name": name, "RequiresRecreation": recreation}
    return {"Target": target, "Evaluation": evaluation, **more}


def test_a_change_set_as_aws_describes_it() -> None:
    (change,) = changes.described(
        [
            shape(
                PhysicalResourceId="db-1",
                Replacement="Conditional",
                PolicyAction="ReplaceAndSnapshot",
                Details=[
                    detail("KmsKeyId", "Always", "Dynamic", CausingEntity="Key.Arn"),
                    detail("Engine", "Conditionally"),
                    detail("Port", "Never", "Dynamic", CausingEntity="Other"),
                    {"Target": {"Attribute": "Tags", "RequiresRecreation": "Never"}},
                ],
            ),
            {"Type": "Hook"},
        ]
    )
    assert change == database(
        "Conditional",
        Cause("KmsKeyId", recreates=True, entity="Key"),
        Cause("Engine", recreates=True),
        Cause("Port", entity="Other"),
        Cause("Tags"),
    )


def test_a_property_that_is_told_twice_counts_as_certain() -> None:
    (change,) = changes.described(
        [
            shape(
                Details=[
                    detail("KmsKeyId", "Always", "Dynamic", CausingEntity="Key.Arn"),
                    detail("KmsKeyId", "Always", "Static"),
                ]
            )
        ]
    )
    assert change.causes == (Cause("KmsKeyId", recreates=True),)


def test_templates_tell_what_is_added_changed_and_removed() -> None:
    before = {
        "Resources": {
            "A": {"Type": "T", "Properties": {"X": 1, "Y": 1}},
            "B": {"Type": "T", "DeletionPolicy": "Retain"},
            "C": {"Type": "T", "Properties": {"X": 1}},
        }
    }
    after = {
        "Resources": {
            "A": {"Type": "T", "Properties": {"X": 2, "Y": 1}},
            "C": {"Type": "T", "Properties": {"X": 1}},
            "D": {"Type": "T"},
        }
    }
    assert changes.compared(before, after, {"A": "a", "B": "b"}) == (
        Change("Add", "D", "T"),
        Change("Modify", "A", "T", physical_id="a", causes=(Cause("X"),)),
        Change("Remove", "B", "T", physical_id="b", policy="Retain"),
    )


def test_a_group_of_tasks_is_made_anew_only_by_whoever_says_so() -> None:
    """As another protocol to the tasks makes it: the ALB would have none until the service has moved on."""
    group = "AWS::ElasticLoadBalancingV2::TargetGroup"
    causes = (Cause("Protocol", recreates=True),)
    anew = Change("Modify", "AlbTargetGroup", group, "True", "arn:group", causes=causes)
    with pytest.raises(OutageError, match="by a change of Protocol") as caught:
        data_loss.check("notes-path", [anew], ())
    assert "--allow-replace AlbTargetGroup" in caught.value.try_next
    data_loss.check("notes-path", [anew], {"AlbTargetGroup"})
    data_loss.check("notes-path", [Change("Modify", "AlbTargetGroup", group, "False")], ())
    data_loss.check("notes-path", [Change("Modify", "NlbTargetGroup", group, "True")], ())


def test_logs_that_stay_are_told_and_not_refused() -> None:
    """Flow logs and shell sessions: turned off, what was logged so far is kept."""
    logs = Change("Remove", "FlowLogGroup", "AWS::Logs::LogGroup", policy="Retain")
    assert data_loss.staying(logs, [logs]) == "stays with its logs, and is yours to delete"
    assert told(logs) == []
    gone = Change("Remove", "LogGroup", "AWS::Logs::LogGroup", policy="Delete")
    assert data_loss.staying(gone, [gone]) == ""
    assert data_loss.staying(database("False"), [database("False")]) == ""


def test_a_queue_of_an_add_on_holds_data_and_the_registrars_does_not() -> None:
    queue = "AWS::SQS::Queue"
    assert told(Change("Remove", "Queue", queue)) == ["Queue is removed"]
    assert told(Change("Remove", "RegistrarQueue", queue)) == []
