"""Whether AWS has the interface endpoints a configuration asks for, where the stored facts do not know."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from underpass.config import Config
from underpass.config.facts import endpoint_services
from underpass.errors import UsageError


def check(ec2: Any, config: Config) -> None:
    """Refuse a service that has no interface endpoint in the region.

    Raises
    ------
    UsageError
        With the first such service.
    """
    for name in config.network.endpoints:
        if name in endpoint_services():
            continue
        full = f"com.amazonaws.{config.region}.{name}"
        try:
            found = ec2.describe_vpc_endpoint_services(ServiceNames=[full])["ServiceDetails"]
            kinds = {kind["ServiceType"] for one in found for kind in one["ServiceType"]}
            why = f"{full} has {', '.join(sorted(kinds)) or 'none'}"
        except ClientError as error:
            if error.response["Error"]["Code"] != "InvalidServiceName":
                raise
            kinds, why = set(), error.response["Error"]["Message"]
        if "Interface" not in kinds:
            raise UsageError(
                f"{name} has no interface endpoint in {config.region}",
                why,
                "change endpoints in [network]; `aws ec2 describe-vpc-endpoint-services` lists them",
            )
