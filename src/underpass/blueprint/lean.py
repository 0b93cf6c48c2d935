"""troposphere without YAML and without AWS SAM, a third of its import: no template here has either.

Whoever asks for them gets them then. To be imported before anything of troposphere's.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any


class _OnDemand(ModuleType):
    """A module that is imported when something in it is asked for."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self.__name__), name)


if not {"cfn_flip", "troposphere"} & {*sys.modules}:
    sys.modules["cfn_flip"] = _OnDemand("cfn_flip")
    sys.modules["troposphere.serverless"] = ModuleType("troposphere.serverless")
    # Template names it, and has a use for it in SAM's templates alone.
    vars(sys.modules["troposphere.serverless"])["Globals"] = object
    import troposphere  # noqa: F401

    del sys.modules["cfn_flip"], sys.modules["troposphere.serverless"]
