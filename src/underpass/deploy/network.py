"""What a deployment looks up for the foundation's network: ids that depend on the target and the region."""

from __future__ import annotations

from typing import Any

from underpass.blueprint import Stack
from underpass.config import Config
from underpass.deploy.target import Target
from underpass.errors import UnderpassError

_S3 = "S3PrefixListId"


def located(config: Config, target: Target) -> Config:
    """Return the configuration with the network as it is on the target."""
    return config.model_copy(update={"network": target.stand_in_network(config)})


def parameters(ec2: Any, stack: Stack, region: str) -> dict[str, str]:
    """Return the values of those of the stack's parameters that only the region knows.

    Parameters
    ----------
    ec2
        A boto3 EC2 client in the provider's account.

    Raises
    ------
    UnderpassError
        When the region has no prefix list of S3.
    """
    if _S3 not in stack.template.get("Parameters", {}):
        return {}
    name = f"com.amazonaws.{region}.s3"
    found = ec2.describe_managed_prefix_lists(
        Filters=[{"Name": "prefix-list-name", "Values": [name]}]
    )["PrefixLists"]
    if not found:
        raise UnderpassError(
            "the addresses of S3 are unknown",
            f"EC2 lists no prefix list {name} in {region}",
            "check [region], or whether the caller may do ec2:DescribeManagedPrefixLists",
        )
    return {_S3: found[0]["PrefixListId"]}
