"""What templates ask the region for: Availability Zones, stored parameters, secrets, templates in S3."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlparse

from underpass.cloudformation.dynamic import Secret, Stored
from underpass.cloudformation.errors import TemplateError
from underpass.policies.resource_policies import Act, policy_allows
from underpass.twin.region.context import Region
from underpass.twin.services.cloudformation.asked import SERVICE
from underpass.twin.services.cloudformation.model import invalid

BODY_LIMIT = 51_200  # bytes of a TemplateBody; larger templates must come from S3, up to
URL_LIMIT = 1_048_576
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html


class Lookups:
    """Answers from the region's own services."""

    def __init__(self, region: Region) -> None:
        self._region = region
        self._zones: dict[str, list[str]] = {}

    def zones(self, region: str) -> Sequence[str]:
        """Return the names of the Availability Zones; the twin has one region."""
        if region != self._region.name:
            raise TemplateError(
                f"Template error: Fn::GetAZs: {region} is not this region, {self._region.name}"
            )
        if region not in self._zones:
            found = self._region.clients("ec2").describe_availability_zones()["AvailabilityZones"]
            self._zones[region] = sorted(zone["ZoneName"] for zone in found)
        return self._zones[region]

    def parameter(self, name: str) -> str:
        """Return the value of an SSM parameter, for a parameter of type ``AWS::SSM::Parameter::Value``."""
        return self._stored(Stored(name))

    def dynamic(self, reference: Stored | Secret) -> str:
        """Return what a dynamic reference stands for.

        Raises
        ------
        TemplateError
            When there is no such thing, or it is not of the kind the reference says.
        """
        return self._stored(reference) if isinstance(reference, Stored) else self._secret(reference)

    def _stored(self, reference: Stored) -> str:
        name = f"{reference.name}:{reference.version}" if reference.version else reference.name
        found = self._ask("ssm", "get_parameter", name, Name=name, WithDecryption=reference.secure)
        if (found["Parameter"]["Type"] == "SecureString") != reference.secure:
            wanted = "ssm" if reference.secure else "ssm-secure"
            raise TemplateError(
                f"SSM parameter {name} is a {found['Parameter']['Type']}: refer to it with {wanted}"
            )
        return str(found["Parameter"]["Value"])

    def _secret(self, reference: Secret) -> str:
        which = {"SecretId": reference.id}
        if reference.stage:
            which["VersionStage"] = reference.stage
        if reference.version:
            which["VersionId"] = reference.version
        found = self._ask("secretsmanager", "get_secret_value", reference.id, **which)
        text = str(found.get("SecretString", ""))
        if not reference.json_key:
            return text
        try:
            return str(json.loads(text)[reference.json_key])
        except (ValueError, KeyError, TypeError):
            raise TemplateError(
                f"Could not find a value associated with JSONKey {reference.json_key} in SecretString "
                f"of {reference.id}"
            ) from None

    def assumable(self, role_arn: str) -> bool:
        """Return whether CloudFormation may assume a role."""
        try:
            found = self._ask("iam", "get_role", role_arn, RoleName=role_arn.rpartition("/")[2])
        except TemplateError:
            return False
        role, account = found["Role"], {"aws:SourceAccount": self._region.account}
        act = Act(SERVICE, "sts:AssumeRole", role_arn, account)
        return role["Arn"] == role_arn and policy_allows(role["AssumeRolePolicyDocument"], act)

    def _ask(self, service: str, operation: str, what: str, **arguments: Any) -> Any:
        from botocore.exceptions import ClientError

        try:
            return getattr(self._region.clients(service), operation)(**arguments)
        except ClientError as error:
            detail = error.response["Error"]
            raise TemplateError(
                f"Could not read {what} from {service}: {detail.get('Message') or detail['Code']}"
            ) from error

    def template(self, body: str | None, url: str | None) -> str:
        """Return a template's text, from the call itself or from S3."""
        if (body is None) == (url is None):
            raise invalid("Either Template URL or Template Body must be specified.")
        if body is not None:
            if not 1 <= len(body.encode()) <= BODY_LIMIT:
                raise invalid(
                    "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: "
                    f"Member must have length less than or equal to {BODY_LIMIT} and at least 1; it has "
                    f"{len(body.encode())}"
                )
            return body
        bucket, key = _place(url or "")
        try:
            stored = self._ask("s3", "get_object", url or "", Bucket=bucket, Key=key)
        except TemplateError as error:
            raise invalid(f"S3 error: {error}") from error
        content: bytes = stored["Body"].read()
        if len(content) > URL_LIMIT:
            raise invalid(f"Template may not exceed {URL_LIMIT} bytes in size.")
        return content.decode()


def _place(url: str) -> tuple[str, str]:
    """Return bucket and key of an S3 address, in path style or with the bucket as host."""
    parts = urlparse(url)
    host, path = parts.hostname or "", unquote(parts.path).lstrip("/")
    bucket, dot, rest = host.partition(".s3")
    if dot and rest[:1] in {".", "-"}:
        return bucket, path
    bucket, _, key = path.partition("/")
    if not (parts.scheme in {"http", "https"} and bucket and key):
        raise invalid("TemplateURL must be a supported URL.")
    return bucket, key
