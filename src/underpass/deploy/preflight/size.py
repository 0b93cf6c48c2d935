"""Whether each stack's template fits into the request that carries it."""

from __future__ import annotations

from collections.abc import Iterable

from underpass.blueprint import Stack
from underpass.errors import UsageError

MOST_BYTES = 51_200
_LIMITS = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"
)


def check(stacks: Iterable[Stack]) -> None:
    """Refuse a template that is too long, before any is deployed.

    Raises
    ------
    UsageError
        Naming the stack. What makes a template long, save for its parts, is the tasks' environment.
    """
    for stack in stacks:
        if (size := len(stack.body().encode())) > MOST_BYTES:
            raise UsageError(
                f"the template of {stack.name} is too long",
                f"it has {size:,} bytes, and a request to CloudFormation takes {MOST_BYTES:,} ({_LIMITS})",
                "shorten [service] environment, or read long values from a file of the image",
            )
