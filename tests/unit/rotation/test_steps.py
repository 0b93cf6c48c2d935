"""Rotations, step by step, interrupted and repeated: what tasks have read always opens the database."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.unit.rotation.fakes import (
    ADMINISTRATOR,
    APPLICATION,
    Account,
    KilledError,
    NotFoundError,
)

from underpass.rotation import steps

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


def step(account: Account, name: str, secret: str = APPLICATION, token: str = "new") -> None:
    asked = {"Step": name, "SecretId": secret, "ClientRequestToken": token}
    steps.rotate(
        asked, steps.Rotation(account.access(), secret, token, account, "c", account.services)
    )


def whole(account: Account, secret: str = APPLICATION, token: str = "new") -> None:
    account.begin(secret, token)
    for name in STEPS:
        step(account, name, secret, token)


def names(account: Account) -> tuple[str, str]:
    value = account.current()
    return value["username"], value["password"]


def test_the_application_goes_to_its_other_user_and_back() -> None:
    account = Account()
    whole(account)
    assert names(account) == ("application_b", "new-1")
    assert account.passwords == {
        "application_a": "first",  # opens until the next rotation
        "application_b": "new-1",
        "underpass": "master",
    }
    assert account.deployments[0]["read"] == ("application_b", "new-1")
    assert account.current()["host"] == "h"
    whole(account, token="newer")
    assert names(account) == ("application_a", "new-2")


def test_the_administrator_keeps_its_name_and_no_task_is_replaced() -> None:
    account = Account()
    whole(account, ADMINISTRATOR)
    assert account.current(ADMINISTRATOR)["username"] == "underpass"
    assert account.passwords["underpass"] == account.current(ADMINISTRATOR)["password"] == "new-1"
    assert not {one for one in account.called if one.startswith("ecs:")}


def test_every_service_reads_the_new_password() -> None:
    account = Account()
    account.services = ("s", "mail", "thumbnails")
    whole(account)
    assert account.replaced == ["s", "mail", "thumbnails"]


@pytest.mark.parametrize("spelled", ["create_secret", "set_secret", "test_secret", "finish_secret"])
def test_both_spellings_of_a_step_are_taken(spelled: str) -> None:
    account, other = Account(), Account()
    for one in (account, other):
        one.begin(APPLICATION, "new")
    for name in STEPS:
        step(account, name)
        snake = name.replace("Secret", "_secret")
        step(other, snake)
        if snake == spelled:
            break
    assert account.called == other.called


def test_the_application_can_be_rotated_while_the_administrators_rotation_is_half_way() -> None:
    account = Account()
    account.begin(ADMINISTRATOR, "half")
    for name in STEPS[:2]:
        step(account, name, ADMINISTRATOR, "half")
    assert account.passwords["underpass"] != account.current(ADMINISTRATOR)["password"]
    whole(account)
    assert names(account)[0] == "application_b"


def test_a_user_changes_only_when_no_task_of_the_deployment_before_is_left() -> None:
    account = Account()
    whole(account)
    account.begin(APPLICATION, "newer")
    step(account, "createSecret", token="newer")
    account.finishing = 5
    step(account, "setSecret", token="newer")
    assert account.waited == 5
    account = Account()
    whole(account)
    account.begin(APPLICATION, "newer")
    step(account, "createSecret", token="newer")
    account.finishing = 1000
    with pytest.raises(TimeoutError, match="tasks are being replaced"):
        step(account, "setSecret", token="newer")
    assert account.opens("application_a", "first")


@pytest.mark.parametrize(("kill_at", "after"), [(1, True), (2, False)])
def test_tasks_that_a_cut_off_end_left_are_replaced_before_their_user_changes(
    kill_at: int, *, after: bool
) -> None:
    account = Account()
    account.begin(APPLICATION, "new")
    for name in STEPS[:3]:
        step(account, name)
    account.kill_at, account.kill_after = kill_at, after
    with pytest.raises(KilledError):
        step(account, "finishSecret")
    account.kill_at = None
    assert names(account)[0] == "application_b"
    assert account.deployments[0]["read"] == ("application_a", "first")
    account.begin(APPLICATION, "newer")
    for name in STEPS[:2]:
        step(account, name, token="newer")
        assert all(account.opens(*one["read"]) for one in account.deployments)
    assert account.deployments[0]["read"] == ("application_b", "new-1")


def test_a_database_that_does_not_answer_is_waited_for_as_long_as_there_is_time() -> None:
    account = Account(busy=20)
    whole(account)
    assert account.waited >= 20
    with pytest.raises(ConnectionRefusedError):
        whole(Account(busy=1000))


def test_an_older_pending_version_is_not_taken_up_after_its_turn() -> None:
    account = Account()
    account.begin(APPLICATION, "old")
    for name in STEPS[:2]:
        step(account, name, token="old")
    whole(account, token="new")  # takes the stage away
    with pytest.raises(NotFoundError):
        step(account, "setSecret", token="old")
    assert account.opens(*names(account))


def test_a_pending_version_of_the_user_in_use_is_refused() -> None:
    account = Account()
    account.begin(APPLICATION, "new")
    step(account, "createSecret")
    pending = account.versions[APPLICATION]["new"].value
    assert pending is not None
    pending["username"] = "application_a"
    with pytest.raises(ValueError, match="the user in use"):
        step(account, "setSecret")
    assert account.opens("application_a", "first")


def test_what_is_no_step_is_refused() -> None:
    with pytest.raises(ValueError, match="no step dropSecret"):
        step(Account(), "dropSecret")


class Rotations(RuleBasedStateMachine):
    """Secrets Manager asks for steps, again and again, and the function may die between any two calls."""

    account: Account

    @initialize()
    def _begin(self) -> None:
        self.account = Account()
        self.started: dict[str, tuple[str, int]] = {}
        self.tokens = 0

    @rule(secret=st.sampled_from([APPLICATION, ADMINISTRATOR]))
    def begin(self, secret: str) -> None:
        """A rotation starts, for the application whatever became of the one before.

        Secrets Manager itself starts none while another version is pending, and the administrator's needs it.
        https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
        """
        if secret == ADMINISTRATOR and secret in self.started:
            return
        self.tokens += 1
        token = f"token-{self.tokens}"
        self.account.begin(secret, token)
        self.started[secret] = (token, 0)

    @precondition(lambda self: self.started)
    @rule(data=st.data(), kill_at=st.none() | st.integers(0, 12), after=st.booleans())
    def go_on(self, data: Any, kill_at: int | None, *, after: bool) -> None:
        """The next step is asked for; one that was cut off is asked for again."""
        secret = data.draw(st.sampled_from(sorted(self.started)))
        token, done = self.started[secret]
        self.account.kill_at, self.account.kill_after = kill_at, after
        self.account.left = 800.0
        try:
            step(self.account, STEPS[done], secret, token)
        except KilledError:
            return
        finally:
            self.account.kill_at = None
        if done == 3:
            del self.started[secret]
        else:
            self.started[secret] = (token, done + 1)

    @precondition(lambda self: self.started)
    @rule(data=st.data(), step_before=st.integers(0, 3))
    def repeat(self, data: Any, step_before: int) -> None:
        """A step that was done is asked for once more."""
        secret = data.draw(st.sampled_from(sorted(self.started)))
        token, done = self.started[secret]
        self.account.left = 800.0
        if step_before < done:
            step(self.account, STEPS[step_before], secret, token)

    @invariant()
    def the_application_is_let_in(self) -> None:
        account = self.account
        assert account.opens(*names(account))
        for deployment in account.deployments:
            assert account.opens(*deployment["read"]), "a task cannot log in"

    @invariant()
    def somebody_knows_the_administrators_password(self) -> None:
        found = self.account.versions[ADMINISTRATOR].values()
        known = {one.value["password"] for one in found if one.value and one.stages}
        assert self.account.passwords["underpass"] in known


TestRotations = Rotations.TestCase
TestRotations.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
