"""IAM documents and roles, written so that a policy reads as what it allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from troposphere import AWSHelperFn, Ref, Sub, Template, iam

Statement = Mapping[str, Any]


def document(*statements: Statement) -> dict[str, Any]:
    """Return a policy document of ``statements``."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def only_over_tls(action: str, resource: object) -> Statement:
    """Return a resource policy's statement that refuses ``action`` to whoever does not use TLS."""
    return {
        "Sid": "OnlyOverTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": resource,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def allow(
    actions: Sequence[str], resource: object, condition: Mapping[str, Any] | None = None
) -> Statement:
    """Return a statement that allows ``actions`` on ``resource`` (one ARN, a list, or ``*``)."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    return statement | ({"Condition": condition} if condition else {})


def of_this_account(service: str | None = None, resource: str = "*") -> dict[str, Any]:
    """Return the condition that a service acts for this account: no confused deputy.

    With ``service`` also only for that service's ``resource`` here, where the service says which.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    condition: dict[str, Any] = {"StringEquals": {"aws:SourceAccount": Ref("AWS::AccountId")}}
    if service:
        condition["ArnLike"] = {"aws:SourceArn": arn(service, resource)}
    return condition


def via(service: str, region: str = "") -> dict[str, Any]:
    """Return the condition that a key is used through ``service`` only, here or in another region.

    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
    """
    place = region or "${AWS::Region}"
    return {"StringEquals": {"kms:ViaService": Sub(f"{service}.{place}.${{AWS::URLSuffix}}")}}


def arn(service: str, resource: str, **values: object) -> Sub:
    """Return the ARN of a resource of this account and region; ``values`` fill what ``Sub`` finds in it."""
    return Sub(
        f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{resource}",
        **values,
    )


def account_root() -> Sub:
    """Return the principal that stands for the account: its own IAM policies decide who of it."""
    return Sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")


def role(
    template: Template,
    name: str,
    service: str,
    statements: Sequence[Statement],
    *,
    managed: Sequence[str | AWSHelperFn] = (),
    trust_condition: Mapping[str, Any] | None = None,
) -> iam.Role:
    """Add a role that ``service`` may assume, allowed exactly ``statements``.

    ``managed`` are managed policies: AWS's own by path and name, others by their ARNs.
    """
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
            **({"ManagedPolicyArns": [_managed(one) for one in managed]} if managed else {}),
        )
    )


def _managed(name: str | AWSHelperFn) -> str | AWSHelperFn:
    if not isinstance(name, str) or name.startswith("arn:"):
        return name
    return Sub(f"arn:${{AWS::Partition}}:iam::aws:policy/{name}")
