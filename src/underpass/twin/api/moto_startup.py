"""AWS's own descriptions of its APIs, which boto3 and moto both read."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

from underpass.twin.region import botocore_speed


def share_descriptions() -> None:
    """Have boto3 and moto read each description once; to be called before either is used.

    Each session reads them anew, and moto does for every service: sharing them saves more than a second of
    a region's start.
    """
    import botocore.loaders
    import botocore.session
    import moto.core.utils

    botocore_speed.improve()
    botocore.loaders.ExtrasProcessor.process = _add_extras
    for user in (botocore.session, moto.core.utils):
        user.create_loader = functools.cache(user.create_loader)


def _add_extras(_: Any, model: dict[str, Any], extras: Iterable[Mapping[str, Any]]) -> None:
    """Add what moto says of AWS beyond AWS's own words, and leave those as they are for boto3."""
    for extra in extras:
        model.update(_merged(model, extra.get("merge", {})))


def _merged(base: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    inner = {
        name: _merged(base[name], value)
        for name, value in extra.items()
        if isinstance(value, Mapping) and isinstance(base.get(name), Mapping)
    }
    return {**base, **extra, **inner}


def read_offerings_of(region: str) -> None:
    """Have moto read which instance types are offered in ``region`` only, not in thirty others.

    To be called before moto's EC2 is imported; the twin is one region.
    """
    from moto.utilities import utils

    everything = utils.load_resource

    def load_resource(resource: str) -> Any:
        elsewhere = "/instance_type_offerings/" in resource and f"/{region}." not in resource
        return [] if elsewhere else everything(resource)

    utils.load_resource = load_resource


def leave_out_stack_engine() -> None:
    """Give moto an empty module for its stack engine; to be called before moto's CloudFormation is imported.

    It imports every service it could make resources of, a sixth of all imports; the twin has its own.
    """
    empty = ModuleType("moto.cloudformation.parsing")
    for needed in ("Export", "OutputMap", "ResourceMap"):
        setattr(empty, needed, object)
    sys.modules.setdefault(empty.__name__, empty)
