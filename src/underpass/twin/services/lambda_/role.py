"""What a function's role lets Lambda do for it.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from underpass.policies.resource_policies import Act, policy_allows
from underpass.twin.region.aws import Clients

_SERVICE = "lambda.amazonaws.com"


@dataclass(frozen=True)
class Role:
    """An execution role, by its ARN."""

    clients: Clients
    arn: str

    def may(self, action: str, resource: str) -> bool:
        """Return whether its policies allow ``action``, inline and attached; a role that is gone has none."""
        act = Act(_SERVICE, action, resource, {})
        try:
            statements = [statement for policy in self._policies() for statement in _of(policy)]
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchEntity":
                return False
            raise
        return policy_allows({"Statement": statements}, act)

    def _policies(self) -> Iterator[Mapping[str, Any]]:
        iam, name = self.clients("iam"), self.arn.rpartition("/")[2]
        for inline in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            yield iam.get_role_policy(RoleName=name, PolicyName=inline)["PolicyDocument"]
        for attached in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            arn = attached["PolicyArn"]
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            document = iam.get_policy_version(PolicyArn=arn, VersionId=version)
            yield document["PolicyVersion"]["Document"]


def _of(policy: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield a policy's statements as ``permits`` reads them: an identity's policy names no principal."""
    found = policy["Statement"]
    for statement in found if isinstance(found, list) else [found]:
        yield {**statement, "Principal": "*"}
