"""What one stack hands to those after it: an output there is a parameter of the same name here.

Not an export and an import: CloudFormation changes no exported value while another stack imports it, so that
a third Availability Zone, or a database made anew, would first have to be taken away from whoever uses it.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from troposphere import Output, Parameter, Ref, Split, Template


def hand(template: Template, name: str, value: object) -> None:
    """Add the output ``name``."""
    template.add_output(Output(name, Value=value))


def given(name: str) -> Ref:
    """Return the output ``name`` of an earlier stack."""
    return Ref(name)


def given_list(name: str) -> Split:
    """Return the output ``name`` of an earlier stack, which is a comma-joined list."""
    return Split(",", given(name))


def closed(template: Template) -> dict[str, Any]:
    """Return the template with a parameter for everything it was given."""
    whole: dict[str, Any] = template.to_dict()
    for name in sorted({*_referred(whole)} - {*template.resources, *template.parameters}):
        told = f"The output {name} of an earlier stack"
        parameter = Parameter(name, Type="String", Description=told)
        whole.setdefault("Parameters", {})[name] = parameter.to_dict()
    whole["Resources"] = whole.pop("Resources")  # the last part, as in every template
    return whole


def _referred(value: Any) -> Iterator[str]:
    """Yield every name that is referred to, pseudo parameters apart."""
    if isinstance(value, Mapping):
        if isinstance(name := value.get("Ref"), str) and "::" not in name:
            yield name
        if text := value.get("Fn::Sub"):
            text, variables = text if isinstance(text, list) else (text, {})
            yield from {*re.findall(r"\$\{(\w+)\}", text)} - {*variables}
        for item in value.values():
            yield from _referred(item)
    elif isinstance(value, list):
        for item in value:
            yield from _referred(item)
