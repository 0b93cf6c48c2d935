"""Deletion protection, by a parameter: nothing is protected before it has served.

A first deployment that fails is rolled back, and a rollback cannot delete what is protected: with
``Protect`` at its default, false, it can. ``underpass`` sets it true when the first deployment has succeeded.
"""

from __future__ import annotations

from troposphere import Parameter, Ref, Template

from underpass.config import Config

PROTECT = "Protect"


def protection(template: Template, config: Config) -> Ref | str:
    """Return what a deletion protection is to be: the parameter's value in production, else ``false``."""
    if not config.production:
        return "false"
    if PROTECT not in template.parameters:
        template.add_parameter(
            Parameter(
                PROTECT,
                Type="String",
                AllowedValues=["false", "true"],
                Default="false",
                Description="Whether what holds data or serves is protected from deletion",
            )
        )
    return Ref(PROTECT)
