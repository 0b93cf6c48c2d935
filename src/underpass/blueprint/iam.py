"""IAM documents and roles, written so that a policy reads as what it allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from troposphere import Template, iam

Statement = Mapping[str, Any]


def document(*statements: Statement) -> dict[str, Any]:
    """Return a policy document of ``statements``."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(
    actions: Sequence[str], resource: object, condition: Mapping[str, Any] | None = None
) -> Statement:
    """Return a statement that allows ``actions`` on ``resource`` (one ARN, a list, or ``*``)."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    return statement | ({"Condition": condition} if condition else {})


def role(
    template: Template,
    name: str,
    service: str,
    statements: Sequence[Statement],
    *,
    trust_condition: Mapping[str, Any] | None = None,
) -> iam.Role:
    """Add a role that ``service`` may assume, allowed exactly ``statements``."""
    trust: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    if trust_condition:
        trust["Condition"] = trust_condition
    policies = [iam.Policy(PolicyName=name, PolicyDocument=document(*statements))]
    return template.add_resource(
        iam.Role(
            name,
            AssumeRolePolicyDocument=document(trust),
            **({"Policies": policies} if statements else {}),
        )
    )
