"""troposphere without cfn_flip: readers and writers of YAML, a fifth of its import, for ``to_yaml`` alone.

To be imported before anything of troposphere's. Whoever calls ``to_yaml`` nevertheless gets it then.
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


if "cfn_flip" not in sys.modules:
    sys.modules["cfn_flip"] = _OnDemand("cfn_flip")
    import troposphere  # noqa: F401

    del sys.modules["cfn_flip"]
