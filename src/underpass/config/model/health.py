"""``[service] health_check``: how the ALB finds out whether a task is well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from underpass.config import types as t
from underpass.config.model.section import Section


class HealthCheck(Section):
    """What the ALB asks a task, how often, and what it takes for an answer."""

    path: t.HttpPath | None = Field(
        default=None,
        description='The path it asks for; left out: "/", or with grpc "/AWS.ALB/healthcheck".',
    )
    port: t.Whole | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="The port it asks on, when it is not the application's.",
    )
    codes: t.Codes | None = Field(
        default=None,
        description=(
            'The status codes that mean well, such as "200-299,301"; left out: "200-399", or "12" of gRPC\'s.'
        ),
    )
    interval: t.Whole = Field(
        default=10, ge=5, le=300, description="Seconds from one question to the next."
    )
    timeout: t.Whole = Field(
        default=5, ge=2, le=120, description="Seconds an answer may take; less than the interval."
    )
    healthy: t.Whole = Field(
        default=2, ge=2, le=10, description="Answers in a row after which a task is well again."
    )
    unhealthy: t.Whole = Field(
        default=3, ge=2, le=10, description="Failures in a row after which it is not."
    )


_path: TypeAdapter[str] = TypeAdapter(t.HttpPath)


def _with_path(value: Any) -> Any:
    """Return what a path alone is short for; what is wrong with it is said of the key itself."""
    if isinstance(value, Mapping | HealthCheck):
        return value
    try:
        return {"path": _path.validate_python(value)}
    except ValidationError as error:
        (found,) = error.errors()
        raise PydanticCustomError(found["type"], found["msg"], found.get("ctx")) from None


PathOrHealthCheck = Annotated[
    HealthCheck, BeforeValidator(_with_path, json_schema_input_type=t.HttpPath | HealthCheck)
]
