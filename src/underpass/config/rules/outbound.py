"""Rules of what tasks reach besides underpass's own: ``[network]`` endpoints, buckets and allow_out."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from underpass.config.facts import endpoint_services
from underpass.config.model import Config, WayOut
from underpass.config.problems import Fault, KeyPath
from underpass.config.rules.rule import Rule, docs, first_repeated

_ENDPOINTS: KeyPath = ("network", "endpoints")
_BUCKETS: KeyPath = ("network", "buckets")
_OUT: KeyPath = ("network", "allow_out")
_EGRESS: KeyPath = ("network", "egress")
_VPC: KeyPath = ("network", "vpc_id")
_LISTED = docs("vpc/latest/privatelink/aws-services-privatelink-support")
_MOST_RULES = 50  # of the 60 a group has for one direction: the others are underpass's own
_ANYWHERE = "0.0.0.0/0"
_WEB = (80, 443)  # what is open with NAT gateways
_HTTPS = 443


def _of_our_endpoints(config: Config) -> Iterator[Fault]:
    """Refuse what is about endpoints of ours where none are made."""
    network = config.network
    for key, named in ((_ENDPOINTS, network.endpoints), (_BUCKETS, network.buckets)):
        if named and network.vpc_id:
            what = "the endpoints of an existing VPC are its owner's: underpass makes none in it"
            add = "make them there; one outside the VPC is reached by allow_out"
            yield Fault((key, _VPC), what, add)
        elif named and network.egress == "nat":
            what = 'with egress = "nat" every AWS service and bucket is reached by the NAT gateways'
            yield Fault((key, _EGRESS), what, 'leave it out, or write egress = "endpoints"')


def _endpoints(config: Config) -> Iterator[Fault]:
    named = config.network.endpoints
    at = first_repeated(named)
    if at is not None:
        yield Fault(((*_ENDPOINTS, at),), f'"{named[at]}" is there already', "name each once")
    for number, name in enumerate(named):
        key = (*_ENDPOINTS, number)
        if name == "s3":
            what = "the endpoint to S3 is there already, for the images' layers and [assets]"
            yield Fault((key,), what, "name the buckets it is to let through in buckets")
        elif name not in endpoint_services():
            known = [*endpoint_services()]
            last = name.rpartition(".")[2]
            near = get_close_matches(name, known, n=1, cutoff=0.75) or [
                one for one in known if name.startswith("com.amazonaws.") and one == last
            ]
            if near:  # any other may be newer than the facts: AWS is asked
                what = f'"{name}" is no AWS service with an endpoint'
                yield Fault((key,), what, f'did you mean "{near[0]}"?', source=_LISTED)


def _buckets(config: Config) -> Iterator[Fault]:
    named = config.network.buckets
    at = first_repeated(named)
    if at is not None:
        yield Fault(((*_BUCKETS, at),), f'"{named[at]}" is there already', "name each once")


def _count(config: Config) -> Iterator[Fault]:
    if (count := len(config.network.allow_out)) > _MOST_RULES:
        what = (
            f"has {count} rules, and a security group takes 60 for one direction, ours among them"
        )
        source = docs("vpc/latest/userguide/amazon-vpc-limits")
        yield Fault(
            (_OUT,),
            what,
            f"write at most {_MOST_RULES}: join blocks, or use a prefix list",
            source=source,
        )


def _allow_out(config: Config) -> Iterator[Fault]:
    seen: set[tuple[int, tuple[str, ...]]] = set()
    for number, way in enumerate(config.network.allow_out):
        key = (*_OUT, number)
        if len(way.peers) != 1:
            what = "names no addresses" if not way.peers else f"names {' and '.join(way.peers)}"
            yield Fault((key,), what, "write one of cidr, prefix_list and security_group")
        elif (way.port, way.peers) in seen:
            yield Fault(
                (key,), f"port {way.port} of {way.peers[0]} is there already", "name it once"
            )
        elif _is_open(config, way):
            what = (
                f"port {way.port} of {way.peers[0]} is open already, and EC2 refuses a rule twice"
            )
            yield Fault((key, _EGRESS, _VPC), what, "leave it out")
        seen.add((way.port, way.peers))


def _is_open(config: Config, way: WayOut) -> bool:
    """Tell whether the tasks' group has this very rule."""
    network = config.network
    if network.egress == "nat":
        return way.port in _WEB and str(way.cidr) == _ANYWHERE
    return bool(network.vpc_id) and way.port == _HTTPS and way.cidr == network.cidr


RULES: tuple[Rule, ...] = (_of_our_endpoints, _endpoints, _buckets, _count, _allow_out)
