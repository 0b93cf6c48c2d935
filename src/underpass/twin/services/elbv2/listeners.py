"""Listeners and rules: what they may be on the twin, and AWS's own limits that moto does not know.

An HTTPS listener may name any ACM or IAM certificate: the twin issues its own in its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from moto.elbv2 import models
from moto.elbv2.exceptions import (
    ELBClientError,
    InvalidConfigurationRequest,
    LoadBalancerNotFoundError,
)
from moto.elbv2.models import ELBv2Backend

from underpass.twin.api import patch
from underpass.twin.services.elbv2.attributes import unsupported

CONDITIONS = {"host-header", "path-pattern", "http-header", "http-request-method"}
CERTIFICATE = re.compile(
    r"^arn:aws[a-z-]*:(acm:[a-z0-9-]+:\d{12}:certificate/|iam::\d{12}:server-certificate/)[\w/.-]+$"
)
ACTIONS = {"forward", "fixed-response", "redirect"}


@patch.replace(models, "register_certificate")
def _register_certificate(**_: Any) -> None:
    """Register nothing: the twin issues its own."""


@patch.wrap(ELBv2Backend, "create_listener")
def _listener_created(
    original: Callable[..., Any],
    backend: Any,
    load_balancer_arn: str,
    protocol: str,
    port: Any,
    ssl_policy: str | None,
    certificate: str | None,
    actions: list[dict[str, Any]],
    alpn_policy: list[str] | None = None,
    tags: list[dict[str, str]] | None = None,
) -> Any:
    balancer = backend.load_balancers.get(load_balancer_arn)
    if balancer is None:
        raise LoadBalancerNotFoundError
    _check_port(balancer, port)
    _check_protocol(balancer, protocol)
    _check_actions(backend, balancer, actions)
    _check_versions(backend, protocol, actions)
    _check_certificate(protocol, certificate)
    if protocol not in {"HTTPS", "TLS"}:
        ssl_policy = None
    return original(
        backend,
        load_balancer_arn,
        protocol,
        port,
        ssl_policy,
        certificate,
        actions,
        alpn_policy,
        tags,
    )


@patch.wrap(ELBv2Backend, "modify_listener")
def _listener_modified(
    original: Callable[..., Any],
    backend: Any,
    arn: str,
    port: Any = None,
    protocol: str | None = None,
    ssl_policy: str | None = None,
    certificates: list[dict[str, Any]] | None = None,
    actions: list[dict[str, Any]] | None = None,
) -> Any:
    listener = backend.describe_listeners(load_balancer_arn=None, listener_arns=[arn])[0]
    balancer = backend.load_balancers[listener.load_balancer_arn]
    if port is not None and int(port) != int(listener.port):
        _check_port(balancer, port)
    if protocol is not None:
        _check_protocol(balancer, protocol)
    _check_actions(backend, balancer, actions or [])
    _check_versions(backend, protocol or listener.protocol, actions or listener.default_actions)
    return original(backend, arn, port, protocol, ssl_policy, certificates or [], actions or [])


@patch.wrap(ELBv2Backend, "create_rule")
def _rule_created(
    original: Callable[..., Any],
    backend: Any,
    listener_arn: str,
    conditions: list[dict[str, Any]],
    priority: int,
    actions: list[dict[str, Any]],
    tags: list[dict[str, str]] | None = None,
) -> Any:
    listener = backend.describe_listeners(None, [listener_arn])[0]
    _check_conditions(conditions)
    _check_actions(backend, backend.load_balancers[listener.load_balancer_arn], actions)
    _check_versions(backend, listener.protocol, actions)
    return original(backend, listener_arn, conditions, priority, actions, tags)


@patch.wrap(ELBv2Backend, "modify_rule")
def _rule_modified(
    original: Callable[..., Any],
    backend: Any,
    rule_arn: str,
    conditions: list[dict[str, Any]],
    actions: list[dict[str, Any]],
) -> Any:
    rule = backend.describe_rules(listener_arn=None, rule_arns=[rule_arn])[0]
    listener = backend.describe_listeners(None, [rule.listener_arn])[0]
    _check_conditions(conditions)
    _check_actions(backend, backend.load_balancers[listener.load_balancer_arn], actions)
    _check_versions(backend, listener.protocol, actions)
    return original(backend, rule_arn, conditions, actions)


def _check_port(balancer: Any, port: Any) -> None:
    if port is not None and any(
        int(listener.port) == int(port) for listener in balancer.listeners.values()
    ):
        raise ELBClientError(
            "DuplicateListener", "A listener already exists on this port for this load balancer"
        )


def _check_protocol(balancer: Any, protocol: str | None) -> None:
    if balancer.type == "network" and protocol in {"UDP", "TLS", "TCP_UDP"}:
        raise unsupported(f"NLB listeners of protocol {protocol}: only TCP")


def _check_certificate(protocol: str, certificate: str | None) -> None:
    if protocol == "HTTPS" and not certificate:
        raise ELBClientError(
            "ValidationError", "A certificate must be specified for HTTPS listeners"
        )
    if certificate and not CERTIFICATE.match(certificate):
        raise ELBClientError("CertificateNotFound", f"Certificate ARN '{certificate}' is not valid")


@patch.replace(ELBv2Backend, "_certificate_exists")
def _certificate_exists(_backend: Any, certificate_arn: str) -> bool:
    return CERTIFICATE.match(certificate_arn) is not None


def _check_actions(backend: Any, balancer: Any, actions: list[dict[str, Any]]) -> None:
    allowed = ACTIONS if balancer.type == "application" else {"forward"}
    for action in actions:
        if action.get("Type") not in allowed:
            raise unsupported(f"{balancer.type} listener actions of type {action.get('Type')}")
        arns = backend._get_target_group_arns_from(action)  # noqa: SLF001
        if balancer.type == "network" and len(arns) > 1:
            raise unsupported("more than one target group of an NLB listener")
        for arn in arns:
            if arn in backend.target_groups:
                _check_target_group(balancer, backend.target_groups[arn])


def _check_versions(backend: Any, protocol: str, actions: list[Any]) -> None:
    """Refuse HTTP/2 and gRPC behind an HTTP listener, as an ALB does."""
    if protocol != "HTTP":
        return
    for action in actions:
        data = action if isinstance(action, dict) else action.data
        for arn in backend._get_target_group_arns_from(data):  # noqa: SLF001
            version = getattr(backend.target_groups.get(arn), "protocol_version", None)
            if version not in {None, "HTTP1"}:
                raise InvalidConfigurationRequest(
                    f"Listener protocol 'HTTP' is not supported with a target group with the protocol-version"
                    f" '{version}'"
                )


def _check_target_group(balancer: Any, group: Any) -> None:
    wanted = {"TCP"} if balancer.type == "network" else {"HTTP", "HTTPS"}
    if group.protocol not in wanted:
        raise InvalidConfigurationRequest(
            f"Target group '{group.arn}' with protocol {group.protocol} cannot be used by a load balancer"
            f" of type {balancer.type}",
        )
    if set(group.load_balancer_arns) - {balancer.arn}:
        raise ELBClientError(
            "TargetGroupAssociationLimit",
            f"The following target groups cannot be associated with more than one load balancer: {group.arn}",
        )


def _check_conditions(conditions: list[dict[str, Any]]) -> None:
    for condition in conditions:
        if condition.get("Field") not in CONDITIONS or "RegexValues" in str(condition):
            raise unsupported(f"the rule condition {condition.get('Field')}")
