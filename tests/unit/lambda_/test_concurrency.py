"""How many invocations run at a time: the account's limit is all functions', a reservation is one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from underpass.twin.region.aws import Clients
from underpass.twin.region.context import Region
from underpass.twin.region.reconcile import ChangeFeed
from underpass.twin.services.lambda_.model import Function, ThrottledError
from underpass.twin.services.lambda_.runner import ACCOUNT_CONCURRENCY, Functions, _pool


def function(name: str, concurrency: int | None = None) -> Function:
    return Function(
        name=name,
        arn=f"arn:aws:lambda:us-east-1:123456789012:function:{name}",
        role_arn="arn:aws:iam::123456789012:role/f",
        version="$LATEST",
        runtime="python3.13",
        handler="index.handler",
        timeout_s=3,
        memory_mib=128,
        environment=(),
        log_group=f"/aws/lambda/{name}",
        tmp_mib=512,
        code_sha256="",
        concurrency=concurrency,
    )


@pytest.fixture
def functions() -> Functions:
    nowhere = Path("/nonexistent")
    clients = Clients("http://127.0.0.1:1", "us-east-1")
    return Functions(Region("us-east-1", clients, ChangeFeed(), nowhere, nowhere), network="")


def test_all_functions_share_the_accounts_concurrency(functions: Functions) -> None:
    taken = [functions._acquire(function(f"f{number}")) for number in range(ACCOUNT_CONCURRENCY)]
    with pytest.raises(ThrottledError):
        functions._acquire(function("one more"))
    functions._release(taken[0], _pool(taken[0].function), usable=False)
    functions._acquire(function("one more"))


def test_a_reservation_is_the_functions_own(functions: Functions) -> None:
    for number in range(ACCOUNT_CONCURRENCY):
        functions._acquire(function(f"f{number}"))
    functions._acquire(function("reserved", concurrency=1))
    with pytest.raises(ThrottledError):
        functions._acquire(function("reserved", concurrency=1))


def test_a_reservation_made_meanwhile_gives_back_what_was_taken(functions: Functions) -> None:
    environment = functions._acquire(function("f"))
    functions._release(environment, _pool(function("f")), usable=True)
    again = functions._acquire(function("f", concurrency=1))
    assert again is environment
    functions._release(again, _pool(function("f", concurrency=1)), usable=True)
    assert set(functions._busy.values()) == {0}
