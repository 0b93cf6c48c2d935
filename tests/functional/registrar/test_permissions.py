"""The role against the calls the function really makes, on every path it has.

What is recorded are the requests botocore sends, so a call by any other name would show. Whether an action
knows resources is said by the service authorization reference, of which cfn-lint ships a copy.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import cfnlint
import pytest
from tests.functional.registrar.conftest import Account, a_minute_later
from tests.unit.blueprint.configs import CURATED
from tests.unit.blueprint.templates import by_part, resource

REFERENCE = json.loads(
    (Path(cfnlint.__file__).parent / "data" / "AdditionalSpecs" / "Policies.json").read_text()
)
LAMBDAS_OWN = ("logs:", "sqs:")  # made by Lambda with the function's role, not by the function


def statements() -> list[dict[str, Any]]:
    role = resource(by_part(CURATED["nat-ec2-nothing"])[1], "RegistrarRole")
    return [one for policy in role["Policies"] for one in policy["PolicyDocument"]["Statement"]]


def recorded(registrar: ModuleType, account: Account, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the actions of every request made while the function goes down all its paths."""
    made: set[str] = set()
    services = {"ec2": "ec2", "elastic-load-balancing-v2": "elasticloadbalancing"}

    def record(model: Any, **_: Any) -> None:
        made.add(f"{services[model.service_model.service_id.hyphenize()]}:{model.name}")

    for service in ("ec2", "elbv2"):
        registrar.client(service).meta.events.register("before-call", record)
    node, other = account.interface(0), account.interface(1)
    registrar.handler({}, None)  # registers, having looked for the listener
    registrar.handler({}, None)  # nothing to do
    account.delete(other)
    monkeypatch.setenv("MAX_REMOVALS", "0")
    registrar.handler({}, None)  # keeps, having looked for another owner
    a_minute_later(registrar)
    monkeypatch.delenv("MAX_REMOVALS")
    registrar.handler({}, None)  # removes
    account.delete(node)
    with pytest.raises(registrar.RunFailedError):
        registrar.handler({}, None)  # fails
    return made


def test_the_role_allows_what_is_called_and_no_more(
    registrar: ModuleType, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed = {action for one in statements() for action in one["Action"]}
    own = {action for action in allowed if not action.startswith(LAMBDAS_OWN)}
    assert own == recorded(registrar, account, monkeypatch)


def test_every_action_that_knows_resources_is_narrowed_to_one() -> None:
    for statement in statements():
        for action in statement["Action"]:
            service, _, name = action.partition(":")
            knows = REFERENCE[service]["Actions"][name.lower()].get("Resources")
            assert bool(knows) == (statement["Resource"] != "*"), action


def test_only_its_own_target_group_and_queue_may_be_changed() -> None:
    narrowed = {
        action: statement["Resource"]
        for statement in statements()
        for action in statement["Action"]
        if statement["Resource"] != "*" and not action.startswith("logs:")
    }
    assert narrowed == {
        "elasticloadbalancing:RegisterTargets": {"Ref": "NlbTargetGroup"},
        "elasticloadbalancing:DeregisterTargets": {"Ref": "NlbTargetGroup"},
        "sqs:ReceiveMessage": {"Fn::GetAtt": ["RegistrarQueue", "Arn"]},
        "sqs:DeleteMessage": {"Fn::GetAtt": ["RegistrarQueue", "Arn"]},
        "sqs:GetQueueAttributes": {"Fn::GetAtt": ["RegistrarQueue", "Arn"]},
    }
