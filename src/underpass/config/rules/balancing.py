"""Rules of how the ALB speaks to the tasks: health check, protocol, stickiness."""

from __future__ import annotations

import re
from collections.abc import Iterator

from underpass.config.model import Config
from underpass.config.problems import Fault, KeyPath
from underpass.config.rules.rule import Rule, docs

_CHECK: KeyPath = ("service", "health_check")
_HTTP_CODES, _GRPC_CODES = (200, 499), (0, 99)
_METHOD = re.compile(r"/[^/?]+/[^/?]+")
_RESERVED = "AWSALB"  # and so AWSALBAPP and AWSALBTG
_CREATE = docs("elasticloadbalancing/latest/APIReference/API_CreateTargetGroup")
_GROUPS = docs("elasticloadbalancing/latest/application/load-balancer-target-groups")


def _times(config: Config) -> Iterator[Fault]:
    check = config.service.health_check
    if check.timeout >= check.interval:
        yield Fault(
            ((*_CHECK, "timeout"), (*_CHECK, "interval")),
            f"{check.timeout} is not less than interval, {check.interval}",
            f"write timeout = {check.interval - 1}",
            source=_CREATE,
        )


def _codes(config: Config) -> Iterator[Fault]:
    grpc = config.service.protocol == "grpc"
    least, most = _GRPC_CODES if grpc else _HTTP_CODES
    for part in config.service.health_codes.split(","):
        low, _, high = part.partition("-")
        if not least <= int(low) <= int(high or low) <= most:
            yield Fault(
                ((*_CHECK, "codes"), ("service", "protocol")),
                f"{part} is not within {least} to {most}, the lesser first: an ALB takes no other"
                + (" of gRPC's codes" if grpc else ""),
                'write such as "0,12"' if grpc else 'write such as "200-299,301"',
                source=_CREATE,
            )
            return


def _method(config: Config) -> Iterator[Fault]:
    path = config.service.health_path
    if config.service.protocol == "grpc" and not _METHOD.fullmatch(path):
        key = (*_CHECK, "path") if config.service.health_check.path else _CHECK
        yield Fault(
            (key, ("service", "protocol")),
            f'"{path}" is no method of gRPC',
            'write such as "/grpc.health.v1.Health/Check" with codes = "0", or leave it out',
            source=_CREATE,
        )


def _needs_tls(config: Config) -> Iterator[Fault]:
    protocol = config.service.protocol
    if protocol != "http1" and not config.tls:
        what = {"http2": "HTTP/2", "grpc": "gRPC"}[protocol]
        yield Fault(
            (("service", "protocol"), ("tls",)),
            f'"{protocol}" needs [tls]: an ALB takes {what} on an HTTPS listener only',
            "add [tls] with a certificate, or leave protocol out",
            source=_GROUPS,
        )


def _reserved_cookie(config: Config) -> Iterator[Fault]:
    cookie = config.service.sticky_cookie
    if cookie and cookie.upper().startswith(_RESERVED):
        yield Fault(
            (("service", "sticky_cookie"),),
            f'"{cookie}" starts with {_RESERVED}, which is kept for the cookies of the ALB itself',
            'write the name of a cookie of the application\'s, such as "sid", or only sticky = 86400',
            source=docs("elasticloadbalancing/latest/application/sticky-sessions"),
        )


RULES: tuple[Rule, ...] = (_times, _codes, _method, _needs_tls, _reserved_cookie)
