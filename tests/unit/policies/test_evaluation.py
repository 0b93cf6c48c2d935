"""Which policies have to allow, and which limit: AWS's "Policy evaluation logic", sentence by sentence."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from underpass.policies.document import Policy, read
from underpass.policies.evaluation import Policies, Verdict, Why, evaluate, missing, words
from underpass.policies.request import Context, Principal, Request

ACCOUNT, OTHER = "111122223333", "444455556666"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
USER = f"arn:aws:iam::{ACCOUNT}:user/ann"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/apps/web"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/web/task"
OBJECT = "arn:aws:s3:::bucket/key"
IN_USER = Principal(USER, account=ACCOUNT)
IN_ROLE = Principal(SESSION, role=ROLE, account=ACCOUNT)
IN_ROOT = Principal(ROOT, account=ACCOUNT)
SERVICE = Principal("", service="ecs-tasks.amazonaws.com")


def policy(effect: str = "Allow", **elements: Any) -> Policy:
    statement = {"Effect": effect, "Action": "s3:*", "Resource": "*", **elements}
    return read({"Version": "2012-10-17", "Statement": statement})


def to(*arns: str, effect: str = "Allow") -> Policy:
    return policy(effect, Principal={"AWS": list(arns)})


def asked(principal: Principal = IN_ROLE, account: str = "", **values: str) -> Request:
    context = Context({key: (value,) for key, value in values.items()})
    return Request(principal, "s3:GetObject", OBJECT, account, context)


ALLOW, DENY, NOTHING = policy(), policy("Deny"), policy(Action="sqs:*")
MAYBE = policy(Condition={"StringEquals": {"k": "v"}})
MAYBE_NOT = policy("Deny", Condition={"StringEquals": {"k": "v"}})
A, D, U = Verdict.ALLOWED, Verdict.DENIED, Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("principal", "account", "policies", "verdict", "why"),
    [
        # "By default, all requests are implicitly denied with the exception of the root user"
        (IN_USER, "", Policies(), D, Why.NO_IDENTITY),
        (IN_ROOT, "", Policies(), A, Why.BY_ROOT),
        (IN_ROOT, "", Policies(resource=to("*", effect="Deny")), D, Why.DENY_IN_RESOURCE),
        (IN_USER, "", Policies((ALLOW,)), A, Why.BY_IDENTITY),
        (IN_USER, "", Policies((ALLOW, DENY)), D, Why.DENY_IN_IDENTITY),
        (IN_USER, "", Policies((ALLOW,), boundary=NOTHING), D, Why.NO_BOUNDARY),
        (IN_USER, "", Policies((ALLOW,), boundary=DENY), D, Why.DENY_IN_BOUNDARY),
        (IN_ROLE, "", Policies((ALLOW,), session=()), D, Why.NO_SESSION),
        (IN_ROLE, "", Policies((ALLOW,), session=(DENY,)), D, Why.DENY_IN_SESSION),
        (IN_ROLE, "", Policies((ALLOW,), session=(ALLOW,), boundary=ALLOW), A, Why.BY_IDENTITY),
        (IN_ROLE, "", Policies((ALLOW,), endpoint=NOTHING), D, Why.NO_ENDPOINT),
        (IN_ROLE, "", Policies((ALLOW,), endpoint=to("*")), A, Why.BY_IDENTITY),
        # "grant permissions to an IAM user ARN are not limited by an implicit deny in …"
        (IN_USER, "", Policies(resource=to(USER), boundary=NOTHING), A, Why.BY_RESOURCE),
        # "that grant permissions to an IAM role ARN are limited by an implicit deny in a …"
        (IN_ROLE, "", Policies(resource=to(ROLE)), A, Why.BY_RESOURCE),
        (IN_ROLE, "", Policies(resource=to(ROLE), boundary=NOTHING), D, Why.NO_BOUNDARY),
        (IN_ROLE, "", Policies(resource=to(ROLE), session=(NOTHING,)), D, Why.NO_SESSION),
        # "Permissions granted directly to a session are not limited"
        (IN_ROLE, "", Policies(resource=to(SESSION), session=(NOTHING,)), A, Why.BY_RESOURCE),
        (IN_ROLE, "", Policies(resource=to("*"), boundary=NOTHING), A, Why.BY_RESOURCE),
        # An account as principal "delegates authority to the account"
        (IN_ROLE, "", Policies(resource=to(ROOT)), D, Why.NO_IDENTITY),
        (IN_ROLE, "", Policies(resource=to(ACCOUNT)), D, Why.NO_IDENTITY),
        (
            IN_ROLE,
            "",
            Policies((ALLOW,), resource=to(ROOT, effect="Deny")),
            D,
            Why.DENY_IN_RESOURCE,
        ),
        # Between accounts "both evaluations return a decision of Allow"
        (IN_ROLE, OTHER, Policies((ALLOW,)), D, Why.NO_RESOURCE),
        (IN_ROLE, OTHER, Policies(resource=to(SESSION)), D, Why.NO_IDENTITY),
        (IN_ROLE, OTHER, Policies((ALLOW,), resource=to(ROOT)), A, Why.BY_IDENTITY),
        (IN_ROLE, OTHER, Policies((ALLOW,), NOTHING, resource=to(SESSION)), D, Why.NO_BOUNDARY),
        # Trust policies and key policies "must explicitly allow access for principals"
        (IN_ROLE, "", Policies((ALLOW,), governs=True), D, Why.NO_RESOURCE),
        (IN_ROLE, "", Policies((ALLOW,), resource=to(ROOT), governs=True), A, Why.BY_IDENTITY),
        (IN_ROLE, "", Policies(resource=to(ROOT), governs=True), D, Why.NO_IDENTITY),
        (IN_ROLE, "", Policies(resource=to(ROLE), governs=True), A, Why.BY_RESOURCE),
        (IN_ROLE, "", Policies((ALLOW,), resource=to(OTHER), governs=True), D, Why.NO_RESOURCE),
        # A service has the resource's policy alone; so has who did not sign.
        (SERVICE, "", Policies((ALLOW,)), D, Why.NO_RESOURCE),
        (
            SERVICE,
            "",
            Policies(resource=policy(Principal={"Service": SERVICE.service})),
            A,
            Why.BY_RESOURCE,
        ),
        (SERVICE, "", Policies(resource=policy(Principal={"Service": "x"})), D, Why.NO_RESOURCE),
        (Principal(""), "", Policies(resource=policy(Principal="*")), A, Why.BY_RESOURCE),
        (Principal(""), "", Policies(resource=to(ROOT)), D, Why.NO_RESOURCE),
        # Kleene: a sure deny beats all, what cannot be told matters only where it decides.
        (IN_USER, "", Policies((MAYBE,)), U, Why.UNKNOWN),
        (IN_USER, "", Policies((MAYBE, ALLOW)), A, Why.BY_IDENTITY),
        (IN_USER, "", Policies((ALLOW, MAYBE_NOT)), U, Why.UNKNOWN),
        (IN_USER, "", Policies((NOTHING, MAYBE_NOT)), D, Why.NO_IDENTITY),
        (IN_USER, "", Policies((MAYBE, DENY)), D, Why.DENY_IN_IDENTITY),
        (IN_USER, "", Policies((MAYBE,), boundary=NOTHING), D, Why.NO_BOUNDARY),
    ],
)
def test_who_decides(
    principal: Principal, account: str, policies: Policies, verdict: Verdict, why: Why
) -> None:
    decision = evaluate(asked(principal, account), policies)
    assert (decision.verdict, decision.why) == (verdict, why)


@pytest.mark.parametrize("kind", ["identity", "boundary", "session", "resource", "endpoint"])
def test_a_deny_on_a_key_that_nobody_knows_leaves_it_open(kind: str) -> None:
    """What was allowed cannot be told; what was not is denied either way."""
    whom = {"Principal": {"AWS": "*"}} if kind == "endpoint" else {"Principal": {"AWS": ROOT}}
    every = {"Action": "s3:*", "Resource": "*", **whom}
    maybe = {**every, "Effect": "Deny", "Condition": {"StringEquals": {"k": "v"}}}
    unsure = read({"Version": "2012-10-17", "Statement": [{**every, "Effect": "Allow"}, maybe]})
    for identity, verdict in ((ALLOW, U), (NOTHING, D)):
        held: Any = {"identity": (identity,)}
        if kind == "identity":
            held = {"identity": (identity, MAYBE_NOT)}
        else:
            held[kind] = (unsure,) if kind == "session" else unsure
        assert evaluate(asked(IN_ROLE), Policies(**held)).verdict is verdict


@pytest.mark.parametrize(
    ("spared", "principal", "verdict"),
    [
        ([USER, ROOT], IN_USER, A),
        ([ROOT], IN_USER, D),
        ([USER], IN_USER, U),  # "otherwise, the policy might deny access to the entire account"
        ([SESSION, ROLE, ROOT], IN_ROLE, A),
        ([ROLE, ROOT], IN_ROLE, U),
        ([OTHER], IN_ROLE, D),
        (["*"], IN_ROLE, A),
    ],
)
def test_not_principal(spared: list[str], principal: Principal, verdict: Verdict) -> None:
    denying = policy("Deny", NotPrincipal={"AWS": spared})
    assert evaluate(asked(principal), Policies((ALLOW,), resource=denying)).verdict is verdict


@pytest.mark.parametrize(
    ("elements", "resource", "verdict"),
    [
        ({"Action": "S3:getobject"}, OBJECT, A),
        ({"Action": "s3:Get?bject"}, OBJECT, A),
        ({"Action": "s3:Put*"}, OBJECT, D),
        ({"Resource": "arn:aws:s3:::bucket/*"}, OBJECT, A),
        ({"Resource": "arn:aws:s3:::Bucket/*"}, OBJECT, D),
        ({"Resource": "arn:aws:s3"}, OBJECT, A),  # "AWS auto-completes the ARN"
        ({"Resource": "arn:aws:s3:::bucket/*"}, None, U),
        ({"Resource": "*"}, None, A),
        ({"Resource": "arn:aws:s3:::bucket/*"}, "*", D),
        ({"Resource": "arn:aws:s3:::${aws:username}/*"}, OBJECT, U),
    ],
)
def test_what_a_statement_is_about(
    elements: dict[str, str], resource: str | None, verdict: Verdict
) -> None:
    request = Request(IN_USER, "s3:GetObject", resource, "", Context({}))
    assert evaluate(request, Policies((policy(**elements),))).verdict is verdict


def test_what_is_left_out_of_a_statement() -> None:
    for element, other in (("NotAction", "Action"), ("NotResource", "Resource")):
        for value, verdict in (("x:y", A), ("*", D)):
            written = {"Effect": "Allow", "Action": "*", "Resource": "*", element: value}
            del written[other]
            held = Policies((read({"Statement": [written]}),))
            assert evaluate(asked(IN_USER), held).verdict is verdict


def test_aws_says_so_in_these_words() -> None:
    request = asked(IN_USER)
    assert words(request, evaluate(request, Policies())) == (
        f'User: {USER} is not authorized to perform: s3:GetObject on resource: "{OBJECT}" '
        "because no identity-based policy allows the s3:GetObject action"
    )
    held = Policies(resource=to("*", effect="Deny"))
    assert words(request, evaluate(request, held)).endswith(
        f'"{OBJECT}" with an explicit deny in a resource-based policy'
    )
    listing = Request(IN_USER, "ecs:ListClusters", "*", "", Context({}))
    assert words(listing, evaluate(listing, Policies((ALLOW,), boundary=ALLOW))) == (
        f"User: {USER} is not authorized to perform: ecs:ListClusters "
        "because no identity-based policy allows the ecs:ListClusters action"
    )
    role = Request(IN_USER, "sts:AssumeRole", ROLE, "", Context({}))
    assert words(role, evaluate(role, Policies(governs=True))).endswith(
        "because no role trust policy allows the sts:AssumeRole action"
    )


def test_what_was_missing_is_what_allows() -> None:
    request = asked(IN_USER)
    assert evaluate(request, Policies((read({"Statement": [missing(request)]}),))).verdict is A


# The flow chart once more, on policies of tuples: every completion of the unknown keys, walked one by one.
Written = tuple[
    str, str, bool, tuple[str, str] | None
]  # effect, principal, about the action, key and operator
KEYS = ("k", "l")
WORTH: tuple[tuple[str, ...], ...] = ((), ("v",), ("w",))
PRINCIPALS = ("*", USER, ROLE, SESSION, ROOT, OTHER)
CALLERS = (IN_USER, IN_ROLE, IN_ROOT, Principal(""))


def chart(  # noqa: C901 - it is one in AWS's documentation too
    caller: Principal, cross: bool, governs: bool, kinds: dict[str, Any], keys: dict[str, Any]
) -> bool:
    def applies(one: Written) -> bool:
        if not one[2]:
            return False
        if one[3] is None:
            return True
        key, operator = one[3]
        if keys[key] == ():
            return operator == "StringNotEquals"
        return bool(keys[key] == ("v",)) == (operator == "StringEquals")

    def meant(name: str) -> bool:
        if name in ("*", caller.arn, caller.role):
            return True
        return name == ROOT and caller.account == ACCOUNT

    def find(kind: str, effect: str, *names: str) -> bool:
        return any(
            one[0] == effect and applies(one) and (not names or one[1] in names)
            for one in kinds[kind] or []
        )

    everybody = [name for name in PRINCIPALS if meant(name)]
    if find("identity", "Deny") or find("boundary", "Deny") or find("session", "Deny"):
        return False
    if find("resource", "Deny", *everybody):
        return False
    allowed_there = find("resource", "Allow", *everybody)
    if not caller.arn:
        return find("resource", "Allow", "*")
    if (cross or governs) and not allowed_there:
        return False
    unlimited = find("resource", "Allow", "*") or (
        caller is not IN_ROOT and find("resource", "Allow", caller.arn)
    )
    if not cross and unlimited:
        return True
    identity = caller is IN_ROOT or find("identity", "Allow")
    if not cross and caller.role and find("resource", "Allow", caller.role):
        identity = True
    if not identity:
        return False
    if kinds["boundary"] is not None and not find("boundary", "Allow"):
        return False
    return kinds["session"] is None or find("session", "Allow")


def built(written: list[Written], *, resource: bool) -> Policy:
    statements = [
        {
            "Effect": effect,
            "Action": "s3:GetObject" if concerned else "s3:PutObject",
            "Resource": "*",
            **({"Principal": {"AWS": name}} if resource else {}),
            **({"Condition": {held[1]: {held[0]: "v"}}} if held else {}),
        }
        for effect, name, concerned, held in written
    ]
    return read({"Version": "2012-10-17", "Statement": statements})


_STATEMENTS = st.lists(
    st.tuples(
        st.sampled_from(("Allow", "Allow", "Deny")),
        st.sampled_from(PRINCIPALS),
        st.sampled_from((True, True, False)),
        st.none()
        | st.tuples(st.sampled_from(KEYS), st.sampled_from(("StringEquals", "StringNotEquals"))),
    ),
    max_size=3,
)
_KINDS = st.fixed_dictionaries(
    {
        "identity": _STATEMENTS,
        "resource": st.none() | _STATEMENTS,
        "boundary": st.none() | _STATEMENTS,
        "session": st.none() | _STATEMENTS,
    }
)
_CONTEXTS = st.tuples(*(st.none() | st.sampled_from(WORTH) for _ in KEYS))


@settings(max_examples=2000, deadline=None)
@given(st.sampled_from(CALLERS), st.booleans(), st.booleans(), _KINDS, _CONTEXTS)
def test_it_agrees_with_every_completion_of_what_nobody_knows(
    caller: Principal,
    cross: bool,
    governs: bool,
    kinds: dict[str, Any],
    context: tuple[Any, ...],
) -> None:
    choices = [WORTH if known is None else (known,) for known in context]
    outcomes = {
        chart(caller, cross, governs, kinds, dict(zip(KEYS, chosen, strict=True)))
        for chosen in product(*choices)
    }
    held = Policies(
        identity=(built(kinds["identity"], resource=False),),
        boundary=None if kinds["boundary"] is None else built(kinds["boundary"], resource=False),
        session=None if kinds["session"] is None else (built(kinds["session"], resource=False),),
        resource=None if kinds["resource"] is None else built(kinds["resource"], resource=True),
        governs=governs,
    )
    known = {key: value for key, value in zip(KEYS, context, strict=True) if value is not None}
    request = Request(caller, "s3:GetObject", OBJECT, OTHER if cross else "", Context(known))
    verdict = evaluate(request, held).verdict
    if verdict is U:
        # Coarser only where an unknown key stands in two statements: Kleene takes them for two keys.
        conditions = [one[3][0] for kind in kinds.values() for one in kind or () if one[3]]
        assert len(outcomes) > 1 or len(conditions) > len(set(conditions))
    else:
        assert outcomes == {verdict is A}
