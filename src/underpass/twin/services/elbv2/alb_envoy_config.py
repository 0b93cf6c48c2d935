"""The ALB as Envoy's configuration: load balancers and usable targets in, xDS resources out. Pure.

One Envoy serves every node of every ALB: a listener for each (listener, node), bound in the node's
namespace, and a cluster for each (target group, node), whose connections leave from there. Which targets a
cluster has is decided here, from the health table; Envoy checks nothing itself and retries nothing, as an
ALB does not. What Envoy answers in a target's place gets the status and page an ALB would give.
Source: elasticloadbalancing/latest/application/load-balancer-troubleshooting, x-forwarded-headers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from underpass.twin.services.elbv2 import alb_script
from underpass.twin.services.elbv2.alb_routes import routes
from underpass.twin.services.elbv2.model import (
    Balancing,
    Eni,
    Listener,
    LoadBalancer,
    Phase,
    TargetGroup,
)
from underpass.twin.services.elbv2.target_selection import Observed, forwarded, usable

Json = dict[str, Any]
TYPE = "type.googleapis.com/envoy"
# Of ELBSecurityPolicy-TLS13-1-0-2021-06, by which an ALB speaks to its targets
TO_TARGETS = {
    "tls_minimum_protocol_version": "TLSv1_0",
    "tls_maximum_protocol_version": "TLSv1_3",
}
CONNECT_TIMEOUT_S = 10  # an ALB's
NO_LIMIT = 1_000_000
MOST_WATCHED = 40
"""Clusters whose endpoints have a file each. Envoy takes an inotify instance a file, and a user has 128 on
many systems; beyond that endpoints are told with their clusters, and an ALB of a hundred nodes runs."""

ALGORITHMS = {
    "round_robin": "ROUND_ROBIN",
    "least_outstanding_requests": "LEAST_REQUEST",
    "weighted_random": "RANDOM",
}

# What went wrong, by Envoy's response flags, and what an ALB answers then.
ANSWERS = (
    (("UH", "NC", "UO"), 503, "503 Service Temporarily Unavailable"),
    (("UF", "UC", "UR", "UPE"), 502, "502 Bad Gateway"),
    (("UT", "SI"), 504, "504 Gateway Time-out"),
)


@dataclass(frozen=True)
class Resources:
    """Everything Envoy is told: listeners, clusters, and endpoints by the name of their file."""

    listeners: tuple[Json, ...] = ()
    clusters: tuple[Json, ...] = ()
    endpoints: Mapping[str, Json] = field(default_factory=dict)


def bootstrap(folder: Path) -> Json:
    """Return what Envoy starts with: where its resources are."""
    monitor = "global_downstream_max_connections"
    kind = (
        f"{TYPE}.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
    )
    limit = {"@type": kind, "max_active_downstream_connections": NO_LIMIT}
    return {
        "node": {"id": "underpass", "cluster": "underpass"},
        "dynamic_resources": {
            "lds_config": _file(folder / "listeners.json"),
            "cds_config": _file(folder / "clusters.json"),
        },
        "stats_config": {"stats_matcher": {"reject_all": True}},
        "overload_manager": {
            "resource_monitors": [
                {"name": f"envoy.resource_monitors.{monitor}", "typed_config": limit}
            ]
        },
    }


def resources(
    balancing: Balancing,
    nodes: Mapping[str, tuple[Eni, ...]],
    observed: Observed,
    folder: Path,
    certificate: tuple[Path, Path] | None = None,
) -> Resources:
    """Return what Envoy should serve.

    Parameters
    ----------
    nodes
        The nodes that are up, by their load balancer's ARN.
    seen
        What the health checks see.
    folder
        Where the resources' files are.
    certificate
        Certificate and private key of HTTPS listeners; without it they are left out.
    """
    listeners: list[Json] = []
    clusters: list[Json] = []
    endpoints: dict[str, Json] = {}
    for balancer in balancing.balancers:
        if balancer.kind != "application":
            continue
        groups = {group.arn: group for group in forwarded(balancer, balancing)}
        for node in nodes.get(balancer.arn, ()):
            for group in groups.values():
                name = cluster_name(group.arn, node)
                clusters.append(_cluster(name, balancer, group, node, folder))
                endpoints[name] = _endpoints(name, usable(balancer, group, node, observed))
            listeners.extend(
                _listener(balancer, listener, node, groups, certificate)
                for listener in balancer.listeners
                if listener.protocol == "HTTP" or certificate
            )
    if len(clusters) > MOST_WATCHED:
        return Resources(
            tuple(listeners), tuple(_with_endpoints(one, endpoints) for one in clusters)
        )
    return Resources(tuple(listeners), tuple(clusters), endpoints)


def response(found: Iterable[Json]) -> Json:
    """Return a discovery response, as a file Envoy watches holds it."""
    return {"resources": list(found)}


def cluster_name(group_arn: str, node: Eni) -> str:
    """Return the name of a target group's cluster for a node: file names are made of it too."""
    _, name, number = group_arn.rsplit("/", 2)
    return f"{name}-{number}@{node.interface_id}"


# Listeners


def _listener(
    balancer: LoadBalancer,
    listener: Listener,
    node: Eni,
    groups: Mapping[str, TargetGroup],
    certificate: tuple[Path, Path] | None,
) -> Json:
    filters = {"name": "http", "typed_config": _http(balancer, listener, node, groups)}
    chain: Json = {"filters": [filters]}
    if listener.protocol == "HTTPS" and certificate:
        chain["transport_socket"] = _tls(*certificate)
    return {
        "@type": f"{TYPE}.config.listener.v3.Listener",
        "name": f"{balancer.name}-{listener.port}@{node.interface_id}",
        "address": _bound(node, listener.port),
        "filter_chains": [chain],
        "tcp_backlog_size": 4096,
    }


def _http(
    balancer: LoadBalancer, listener: Listener, node: Eni, groups: Mapping[str, TargetGroup]
) -> Json:
    sticky = [group for group in groups.values() if group.sticky_s]
    secure = listener.protocol == "HTTPS"
    underscores = "DROP_HEADER" if balancer.drops_invalid_headers else "ALLOW"
    return {
        "@type": f"{TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "alb",
        "codec_type": "AUTO" if secure else "HTTP1",
        "http_protocol_options": {"accept_http_10": True},
        "use_remote_address": True,
        "append_x_forwarded_port": True,
        "generate_request_id": False,
        "server_header_transformation": "PASS_THROUGH",
        "stream_idle_timeout": f"{balancer.idle_s}s",
        "common_http_protocol_options": {
            "idle_timeout": f"{balancer.idle_s}s",
            "max_connection_duration": f"{balancer.keep_alive_s}s",
            # A node that leaves serves one request on a connection and says so, so that it is left.
            **({"max_requests_per_connection": 1} if node.phase is Phase.LEAVING else {}),
            "headers_with_underscores_action": underscores,
        },
        "max_request_headers_kb": 64,
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "local_reply_config": {"mappers": [_answer(*one) for one in ANSWERS]},
        "http_filters": [
            *alb_script.script(groups.values(), secure=secure),
            *(_stickiness(group) for group in sticky[:1]),
            _router(),
        ],
        "route_config": {
            "name": "rules",
            "validate_clusters": False,  # clusters and listeners come by files of their own
            "request_headers_to_remove": ["x-envoy-internal", "x-envoy-external-address"],
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": routes(listener, lambda arn: cluster_name(arn, node), groups),
                }
            ],
        },
    }


def _router() -> Json:
    router = f"{TYPE}.extensions.filters.http.router.v3.Router"
    return {
        "name": "router",
        "typed_config": {"@type": router, "dynamic_stats": False, "suppress_envoy_headers": True},
    }


def _stickiness(group: TargetGroup) -> Json:
    """Return the filter that keeps a client with its target by a cookie of the ALB's.

    Beside an application's cookie ``alb_script`` says when it counts.
    """
    name = alb_script.FOLLOWING if group.sticky_cookie else "AWSALB"
    cookie = {"name": name, "ttl": f"{group.sticky_s}s", "path": "/"}
    state = f"{TYPE}.extensions.http.stateful_session.cookie.v3.CookieBasedSessionState"
    session = {"@type": state, "cookie": cookie}
    return {
        "name": "stickiness",
        "typed_config": {
            "@type": f"{TYPE}.extensions.filters.http.stateful_session.v3.StatefulSession",
            "session_state": {
                "name": "envoy.http.stateful_session.cookie",
                "typed_config": session,
            },
        },
    }


def _answer(flags: Iterable[str], status: int, title: str) -> Json:
    page = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    )
    return {
        "filter": {"response_flag_filter": {"flags": list(flags)}},
        "status_code": status,
        "body_format_override": {
            "text_format_source": {"inline_string": page},
            "content_type": "text/html",
        },
        "headers_to_add": [{"header": {"key": "server", "value": "awselb/2.0"}}],
    }


def _tls(chain: Path, key: Path) -> Json:
    certificate = {
        "certificate_chain": {"filename": str(chain)},
        "private_key": {"filename": str(key)},
    }
    return {
        "name": "tls",
        "typed_config": {
            "@type": f"{TYPE}.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": {
                "tls_certificates": [certificate],
                "alpn_protocols": ["h2", "http/1.1"],
            },
        },
    }


# Clusters


def _cluster(
    name: str, balancer: LoadBalancer, group: TargetGroup, node: Eni, folder: Path
) -> Json:
    limits = dict.fromkeys(("max_connections", "max_pending_requests", "max_requests"), NO_LIMIT)
    options = f"{TYPE}.extensions.upstreams.http.v3.HttpProtocolOptions"
    cluster: Json = {
        "@type": f"{TYPE}.config.cluster.v3.Cluster",
        "name": name,
        "type": "EDS",
        "eds_cluster_config": {"eds_config": _file(folder / "endpoints" / f"{name}.json")},
        "connect_timeout": f"{CONNECT_TIMEOUT_S}s",
        "lb_policy": ALGORITHMS[group.algorithm],
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        "circuit_breakers": {"thresholds": [limits]},
        "upstream_bind_config": {"source_address": _bound(node, 0)["socket_address"]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": options,
                # With no TLS it is known beforehand that the targets speak HTTP/2.
                "explicit_http_config": {
                    "http_protocol_options"
                    if group.version == "HTTP1"
                    else "http2_protocol_options": {}
                },
                "common_http_protocol_options": {"idle_timeout": f"{balancer.idle_s}s"},
            }
        },
    }
    if group.protocol == "HTTPS":  # an ALB does not verify its targets' certificates
        context = f"{TYPE}.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
        alpn = {} if group.version == "HTTP1" else {"alpn_protocols": ["h2"]}
        told = {"@type": context, "common_tls_context": {"tls_params": TO_TARGETS, **alpn}}
        cluster["transport_socket"] = {"name": "tls", "typed_config": told}
    return cluster


def _with_endpoints(cluster: Json, endpoints: Mapping[str, Json]) -> Json:
    """Return a cluster that holds its endpoints itself."""
    fixed = {key: value for key, value in cluster.items() if key != "eds_cluster_config"}
    found = {key: value for key, value in endpoints[cluster["name"]].items() if key != "@type"}
    return {**fixed, "type": "STATIC", "load_assignment": found}


def _endpoints(name: str, found: Iterable[tuple[str, int]]) -> Json:
    return {
        "@type": f"{TYPE}.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": name,
        "endpoints": [
            {
                "lb_endpoints": [
                    {
                        "endpoint": {
                            "address": {"socket_address": {"address": address, "port_value": port}}
                        }
                    }
                    for address, port in found
                ]
            }
        ],
    }


def _bound(node: Eni, port: int) -> Json:
    return {
        "socket_address": {
            "address": node.address,
            "port_value": port,
            "network_namespace_filepath": f"/run/netns/{node.interface_id}",
        }
    }


def _file(path: Path) -> Json:
    return {"resource_api_version": "V3", "path_config_source": {"path": str(path)}}
