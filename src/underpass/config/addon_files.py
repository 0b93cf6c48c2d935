"""The add-ons' templates from disk: into the configuration, or what is wrong with each, at its line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from underpass.cloudformation import documents
from underpass.cloudformation.errors import TemplateError
from underpass.cloudformation.template import from_document
from underpass.config.hints import quoted
from underpass.config.model import Config
from underpass.config.problems import Fault
from underpass.config.rules.rule import docs

_MACRO = re.compile(r"""^\s*["']?Transform["']?\s*:|Fn::Transform|!Transform""", re.MULTILINE)
_SECTIONS = docs("AWSCloudFormation/latest/UserGuide/template-anatomy")


def read(config: Config) -> tuple[Config, tuple[Fault, ...]]:
    """Return the configuration with every template that can be read, and what is wrong with the others."""
    found: dict[str, Any] = {}
    faults: list[Fault] = []
    for number, addon in enumerate(config.addons):
        key = ("addons", number, "template")
        try:
            text = (config.folder / addon.template).read_bytes().decode("utf-8-sig")
            found[addon.template] = parsed(text)
        except UnicodeDecodeError:
            faults.append(Fault((key,), f"{addon.template} is not UTF-8", "save it as UTF-8"))
        except (OSError, ValueError):
            continue  # told as any file that cannot be read
        except TemplateError as error:
            what = f"{quoted(addon.template)} is not a template: {error}"
            faults.append(Fault((key,), what, source=_SECTIONS))
        except _MacroError as error:
            faults.append(
                Fault(
                    (key,),
                    f"{quoted(addon.template)} has a macro in line {error}: what it makes is known only "
                    "within AWS, so nobody could say before what is deployed, and what would be lost",
                    "write what it expands to: CloudFormation shows it as the processed template",
                )
            )
    return (config.model_copy(update={"documents": found}) if found else config), tuple(faults)


class _MacroError(Exception):
    """A template is rewritten by a macro; the message is the line it stands in."""


def parsed(text: str) -> Mapping[str, Any]:
    """Return a template as it is deployed, in JSON's values.

    Raises
    ------
    TemplateError
        When CloudFormation would not read it.
    """
    try:
        document = documents.read(text)
    except TemplateError as error:
        raise _plain(error) from None
    if not isinstance(document, dict):
        raise TemplateError("it is no mapping of sections")
    if "Transform" in document or _has_transform(document):
        macro = _MACRO.search(text)
        raise _MacroError(text.count("\n", 0, macro.end()) + 1 if macro else 1)
    try:
        # Keys are text from here on, and what YAML alone can say (a set, bytes) is refused.
        document = json.loads(json.dumps(document, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise TemplateError(f"a value in it cannot be said in JSON ({error})") from None
    try:
        from_document(document)
    except TemplateError as error:
        raise _plain(error) from None
    if "Rules" in document:
        raise TemplateError("it has the section Rules, which add-ons cannot have")
    return dict(document)


def _plain(error: TemplateError) -> TemplateError:
    return TemplateError(str(error).removeprefix("Template format error: "))


def _has_transform(value: Any) -> bool:
    if isinstance(value, dict):
        return "Fn::Transform" in value or any(map(_has_transform, value.values()))
    return isinstance(value, list) and any(map(_has_transform, value))
