"""Every resource type the twin has: what the services' ``cfn`` modules define."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from underpass.twin.region.context import Region
from underpass.twin.services.cloudformation.resource import Resource


def registry(region: Region, services: ModuleType) -> dict[str, Resource]:
    """Return every resource type of ``services`` by name, each made for ``region``.

    A module defines them as forms in its table ``PLAIN``, and as subclasses of ``Resource`` with a form.
    """
    found: list[Resource] = []
    for module in pkgutil.walk_packages(services.__path__, f"{services.__name__}."):
        if not module.name.rpartition(".")[2].startswith("cfn"):
            continue
        defined = vars(importlib.import_module(module.name))
        found += [Resource(region, form) for form in defined.get("PLAIN", ())]
        found += [
            one(region)
            for one in defined.values()
            if isinstance(one, type) and issubclass(one, Resource) and "form" in vars(one)
        ]
    return {one.type: one for one in found}
