"""Rules of ``[privatelink]`` and ``[tls]``: who may come in, and under which names."""

from __future__ import annotations

from collections.abc import Iterator

from underpass.config.model import Config
from underpass.config.problems import Fault, KeyPath
from underpass.config.rules.rule import Rule, docs, first_repeated, of_partition, of_region

_ALLOW: KeyPath = ("privatelink", "allow")
_REGIONS: KeyPath = ("privatelink", "supported_regions")
_DOMAIN: KeyPath = ("privatelink", "domain")
_PRIVATE_NAME: KeyPath = ("privatelink", "private_dns_name")
ACROSS_REGIONS = docs("vpc/latest/privatelink/privatelink-share-your-services")
PRIVATE_NAMES = docs("vpc/latest/privatelink/manage-dns-names")
_SERVICE = docs("vpc/latest/privatelink/configure-endpoint-service")
_PERMISSIONS = docs("AWSEC2/latest/APIReference/API_ModifyVpcEndpointServicePermissions")
_ZONES = docs("Route53/latest/DeveloperGuide/hosted-zone-private-considerations")
_OF_AWS = (
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "api.aws",
    "on.aws",
    "aws.amazon.com",
    "aws.dev",
    "cloudfront.net",
    "awsapps.com",
    # of instances, by https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/hostname-types.html
    "ec2.internal",
    "compute.internal",
)
# No public zone can be below these: RFC 6761, RFC 6762, RFC 9476 and ICANN's board on .internal (2024)
_NEVER_PUBLIC = (
    "internal",
    "local",
    "localhost",
    "test",
    "example",
    "invalid",
    "onion",
    "alt",
    "arpa",
)


def _open_to_all(config: Config) -> Iterator[Fault]:
    link = config.privatelink
    if "*" in link.allow and not link.acceptance:
        yield Fault(
            (("privatelink", "acceptance"), _ALLOW),
            'with allow = ["*"] this lets every AWS account in',
            "write acceptance = true, or name the accounts in allow",
            source=_SERVICE,
        )


def _principals(config: Config) -> Iterator[Fault]:
    allow = config.privatelink.allow
    at = first_repeated(allow)
    if at is not None:
        yield Fault(((*_ALLOW, at),), f'"{allow[at]}" is there twice', "leave one out")
    for position, principal in enumerate(allow):
        key: KeyPath = (*_ALLOW, position)
        if principal.count("/") > 1:
            account = principal.split(":")[4]
            yield Fault(
                (key,),
                "has a path, and an endpoint service takes no principal with one",
                f'name its account, "arn:{principal.split(":")[1]}:iam::{account}:root", '
                "or a role without a path",
                source=_PERMISSIONS,
            )
        if principal != "*":
            yield from of_partition(config, key, principal)


def _supported_regions(config: Config) -> Iterator[Fault]:
    named = config.privatelink.supported_regions
    source = ACROSS_REGIONS
    at = first_repeated(named)
    if at is not None:
        yield Fault(((*_REGIONS, at),), f'"{named[at]}" is there twice', "leave one out")
    for position, region in enumerate(named):
        key: KeyPath = (*_REGIONS, position)
        wrong = list(of_region(config, key, region, source))
        yield from wrong
        if not wrong and region == config.region:
            yield Fault(
                (key, ("region",)), "is the service's own region", "leave it out", source=source
            )


def _names(config: Config) -> Iterator[Fault]:
    link = config.privatelink
    yours = "write a name of yours"
    if link.domain:
        yield from _of_aws((_DOMAIN,), link.domain, yours)
    else:  # NAME.internal
        yield from _of_aws((("name",), _DOMAIN), config.domain, "choose another, or write a domain")
    if name := link.private_dns_name:
        yield from _of_aws((_PRIVATE_NAME,), name, yours) or _never_public(name)


def _of_aws(keys: tuple[KeyPath, ...], name: str, instead: str) -> list[Fault]:
    owned = [own for own in _OF_AWS if f".{name}".endswith(f".{own}")]
    what = "{} is AWS's own, and a zone of that name would hide AWS from the consumers"
    return [Fault(keys, what.format(own), instead, source=_ZONES) for own in owned[:1]]


def _never_public(name: str) -> list[Fault]:
    top = name.rsplit(".", 1)[-1]
    if top not in _NEVER_PUBLIC:
        return []
    return [
        Fault(
            (_PRIVATE_NAME,),
            f"no public zone can be below .{top}, where a record has to prove that the name is yours",
            "write a name in a public domain of yours, or use domain",
            source=PRIVATE_NAMES,
        )
    ]


def _certificate(config: Config) -> Iterator[Fault]:
    if not config.tls:
        return
    key, arn = ("tls", "certificate"), config.tls.certificate
    elsewhere = list(of_partition(config, key, arn))
    yield from elsewhere
    if not elsewhere and arn.split(":")[3] != config.region:
        yield Fault(
            (key, ("region",)),
            f"a load balancer in {config.region} cannot use a certificate of another region",
            source=docs("acm/latest/userguide/acm-regions"),
        )


RULES: tuple[Rule, ...] = (_open_to_all, _principals, _supported_regions, _names, _certificate)
