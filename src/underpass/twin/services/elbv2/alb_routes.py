"""Listener rules as Envoy's routes. Pure.

Rules are tried in order of priority, the default one last; conditions of a rule must all hold, the patterns
of a condition are alternatives. ``*`` stands for any characters, ``?`` for one.
Source: elasticloadbalancing/latest/application/rule-condition-types, .../rule-action-types.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from underpass.twin.services.elbv2 import alb_script
from underpass.twin.services.elbv2.model import (
    Condition,
    FixedResponse,
    Forward,
    Listener,
    Redirect,
    Rule,
    TargetGroup,
)

Json = dict[str, Any]
REDIRECTS = {301: "MOVED_PERMANENTLY", 302: "FOUND"}


def routes(
    listener: Listener,
    cluster: Callable[[str], str],
    groups: Mapping[str, TargetGroup] | None = None,
) -> list[Json]:
    """Return a listener's routes.

    Parameters
    ----------
    cluster
        Names the cluster of a target group's ARN.
    groups
        The target groups by their ARNs, of which ``alb_script`` is told.
    """
    return [_route(rule, cluster, groups or {}) for rule in listener.rules]


def _route(rule: Rule, cluster: Callable[[str], str], groups: Mapping[str, TargetGroup]) -> Json:
    match: Json = {"prefix": "/"}
    if rule.conditions:
        match["headers"] = [_header(condition) for condition in rule.conditions]
    action = rule.action
    if isinstance(action, Forward):
        first = next(
            (groups[arn] for arn, weight in action.groups if weight and arn in groups), None
        )
        more = {"metadata": alb_script.metadata(first)} if first else {}
        return {"match": match, "route": _forward(action, cluster), **more}
    if isinstance(action, Redirect):
        return {"match": match, "redirect": _redirect(action)}
    return {"match": match, **_fixed(action)}


def _forward(action: Forward, cluster: Callable[[str], str]) -> Json:
    # AWS has no limit on how long a whole response takes, only on silence (stream_idle_timeout).
    route: Json = {"timeout": "0s", "cluster_not_found_response_code": "SERVICE_UNAVAILABLE"}
    weighted = [(cluster(arn), weight) for arn, weight in action.groups if weight]
    if len(weighted) == 1:
        return route | {"cluster": weighted[0][0]}
    if not weighted:
        return route | {"cluster": "none"}
    clusters = [{"name": name, "weight": weight} for name, weight in weighted]
    return route | {"weighted_clusters": {"clusters": clusters}}


def _fixed(action: FixedResponse) -> Json:
    response: Json = {"status": action.status}
    if action.body:
        response["body"] = {"inline_string": action.body}
    header = {"key": "content-type", "value": action.content_type or "text/plain; charset=utf-8"}
    overwrite = {"header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
    return {"direct_response": response, "response_headers_to_add": [overwrite]}


def _redirect(action: Redirect) -> Json:
    redirect: Json = {"response_code": REDIRECTS[action.status]}
    if not action.protocol.startswith("#"):
        redirect["scheme_redirect"] = action.protocol.lower()
    if not action.host.startswith("#"):
        redirect["host_redirect"] = action.host
    if not action.port.startswith("#"):
        redirect["port_redirect"] = int(action.port)
    if action.path != "/#{path}":
        target = action.path.replace("\\", r"\\").replace("#{path}", r"\1")
        redirect["regex_rewrite"] = {"pattern": {"regex": "^/(.*)$"}, "substitution": target}
    if not action.query:
        redirect["strip_query"] = True
    return redirect


def _header(condition: Condition) -> Json:
    patterns = "|".join(_pattern(one) for one in condition.patterns)
    name, regex = {
        "host-header": (":authority", rf"(?i)(?:{patterns})(?::\d+)?"),
        "path-pattern": (":path", rf"(?:{patterns})(?:\?.*)?"),
        "http-request-method": (":method", patterns),
        "http-header": (condition.header.lower(), f"(?i)(?:{patterns})"),
    }[condition.field]
    return {"name": name, "string_match": {"safe_regex": {"regex": regex}}}


def _pattern(pattern: str) -> str:
    return "".join(
        {"*": ".*", "?": "."}.get(character) or re.escape(character) for character in pattern
    )
