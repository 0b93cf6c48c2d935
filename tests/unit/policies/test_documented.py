"""Policies of AWS's documentation, and what AWS's text says of requests.

Each case in ``documented/`` names its page and has the page's policy: its elements, operators, keys and
values, with long lists of actions cut short and names in the place of the page's placeholders. The other
policies that have a say stand beside it; ``besides: full access`` is what a page means by "use this policy in
combination with other policies". A request is a verdict, who, an action, a resource (null: not told) and its
condition keys: ``null`` is a key nobody knows, one that is not written is not in the request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from underpass.policies.document import VERSION, Policy, read
from underpass.policies.evaluation import Decision, Policies, Verdict, evaluate
from underpass.policies.request import Context, Principal, Request

FULL_ACCESS = read({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
PEOPLE = {
    "ann": "arn:aws:iam::111122223333:user/ann",
    "bob": "arn:aws:iam::444455556666:user/bob",
    "web": "arn:aws:sts::111122223333:assumed-role/web/task",
    "root": "arn:aws:iam::111122223333:root",
    "anybody": "",
}
KINDS = ("identity", "resource", "boundary", "session", "endpoint")
FILES = sorted((Path(__file__).parent / "documented").glob("*.yaml"))
CASES: list[dict[str, Any]] = [
    {"file": path.stem, **case} for path in FILES for case in yaml.safe_load(path.read_text())
]
_VARIABLE = re.compile(r"\$\{([^},]+)")


def principal(who: str) -> Principal:
    if who.endswith(".amazonaws.com"):
        return Principal("", service=who)
    arn = PEOPLE.get(who, who)
    account = arn.split(":")[4] if arn else ""
    role = ""
    if ":assumed-role/" in arn:
        role = f"arn:aws:iam::{account}:role/{arn.split('/')[1]}"
    return Principal(arn, role=role, account=account)


def held(case: Mapping[str, Any], kind: str) -> Policy | None:
    if kind not in case:
        return None
    return read({"Version": case.get("version", VERSION), "Statement": case[kind]})


def policies(case: Mapping[str, Any]) -> Policies:
    own = (held(case, "identity"), FULL_ACCESS if "besides" in case else None)
    session = held(case, "session")
    return Policies(
        identity=tuple(one for one in own if one),
        boundary=held(case, "boundary"),
        session=(session,) if session else None,
        resource=held(case, "resource"),
        governs=case.get("governs", False),
        endpoint=held(case, "endpoint"),
    )


def context(case: Mapping[str, Any], who: Principal, told: Mapping[str, Any]) -> Context:
    """Return the keys that are told, and those of every request; what else the policies ask for is absent."""
    values: dict[str, Any] = {}
    if who.arn:
        values = {"aws:PrincipalArn": who.role or who.arn, "aws:PrincipalAccount": who.account}
    if ":user/" in who.arn:
        values["aws:username"] = who.arn.rpartition("/")[2]
    values |= told
    asked = set(_VARIABLE.findall(json.dumps(case)))
    for kind in KINDS:
        for statement in getattr(held(case, kind), "statements", ()):
            asked |= {condition.key for condition in statement.conditions}
    unknown = {key.lower() for key, value in values.items() if value is None}
    return Context(
        {
            key: tuple(value) if isinstance(value, list) else (value,)
            for key, value in values.items()
            if value is not None
        },
        frozenset(key for key in asked if key.lower() not in unknown),
    )


def decide(case: Mapping[str, Any], asked: list[Any]) -> Decision:
    _, who, action, resource, told = asked
    asking = principal(who)
    account = case.get("owner") or ((resource or "").split(":") + [""] * 5)[4]
    request = Request(asking, action, resource, account, context(case, asking, told))
    return evaluate(request, policies(case))


def said(decision: Decision) -> str:
    if decision.verdict is not Verdict.DENIED:
        return str(decision.verdict.value)
    return "explicit deny" if decision.statement else "implicit deny"


@pytest.mark.parametrize(
    ("case", "asked"),
    [
        pytest.param(case, asked, id=f"{case['file']}-{number}-{asked[0]}-{asked[2]}")
        for number, case in enumerate(CASES)
        for asked in case["asks"]
    ],
)
def test_a_documented_policy(case: Mapping[str, Any], asked: list[Any]) -> None:
    assert said(decide(case, asked)) == asked[0], (case["page"], asked)


def test_there_are_many_and_each_refuses_something() -> None:
    assert len(CASES) >= 60
    assert len({case["page"] for case in CASES}) >= 45
    for case in CASES:
        verdicts = [asked[0] for asked in case["asks"]]
        assert len(verdicts) >= 3, case["page"]
        assert {"implicit deny", "explicit deny"} & set(verdicts), case["page"]
