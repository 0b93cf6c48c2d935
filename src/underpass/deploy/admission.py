"""Whom the NLB lets in over PrivateLink, before a deployment and after it, in a sentence.

One property of the NLB decides whether addresses count at all. As a change of a resource it looks harmless,
and endpoints stay connected whatever it says: what they send is dropped, or no longer is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network
from typing import Any

from underpass.deploy.stacks.two_phase import Template

_ENFORCES = "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"
_NOBODY = frozenset[str]()


def change(deployed: Template, wanted: Template) -> str:
    """Return who gets or loses the way in when ``wanted`` is deployed; empty if nobody does."""
    if not (nlb := _nlb(deployed)) or not (next_nlb := _nlb(wanted)):
        return ""
    before, after = _admitted(deployed, nlb), _admitted(wanted, next_nlb)
    if before is None and after is not None:
        return (
            f"PrivateLink is admitted by address from now on: {_listed(after)} only. Every other endpoint "
            "stays connected and loses the way in"
        )
    if before is not None and after is None:
        return (
            "PrivateLink is no longer admitted by address: whoever has an accepted endpoint gets in, and not "
            f"only {_listed(before)}"
        )
    gone, new = (before or _NOBODY) - (after or _NOBODY), (after or _NOBODY) - (before or _NOBODY)
    said = [f"{_listed(new)} gets the way in"] if new else []
    return "; ".join([*said, *([f"{_listed(gone)} loses the way in"] if gone else [])])


def _nlb(template: Template) -> Mapping[str, Any]:
    return next((one for one in _properties(template) if _ENFORCES in one), {})


def _admitted(template: Template, nlb: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the blocks that get in; None when addresses do not count."""
    if nlb[_ENFORCES] != "on":
        return None
    groups = nlb["SecurityGroups"]
    return frozenset(
        one["CidrIp"]
        for one in _properties(template)
        if one.get("GroupId") in groups and "CidrIp" in one
    )


def _properties(template: Template) -> list[Mapping[str, Any]]:
    return [one.get("Properties", {}) for one in template.get("Resources", {}).values()]


def _listed(blocks: Iterable[str]) -> str:
    return ", ".join(sorted(blocks, key=IPv4Network)) or "nobody"
