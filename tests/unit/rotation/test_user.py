"""CloudFormation is answered, whatever happens."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.rotation.fakes import ADMINISTRATOR, Account

from underpass.rotation.line import RefusedError
from underpass.rotation.user import answered

ASKED = {"RequestType": "Create", "StackId": "stack", "RequestId": "r", "LogicalResourceId": "User"}


def never() -> None:
    raise AssertionError("a deleted user stays")


def fails() -> None:
    raise ConnectionError("the database closed the connection")


def test_an_answer_says_for_whom_it_is_and_keeps_the_name() -> None:
    made = answered(ASKED, "log stream l", lambda: None)
    assert made == {
        "StackId": "stack",
        "RequestId": "r",
        "LogicalResourceId": "User",
        "PhysicalResourceId": "User",
        "Status": "SUCCESS",
        "Reason": "see log stream l",
    }
    again = {**ASKED, "RequestType": "Update", "PhysicalResourceId": "Other"}
    assert answered(again, "l", lambda: None)["PhysicalResourceId"] == "Other"


def test_a_failure_is_answered_with_its_reason() -> None:
    told = answered(ASKED, "log stream l", fails)
    assert told["Status"] == "FAILED"
    assert told["Reason"] == ("ConnectionError: the database closed the connection (log stream l)")


def test_a_deletion_leaves_the_user_and_what_it_made() -> None:
    asked = {**ASKED, "RequestType": "Delete", "PhysicalResourceId": "User"}
    assert answered(asked, "l", never)["Status"] == "SUCCESS"


def value(**more: Any) -> dict[str, Any]:
    return {"username": "application_a", "password": "p", **more}


def test_the_user_is_made_by_the_administrator_whose_password_may_be_the_pending_one() -> None:
    account = Account()
    account.access().make_user(value(password="its own"))
    assert account.passwords["application_a"] == "its own"
    account.begin(ADMINISTRATOR, "half")
    account.versions[ADMINISTRATOR]["half"].value = {"username": "underpass", "password": "next"}
    account.passwords["underpass"] = "next"
    account.access().make_user(value(password="another"))
    assert account.passwords["application_a"] == "another"


def test_an_administrator_who_is_not_let_in_is_an_error() -> None:
    account = Account()
    account.passwords["underpass"] = "set by hand"
    with pytest.raises(RefusedError):
        account.access().make_user(value())
    assert account.waited == 0
