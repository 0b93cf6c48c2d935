"""A rotation, step by step, interrupted and repeated."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.blueprint.configs import CURATED
from tests.unit.blueprint.templates import by_part, resource
from tests.unit.rotation.fakes import NEW, SECRET, Account

from underpass.rotation import index

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


def rotation(account: Account, pause: Callable[[float], None]) -> index.Rotation:
    return index.Rotation(SECRET, "notes", "c", "s", NEW, account.client, pause)


def step(account: Account, name: str, waits: list[float] | None = None) -> None:
    waited: list[float] = [] if waits is None else waits
    asked = {"Step": name, "SecretId": SECRET, "ClientRequestToken": NEW}
    index.run(asked, rotation(account, waited.append))


def never(_: float) -> None:
    raise AssertionError


def whole(account: Account) -> None:
    for name in STEPS:
        step(account, name)


def test_the_password_changes_and_the_tasks_take_it() -> None:
    account = Account()
    whole(account)
    assert account.current() == {"username": "u", "password": "new-1", "host": "h"}
    assert account.password == "new-1"
    assert account.deployments == 1


@given(st.lists(st.integers(1, 3), min_size=4, max_size=4))
def test_every_step_may_be_repeated(times: list[int]) -> None:
    account = Account()
    for name, often in zip(STEPS, times, strict=True):
        for _ in range(often):
            step(account, name)
    assert account.current()["password"] == account.password == "new-1"


@pytest.mark.parametrize(
    "operation", ["put_secret_value", "modify_db_instance", "update_service", "get_random_password"]
)
def test_a_rotation_that_failed_is_taken_up_where_it_ended(operation: str) -> None:
    account = Account()
    account.failing = {operation}
    with pytest.raises(RuntimeError, match=operation):
        whole(account)
    account.failing = set()
    whole(account)
    assert account.current()["password"] == account.password
    assert account.deployments == 1


def test_nothing_is_current_before_rds_has_set_the_password() -> None:
    account = Account(busy=3)
    waits: list[float] = []
    for name in STEPS[:3]:
        step(account, name, waits)
        assert account.current()["password"] == "old"
    assert waits == [index.POLL_S] * 3


def test_an_rds_that_never_ends_is_an_error() -> None:
    account = Account(busy=1000)
    step(account, "createSecret")
    step(account, "setSecret")
    with pytest.raises(TimeoutError):
        step(account, "testSecret")
    assert account.current()["password"] == "old"


def test_what_is_not_its_own_is_refused() -> None:
    event = {"Step": "setSecret", "SecretId": SECRET + "x", "ClientRequestToken": NEW}
    with pytest.raises(PermissionError):
        index.run(event, rotation(Account(), never))
    with pytest.raises(ValueError, match="no step"):
        index.run({**event, "SecretId": SECRET, "Step": "dropSecret"}, rotation(Account(), never))


def test_its_role_allows_what_it_does_and_no_more() -> None:
    account = Account()
    whole(account)
    called = {
        f"{service}:{_action(operation)}"
        for service, operation in (one.split(":") for one in account.called)
    }
    role = resource(by_part(CURATED["rotation"])[1], "RotationRole")
    allowed = {
        action
        for statement in role["Policies"][0]["PolicyDocument"]["Statement"]
        for action in statement["Action"]
    }
    assert {one for one in allowed if not one.startswith(("logs:", "kms:"))} == called


def _action(operation: str) -> str:
    words = "".join(word.capitalize() for word in operation.split("_"))
    return words.replace("Db", "DB")


def test_it_is_scheduled_after_it_may_be_called_and_not_during_a_release() -> None:
    service = by_part(CURATED["rotation"])[1]
    schedule = resource(service, "RotationSchedule")
    assert schedule["RotationRules"] == {"AutomaticallyAfterDays": 30}
    assert schedule["RotateImmediatelyOnUpdate"] is False
    assert service.template["Resources"]["RotationSchedule"]["DependsOn"] == "RotationPermission"
    permission = resource(service, "RotationPermission")
    assert permission["Principal"] == "secretsmanager.amazonaws.com"
    assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert "RotationSchedule" not in by_part(CURATED["nat-ec2-everything"])[1].template["Resources"]
