"""Answers as the query protocol writes them.

https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

_UNHEARD = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # no XML has these
_NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"


def written(action: str, result: Mapping[str, Any]) -> str:
    """Return the answer of ``action``, whose result is shaped as boto3 would return it."""
    inner = _element(f"{action}Result", result) + _element(
        "ResponseMetadata", {"RequestId": str(uuid.uuid4())}
    )
    return f'<{action}Response xmlns="{_NAMESPACE}">{inner}</{action}Response>'


def _element(name: str, value: Any) -> str:
    match value:
        case None:
            return ""
        case Mapping():
            inner = "".join(_element(key, one) for key, one in value.items())
        case list() | tuple():
            inner = "".join(_element("member", one) for one in value)
        case bool():
            inner = str(value).lower()
        case datetime():
            inner = value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        case _:
            inner = _UNHEARD.sub("\ufffd", escape(str(value), {"\r": "&#13;"}))
    return f"<{name}>{inner}</{name}>"
