"""What a bucket's CORS rules let a web page of another origin send.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from underpass.twin.region.records import records


@dataclass(frozen=True)
class Rule:
    """One rule of a bucket's."""

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    max_age_s: int | None = None


def rules(bucket: str) -> list[Rule]:
    """Return a bucket's rules; none where there is no such bucket."""
    from moto.s3.models import s3_backends

    from underpass.twin.region.aws import ACCOUNT_ID

    with records():
        held = s3_backends[ACCOUNT_ID]["aws"].buckets.get(bucket)
        return [_rule(rule) for rule in held.cors or ()] if held else []


def _rule(rule: Any) -> Rule:
    age = rule.max_age_seconds
    return Rule(
        origins=_texts(rule.allowed_origins),
        methods=_texts(rule.allowed_methods),
        headers=_texts(rule.allowed_headers),
        exposed=_texts(rule.exposed_headers),
        max_age_s=int(age) if age else None,
    )


def _texts(held: Any) -> tuple[str, ...]:
    return (held,) if isinstance(held, str) else tuple(held or ())


def allowed(
    held: Sequence[Rule], origin: str, method: str, headers: Sequence[str] = ()
) -> list[tuple[str, str]] | None:
    """Return the headers of an answer to ``origin``; None where no rule lets it ask.

    Parameters
    ----------
    headers
        Those that a preflight announces.
    """
    for rule in held:
        if (
            _matches(origin, rule.origins)
            and method in rule.methods
            and all(_matches(header.lower(), rule.headers) for header in headers)
        ):
            return _told(rule, origin, headers)
    return None


def _matches(value: str, patterns: Sequence[str]) -> bool:
    """Tell whether a pattern of AWS's, which may have one star, fits."""
    return any(
        re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), value, re.IGNORECASE)
        for pattern in patterns
    )


def _told(rule: Rule, origin: str, headers: Sequence[str]) -> list[tuple[str, str]]:
    anybody = "*" in rule.origins
    told = [
        ("Access-Control-Allow-Origin", "*" if anybody else origin),
        ("Access-Control-Allow-Methods", ", ".join(rule.methods)),
        ("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"),
    ]
    if not anybody:
        told.append(("Access-Control-Allow-Credentials", "true"))
    if headers:
        told.append(("Access-Control-Allow-Headers", ", ".join(headers)))
    if rule.exposed:
        told.append(("Access-Control-Expose-Headers", ", ".join(rule.exposed)))
    if rule.max_age_s is not None:
        told.append(("Access-Control-Max-Age", str(rule.max_age_s)))
    return told
