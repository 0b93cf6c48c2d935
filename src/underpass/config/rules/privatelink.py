"""Rules of ``[privatelink]`` and ``[tls]``: who may come in, and under which names."""

from __future__ import annotations

from collections.abc import Iterator

from underpass.config.facts import regions
from underpass.config.model import Config
from underpass.config.positions import KeyPath
from underpass.config.problems import Fault
from underpass.config.rules.rule import Rule, docs, first_repeated, nearest_region

_ALLOW: KeyPath = ("privatelink", "allow")
_REGIONS: KeyPath = ("privatelink", "supported_regions")
_SERVICE = docs("vpc/latest/privatelink/configure-endpoint-service")
_PERMISSIONS = docs("AWSEC2/latest/APIReference/API_ModifyVpcEndpointServicePermissions")
_PRIVATE_NAMES = docs("vpc/latest/privatelink/manage-dns-names")
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
    partition = regions().get(config.region, "")
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
        if partition and principal != "*" and principal.split(":")[1] != partition:
            yield Fault(
                (key, ("region",)),
                f"is of another partition of AWS than {config.region}",
                f'there it starts with "arn:{partition}:"',
                source=docs("IAM/latest/UserGuide/reference-arns"),
            )


def _supported_regions(config: Config) -> Iterator[Fault]:
    named = config.privatelink.supported_regions
    source = docs("vpc/latest/privatelink/privatelink-share-your-services")
    at = first_repeated(named)
    if at is not None:
        yield Fault(((*_REGIONS, at),), f'"{named[at]}" is there twice', "leave one out")
    for position, region in enumerate(named):
        key: KeyPath = (*_REGIONS, position)
        if region not in regions():
            yield Fault(
                (key,), f'there is no region "{region}"', nearest_region(region), source=source
            )
        elif region == config.region:
            yield Fault(
                (key, ("region",)), "is the service's own region", "leave it out", source=source
            )
        elif regions()[region] != regions().get(config.region, regions()[region]):
            what = f"is in another partition of AWS than {config.region}"
            yield Fault((key, ("region",)), what, "leave it out", source=source)


def _names(config: Config) -> Iterator[Fault]:
    link = config.privatelink
    for key, name in (("domain", link.domain), ("private_dns_name", link.private_dns_name)):
        owned = next((own for own in _OF_AWS if name and f".{name}".endswith(f".{own}")), "")
        if owned:
            yield Fault(
                (("privatelink", key),),
                f"{owned} is AWS's own, and a zone of that name would hide AWS from the consumers",
                "write a name of yours",
                source=docs("Route53/latest/DeveloperGuide/hosted-zone-private-considerations"),
            )
    name = link.private_dns_name
    if name and name.rsplit(".", 1)[-1] in _NEVER_PUBLIC:
        yield Fault(
            (("privatelink", "private_dns_name"),),
            f"no public zone can be below .{name.rsplit('.', 1)[-1]}, where a record has to prove "
            "that the name is yours",
            "write a name in a public domain of yours, or use domain",
            source=_PRIVATE_NAMES,
        )


def _certificate(config: Config) -> Iterator[Fault]:
    if config.tls and config.tls.certificate.split(":")[3] != config.region:
        yield Fault(
            (("tls", "certificate"), ("region",)),
            f"a load balancer in {config.region} cannot use a certificate of another region",
            source=docs("acm/latest/userguide/acm-regions"),
        )


RULES: tuple[Rule, ...] = (_open_to_all, _principals, _supported_regions, _names, _certificate)
