"""The ALB as Envoy's configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.elbv2 import sample

from underpass.twin.services.elbv2.alb_envoy_config import MOST_WATCHED, Resources, resources
from underpass.twin.services.elbv2.alb_routes import routes
from underpass.twin.services.elbv2.model import (
    Condition,
    FixedResponse,
    Forward,
    Listener,
    LoadBalancer,
    Redirect,
    Rule,
    TargetGroup,
)

FOLDER = Path("/run/underpass/envoy")
NODES = (sample.node("a", "app"), sample.node("b", "app"))


def made(balancer: LoadBalancer, *groups: TargetGroup, healthy: tuple[str, ...] = ()) -> Resources:
    balancing = sample.balancing(balancer, *groups)
    nodes = {balancer.arn: NODES}
    return resources(balancing, nodes, sample.healthy(*healthy), FOLDER)


def found(value: Any, key: str) -> Iterator[Any]:
    """Yield every value under ``key``, however deep."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == key:
                yield inner
            yield from found(inner, key)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from found(inner, key)


@given(first=sample.placed, second=sample.placed)
def test_every_socket_is_made_in_a_nodes_namespace(
    first: dict[str, str], second: dict[str, str]
) -> None:
    groups = (
        sample.group("one", first.items(), protocol="HTTP"),
        sample.group("two", second.items(), protocol="HTTPS"),
    )
    result = made(sample.balancer("application", *groups, cross_zone=True), *groups)
    paths = {f"/run/netns/{node.interface_id}" for node in NODES}
    for listener in result.listeners:
        assert listener["address"]["socket_address"]["network_namespace_filepath"] in paths
    assert result.clusters
    for cluster in result.clusters:
        source = cluster["upstream_bind_config"]["source_address"]
        assert source["network_namespace_filepath"] in paths
        assert cluster["type"] == "EDS", "no other way to addresses than endpoints"
        assert "health_checks" not in cluster
    assert {cluster["name"] for cluster in result.clusters} == set(result.endpoints)


def test_each_node_has_each_listener_and_the_targets_its_own_checks_find() -> None:
    group = sample.group("g", [("10.20.0.1", "a"), ("10.20.1.1", "b")], protocol="HTTP")
    balancer = sample.balancer("application", group, cross_zone=True)
    result = made(balancer, group, healthy=("10.20.1.1",))
    assert {listener["name"] for listener in result.listeners} == {
        "notes-80@eni-app-a",
        "notes-80@eni-app-b",
    }
    for assignment in result.endpoints.values():
        assert list(found(assignment, "address"))[1::2] == ["10.20.1.1"]


def test_without_registered_targets_a_cluster_is_empty_and_with_only_sick_ones_it_fails_open() -> (
    None
):
    empty = sample.group("g", protocol="HTTP")
    balancer = sample.balancer("application", empty, cross_zone=True)
    for assignment in made(balancer, empty).endpoints.values():
        assert assignment["endpoints"][0]["lb_endpoints"] == []
    sick = sample.group("g", [("10.20.0.1", "a")], protocol="HTTP")
    for assignment in made(balancer, sick).endpoints.values():
        assert len(assignment["endpoints"][0]["lb_endpoints"]) == 1


def test_many_clusters_hold_their_endpoints_themselves_and_know_the_same_targets() -> None:
    group = sample.group("one", [("10.20.0.7", "a"), ("10.20.1.7", "b")], protocol="HTTP")
    alb = sample.balancer("application", group)
    balancing = sample.balancing(alb, group)

    def at(count: int) -> Resources:
        nodes = tuple(
            replace(sample.node("ab"[number % 2], "app"), interface_id=f"eni-{number}")
            for number in range(count)
        )
        return resources(balancing, {alb.arn: nodes}, sample.healthy(), FOLDER)

    few, many = at(MOST_WATCHED), at(MOST_WATCHED + 1)
    assert len(few.endpoints) == MOST_WATCHED
    assert many.endpoints == {}
    assert {one["type"] for one in many.clusters} == {"STATIC"}
    for cluster in many.clusters[:-1]:
        told = few.endpoints[cluster["name"]]
        assert cluster["load_assignment"] == {
            key: value for key, value in told.items() if key != "@type"
        }


def test_nothing_is_ever_sent_twice() -> None:
    group = sample.group("g", [("10.20.0.1", "a")], protocol="HTTP")
    result = made(sample.balancer("application", group), group)
    assert not list(found(result.listeners, "retry_policy"))


def test_an_https_listener_waits_for_its_certificate() -> None:
    group = sample.group("g", protocol="HTTP")
    balancer = sample.balancer("application", group)
    secure = replace(balancer.listeners[0], protocol="HTTPS")
    balancer = replace(balancer, listeners=(secure,))
    assert made(balancer, group).listeners == ()
    nodes = {balancer.arn: NODES}
    certificate = (Path("/c.pem"), Path("/k.pem"))
    balancing = sample.balancing(balancer, group)
    issued = resources(balancing, nodes, sample.healthy(), FOLDER, certificate)
    assert list(found(issued.listeners, "certificate_chain")) == [{"filename": "/c.pem"}] * 2


# Rules


def matched(condition: Condition, **request: str) -> bool:
    """Tell whether a condition's route takes a request, by the regular expressions given to Envoy."""
    rule = Rule(FixedResponse(200), (condition,))
    (route,) = routes(Listener(80, "HTTP", (rule,)), str)
    (header,) = route["match"]["headers"]
    value = {
        ":authority": request.get("host", ""),
        ":path": request.get("path", "/"),
        ":method": request.get("method", "GET"),
    }.get(header["name"], request.get("header", ""))
    return re.fullmatch(header["string_match"]["safe_regex"]["regex"], value) is not None


def test_conditions() -> None:
    path = Condition("path-pattern", ("/api/*", "/img/?.png"))
    assert matched(path, path="/api/")
    assert matched(path, path="/api/notes?x=1")
    assert matched(path, path="/img/a.png")
    assert not matched(path, path="/img/ab.png")
    assert not matched(path, path="/API/x"), "paths are compared with their case"
    assert not matched(path, path="/x?y=/api/z")
    host = Condition("host-header", ("*.example.com",))
    assert matched(host, host="Notes.Example.com:8080")
    assert not matched(host, host="example.com")
    assert not matched(host, host="a.exampleXcom"), "a dot is a dot"
    assert matched(Condition("http-request-method", ("POST", "PUT")), method="PUT")
    assert matched(Condition("http-header", ("*Firefox*",), "User-Agent"), header="x firefox/1")


@given(
    st.text(
        st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="*?"), max_size=20
    )
)
def test_a_pattern_without_wildcards_matches_itself_only(text: str) -> None:
    condition = Condition("http-request-method", (text,))
    assert matched(condition, method=text)
    assert not matched(condition, method=text + "x")


def test_rules_come_in_order_with_their_actions() -> None:
    first, second = sample.group("one").arn, sample.group("two").arn
    rules = (
        Rule(Redirect(301, "HTTPS", port="443", path="/new/#{path}")),
        Rule(Forward(((first, 90), (second, 10)))),
        Rule(Forward(((first, 0), (second, 1)))),
        Rule(FixedResponse(404, "application/json", "{}")),
    )
    redirect, weighted, single, fixed = routes(Listener(80, "HTTP", rules), lambda arn: arn)
    assert redirect["redirect"] == {
        "response_code": "MOVED_PERMANENTLY",
        "scheme_redirect": "https",
        "port_redirect": 443,
        "regex_rewrite": {"pattern": {"regex": "^/(.*)$"}, "substitution": r"/new/\1"},
    }
    shares = weighted["route"]["weighted_clusters"]["clusters"]
    assert shares == [{"name": first, "weight": 90}, {"name": second, "weight": 10}]
    assert single["route"]["cluster"] == second
    assert fixed["direct_response"] == {"status": 404, "body": {"inline_string": "{}"}}
