"""Whether the twin's CloudFormation has what the add-ons are made of: asked before anything is changed."""

from __future__ import annotations

from pathlib import Path

from underpass.config import Config, addons
from underpass.config.problems import dotted
from underpass.errors import UsageError


def check(config: Config) -> None:
    """Refuse add-ons with types, or properties, that the twin lacks; all of them at once.

    Raises
    ------
    UsageError
        Naming each.
    """
    if not config.addons:
        return
    from underpass.twin import services
    from underpass.twin.region.aws import Clients
    from underpass.twin.region.context import Region
    from underpass.twin.region.reconcile import ChangeFeed
    from underpass.twin.services.cloudformation.planning import unsupported
    from underpass.twin.services.cloudformation.registry import registry

    # No call is made: what the types say of themselves is asked, and they are made for some region.
    nowhere = Region(
        config.region, Clients("http://127.0.0.1:0", config.region), ChangeFeed(), Path()
    )
    types = registry(nowhere, services)
    missing = [
        f"{dotted(('addons', number, 'template'))}, {addon.template}: {problem}"
        for number, addon in enumerate(config.addons)
        if (template := addons.template(config, addon))
        for resource in template.resources.values()
        for problem in unsupported(resource, types)
    ]
    if missing:
        raise UsageError(
            "the twin's CloudFormation does not have what an add-on is made of",
            "\n".join(missing),
            "leave that out for the twin; AWS has it",
        )
