"""``[service] permissions``: what the application itself may do in AWS, besides what underpass gives it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from underpass.config import types as t
from underpass.config.model.section import Section


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Values = Annotated[
    tuple[t.Plain, ...],
    BeforeValidator(_listed),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}},
            ]
        }
    ),
]


class Permission(Section):
    """One statement of the task role's policy, which allows."""

    actions: tuple[t.Text, ...] = Field(
        default=(), description='What may be done, such as "s3:PutObject".'
    )
    resources: tuple[t.Text, ...] = Field(
        default=(),
        description=(
            "To what: ARNs, in which {assets}, {files}, {key} and an add-on's {OUTPUT} stand for what "
            "underpass makes."
        ),
    )
    conditions: dict[t.Text, dict[t.Text, Values]] = Field(
        default={}, description="Only when: IAM's operators, with the keys and values they compare."
    )
