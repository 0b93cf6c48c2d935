"""What a caller asks for, taken from an action's parameters and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from underpass.cloudformation.errors import TemplateError
from underpass.cloudformation.template import Template, parse
from underpass.twin.services.cloudformation.lookups import Lookups
from underpass.twin.services.cloudformation.model import Settings, Stack, invalid

Request = Mapping[str, Any]
_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")


def name(request: Request, key: str) -> str:
    """Return a new stack's or change set's name."""
    given = required(request, key)
    if not _NAME.fullmatch(given):
        raise invalid(
            f"1 validation error detected: Value '{given}' at '{key[0].lower()}{key[1:]}' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*, "
            "and have at most 128 characters"
        )
    return given


def required(request: Request, key: str) -> str:
    """Return a parameter that must be there."""
    given = request.get(key)
    if not given:
        raise invalid(
            f"1 validation error detected: Value null at '{key[0].lower()}{key[1:]}' failed to satisfy "
            "constraint: Member must not be null"
        )
    return str(given)


def template(request: Request, lookups: Lookups, stack: Stack | None) -> Template:
    """Return the template a request carries, points to, or takes over from the stack."""
    if request.get("UsePreviousTemplate"):
        if request.get("TemplateBody") or request.get("TemplateURL"):
            raise invalid(
                "You cannot specify both usePreviousTemplate and Template Body/Template URL."
            )
        if stack is None or stack.template is None:
            raise invalid("The stack has no previous template.")
        return stack.template
    try:
        return parse(lookups.template(request.get("TemplateBody"), request.get("TemplateURL")))
    except TemplateError as error:
        raise invalid(str(error)) from error


def parameters(request: Request, stack: Stack | None) -> dict[str, str]:
    """Return the parameter values a request gives, those of the stack where it says so."""
    previous = stack.parameters if stack else {}
    given: dict[str, str] = {}
    for entry in request.get("Parameters") or ():
        key = str(entry.get("ParameterKey", ""))
        if key in given:
            raise invalid(f"Duplicate parameter key {key}")
        if not entry.get("UsePreviousValue"):
            if entry.get("ParameterValue") is None:
                raise invalid(
                    f"Parameter {key} needs a value: give ParameterValue or UsePreviousValue"
                )
            given[key] = str(entry["ParameterValue"])
        elif key in previous:
            given[key] = previous[key].given
        else:
            raise invalid(
                f"Invalid input for parameter key {key}. Cannot specify usePreviousValue as true "
                "for a parameter key not in the previous template"
            )
    return given


UNSUPPORTED = (
    "DeletionMode",
    "NotificationARNs",
    "ResourcesToImport",
    "RetainExceptOnCreate",
    "RollbackConfiguration",
    "StackPolicyBody",
    "StackPolicyURL",
    "TimeoutInMinutes",
)


def check_supported(request: Request) -> None:
    """Refuse what would be passed over in silence."""
    unsupported = [key for key in UNSUPPORTED if asks(request.get(key))]
    if unsupported:
        raise invalid(f"The twin's CloudFormation does not support {', '.join(unsupported)}")


def asks(given: Any) -> bool:
    """Tell whether a parameter asks for anything: "false", 0 and a structure of nothing do not.

    ``IncludeNestedStacks`` is taken whatever it says: there are none.
    """
    if isinstance(given, Mapping):
        return any(map(asks, given.values()))
    return given not in {"", "false", "STANDARD", "0"} if isinstance(given, str) else bool(given)


def settings(request: Request, stack: Stack | None) -> Settings:
    """Return tags, capabilities and failure options; tags and role not given stay what they were."""
    check_supported(request)
    tags = request.get("Tags")
    kept = stack.settings.tags if stack else {}
    return Settings(
        tags=kept if tags is None else {entry["Key"]: entry["Value"] for entry in tags},
        capabilities=tuple(request.get("Capabilities") or ()),
        on_failure=on_failure(request),
        role_arn=request.get("RoleARN") or (stack.settings.role_arn if stack else None),
        token=request.get("ClientRequestToken") or request.get("ClientToken") or "",
    )


def on_failure(request: Request) -> str:
    """Return what becomes of a failure: ROLLBACK, DELETE or DO_NOTHING."""
    asked = request.get("OnStackFailure") or request.get("OnFailure")
    if request.get("DisableRollback"):
        if asked:
            raise invalid("You cannot specify both DisableRollback and OnFailure.")
        return "DO_NOTHING"
    if asked not in {None, "ROLLBACK", "DELETE", "DO_NOTHING"}:
        raise invalid(f"OnFailure must be one of ROLLBACK, DELETE, DO_NOTHING, not {asked}")
    return asked or "ROLLBACK"
