"""The add-ons: templates of the user's own, a stack of its own for each, before the tasks that use them.

Nothing is added to a template. A parameter of it that is called like an output of the foundation, or of an
add-on before it, is given that by the pipeline; what tasks get of its outputs is in ``outputs``.
"""

from __future__ import annotations

from underpass.blueprint.stack import Stack
from underpass.cloudformation.template import Template
from underpass.config import Config, addons
from underpass.config.model import Addon


def addon_stacks(config: Config) -> tuple[Stack, ...]:
    """Return the stack of each add-on whose template is there, in the order of the file."""
    return tuple(
        _stack(config, number, addon, template)
        for number, addon in enumerate(config.addons)
        if (template := addons.template(config, addon))
    )


def _stack(config: Config, number: int, addon: Addon, template: Template) -> Stack:
    handed = {*addons.handed(config), *addons.earlier(config, number)}
    parameters = {  # told, for a parameter that is not keeps the value it had
        name: one.default
        for name, one in template.parameters.items()
        if one.default is not None and name not in handed
    }
    if "Name" in template.parameters:
        parameters["Name"] = config.name
    return Stack(
        f"{config.name}-addon-{addon.label}",
        config.documents[addon.template],
        parameters | addon.parameters,
        used=True,
    )
