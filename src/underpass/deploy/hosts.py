"""Which image the hosts start from: chosen at the first deployment, kept by releases, renewed after them.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/retrieve-ecs-optimized_AMI.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from underpass.blueprint import Stack
from underpass.blueprint.capacity.instances import IMAGE, RECOMMENDED


def newest(client: Callable[[str], Any], stack: Stack) -> dict[str, str]:
    """Return the value of the capacity's image parameter as AWS recommends it now; none without hosts.

    Nor where the configuration names an image.

    Parameters
    ----------
    client
        Returns a boto3 client of a service.
    """
    name = recommended(stack.template)
    if not name or IMAGE in stack.parameters:
        return {}
    return {IMAGE: client("ssm").get_parameter(Name=name)["Parameter"]["Value"]}


def pinned(stack: Stack, deployed: Mapping[str, Any]) -> bool:
    """Tell whether a deployed capacity has an image that its new template can keep: of the same kind."""
    return bool(deployed) and recommended(stack.template) == recommended(deployed)


def recommended(template: Mapping[str, Any]) -> str | None:
    """Return the public SSM parameter of the hosts' image; None of a template without hosts."""
    found: str | None = template.get("Metadata", {}).get(RECOMMENDED)
    return found
