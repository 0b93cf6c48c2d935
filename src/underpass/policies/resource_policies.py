"""Whether a resource's own policy lets an AWS service do something: what AWS asks before it acts for you.

What AWS's services do by themselves (publish a notification, deliver a log) fails silently in AWS when a
topic's or a bucket's policy does not admit them. What cannot be told admits nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from underpass.errors import UnderpassError
from underpass.policies.document import read
from underpass.policies.evaluation import Policies, Verdict, evaluate
from underpass.policies.request import Context, Principal, Request


@dataclass(frozen=True)
class Act:
    """What a service is about to do.

    Attributes
    ----------
    service
        Its principal, such as ``vpce.amazonaws.com``.
    action, resource
        As policies name them.
    context
        The condition keys the service sends along: there are no others.
    """

    service: str
    action: str
    resource: str
    context: Mapping[str, str]


def policy_allows(policy: Mapping[str, Any] | str | bytes, act: Act) -> bool:
    """Return whether ``policy``, or its text, allows ``act`` and does not deny it.

    What is no policy admits nobody.
    """
    try:
        held = Policies(resource=read(policy))
    except UnderpassError:
        return False
    context = Context({key: (value,) for key, value in act.context.items()}, frozenset({"*"}))
    request = Request(Principal("", service=act.service), act.action, act.resource, "", context)
    return evaluate(request, held).verdict is Verdict.ALLOWED
