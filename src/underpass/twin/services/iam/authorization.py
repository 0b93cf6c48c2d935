"""Whether who asks may do it, by the policies of both sides: what IAM decides for every call.

The account's administrator, the key of ``underpass env``, may do everything. What cannot be told (a condition
on something nobody here knows, a resource the request does not name) is let through, and the log says so;
not so an action that IAM does not have, which is called as the operation is and has to be allowed for sure.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable

from underpass.policies.evaluation import Decision, Verdict, Why, missing, words
from underpass.policies.request import Request
from underpass.policies.wording import EXPLICIT
from underpass.twin.api.asked import Asked
from underpass.twin.api.operation import Operation, operation
from underpass.twin.api.refusal import Environ, Refusal, access_key_of, service_of
from underpass.twin.region.aws import ACCOUNT_ID
from underpass.twin.region.records import records
from underpass.twin.services.iam import accounts, asked, callers, resources
from underpass.twin.services.iam.callers import Caller
from underpass.twin.services.iam.judgment import judge
from underpass.twin.services.iam.keys_behind import behind

log = logging.getLogger(__name__)

_APPLICATION = "-TaskRole-"  # what the service stack's role is called
_BY_BOUNDARY = frozenset({Why.NO_BOUNDARY, Why.DENY_IN_BOUNDARY})
_FREE = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken", "sts:GetAccessKeyInfo"})
_OF_LONG_TERM_KEYS = frozenset({"GetFederationToken", "GetSessionToken"})
_TEMPORARY = "ASIA"  # how the ids of sessions' keys begin
_UNREADABLE = (
    "The twin cannot tell what this request asks for, so no policy can allow it: it is of no "
    "operation that AWS describes, it cannot be read, or it says two things"
)


class Authorization:
    """Decides about every request that comes to the API.

    Parameters
    ----------
    region
        The region of requests that name none.
    administrators
        The ids of the keys that may do everything.
    """

    def __init__(self, region: str, administrators: Iterable[str] = ()) -> None:
        self._region = region
        self._administrators = frozenset(administrators)
        self._told: set[tuple[str, str, Verdict]] = set()

    def __call__(self, environ: Environ, body: bytes) -> None:
        """Raise a ``Refusal``, in AWS's words, for what is not allowed."""
        key, service = access_key_of(environ), service_of(environ)
        caller = callers.find(key, self._administrators) if key else callers.ANYBODY
        if caller is None:
            raise Refusal("unknown")
        administrates = caller is callers.ADMINISTRATOR
        if administrates and service != "sts":
            return
        wanted = operation(environ, body)
        if administrates:
            # A role is assumed by whom it trusts, and by nobody else.
            if wanted is None or wanted.name != "AssumeRole":
                return
            accounts.let_in(str(wanted.parameters.get("RoleArn", "")))
        refused = self._refusal(key, caller, wanted, environ.get("HTTP_USER_AGENT", ""))
        if refused:
            raise Refusal("denied", refused if service != "ec2" else _of_ec2(refused))

    def _refusal(
        self, key: str, caller: Caller, wanted: Operation | None, user_agent: str
    ) -> str | None:
        if wanted is None:
            raise Refusal("refused", _UNREADABLE)
        if wanted.name in _OF_LONG_TERM_KEYS and key.startswith(_TEMPORARY):
            return f"Cannot call {wanted.name} with session credentials"
        return self.refusal(caller, wanted, user_agent)

    @records()
    def refusal(self, caller: Caller, wanted: Operation, user_agent: str = "") -> str | None:
        """Return why ``caller`` may not do what is ``wanted``, in AWS's words; None when he may."""
        account = caller.principal.account or ACCOUNT_ID
        region = wanted.region or self._region
        for one in asked.asked(wanted, account):
            if one.action in _FREE:
                continue
            named = resources.named(one)
            request, decision = judge(caller, named, region, user_agent)
            refused = self._refused(caller, named, request, decision)
            if refused:
                return refused
            for each in behind(named, region, request.account or account):
                refused = self._refused(caller, each, *judge(caller, each, region, user_agent))
                if refused:
                    return refused
        return None

    def _refused(
        self, caller: Caller, one: Asked, request: Request, decision: Decision
    ) -> str | None:
        if decision.verdict is Verdict.ALLOWED:
            return None
        if decision.verdict is Verdict.UNKNOWN and one.known:
            self._tell(caller, one, Verdict.UNKNOWN, "cannot be told here, and is let through")
            return None
        text = f"{words(request, decision)}{_advice(caller, one, decision.why)}"
        told = f"is denied: {text}"
        if decision.why not in EXPLICIT:
            told += f"; the statement that is missing: {json.dumps(missing(request))}"
        self._tell(caller, one, Verdict.DENIED, told)
        return text

    def _tell(self, caller: Caller, one: Asked, verdict: Verdict, what: str) -> None:
        """Log it, once for each caller and action."""
        key = (caller.principal.role or caller.principal.arn, one.action, verdict)
        if key not in self._told:
            self._told.add(key)
            log.warning("%s by %s %s", one.action, caller.principal.arn or "anybody", what)


def _advice(caller: Caller, one: Asked, why: Why) -> str:
    """Return which key of ``underpass.toml`` would allow it, where it is the application that asks."""
    if _APPLICATION not in caller.principal.role:
        return ""
    if why in _BY_BOUNDARY:
        return " (underpass.toml: permissions_boundary names the policy that decides)"
    if why is not Why.NO_IDENTITY:
        return ""  # one more permission would change nothing
    actions, resources = (
        json.dumps([text], ensure_ascii=False) for text in (one.action, one.resource or "*")
    )
    return (
        " (underpass.toml, one more of [service] permissions: "
        f"{{ actions = {actions}, resources = {resources} }})"
    )


def _of_ec2(text: str) -> str:
    return f"You are not authorized to perform this operation. {text}"
