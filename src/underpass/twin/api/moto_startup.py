"""AWS's own descriptions of its APIs, which boto3 and moto both read."""

from __future__ import annotations

import functools
import sys
from types import ModuleType
from typing import Any


def share_descriptions() -> None:
    """Have every boto3 session of this process read them once; to be called before moto is imported.

    Each session reads them anew, and moto opens dozens while it is imported: sharing them saves about a
    second of a region's start.
    """
    import botocore.loaders
    import botocore.session

    botocore.session.create_loader = functools.cache(botocore.loaders.create_loader)


def read_offerings_of(region: str) -> None:
    """Have moto read which instance types are offered in ``region`` only, not in thirty others.

    To be called before moto is imported; the twin is one region.
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
