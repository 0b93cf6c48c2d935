"""What ``[service] permissions`` and ``policies`` open beyond need, and which of them reach nothing."""

from __future__ import annotations

from collections.abc import Iterator

from underpass.config import addons
from underpass.config.facts import actions, endpoint_services
from underpass.config.model import Config, Permission
from underpass.config.problems import Fault
from underpass.config.rules.permissions import PERMISSIONS
from underpass.config.rules.rule import Rule

_USUAL_POLICIES = 10  # of a role, unless the account's quota was raised
_ROLES = {
    "iam:PassRole": "hands any role of the account, an administrator's too, to whatever it starts with it",
    "sts:AssumeRole": "becomes any role, of any account, that trusts this one",
}
_POLICIES = {
    "AdministratorAccess": "everything in the account",
    "PowerUserAccess": "everything in the account but to manage users and roles",
    "IAMFullAccess": "everything in IAM: whoever has it can make themselves administrator",
}
_FULL = "FullAccess"
# Endpoints that are not called like what IAM's actions start with; those reached without one of their own.
_ENDPOINTS = {
    "bedrock": "bedrock-runtime",
    "cloudwatch": "monitoring",
    "firehose": "kinesis-firehose",
    "kinesis": "kinesis-streams",
    "sagemaker": "sagemaker.runtime",
    "ses": "email",
}
_BY_OTHER_WAYS = frozenset({"s3", "elasticfilesystem"})


def _wide(config: Config) -> Iterator[Fault]:
    for number, one in enumerate(config.service.permissions):
        opened = [*_opened(one)]
        if opened:
            yield Fault(
                ((*PERMISSIONS, number),),
                f"the application may then {'; and '.join(opened)}",
                "name the actions and the resources it needs",
            )


def _opened(one: Permission) -> Iterator[str]:
    everywhere = "*" in one.resources
    where = ", on every resource of the account" if everywhere else ""
    if "*" in one.actions:
        yield f'do everything AWS has ("*"){where}'
        return
    for action in one.actions:
        if action.endswith(":*"):
            service = action.partition(":")[0]
            admin = ", and so make itself administrator" if service == "iam" else ""
            yield f'do everything {service} has ("{action}"), deleting included{where}{admin}'
        elif everywhere and action in _ROLES:
            yield f'do {action} on "*", which {_ROLES[action]}'
    rest = [
        action
        for action in one.actions
        if not action.endswith(":*")
        and action not in _ROLES
        and any(map(actions.knows_resources, actions.matching(action)))
    ]
    if everywhere and rest:
        yield f'do {", ".join(rest)} on every resource of the account ("*")'


def _newer(config: Config) -> Iterator[Fault]:
    for number, one in enumerate(config.service.permissions):
        unknown = [name for name in one.actions if name != "*" and not actions.matching(name)]
        if unknown:
            yield Fault(
                ((*PERMISSIONS, number, "actions"),),
                f"underpass does not know {', '.join(unknown)}: newer than its list, or no action at all",
                "look it up in AWS's service authorization reference; IAM takes any name",
            )


def _unreached(config: Config) -> Iterator[Fault]:
    """Yield what the application may do and never reaches, for want of an endpoint."""
    network = config.network
    if network.egress != "endpoints" or network.vpc_id:
        return
    for number, one in enumerate(config.service.permissions):
        services = dict.fromkeys(
            action.partition(":")[0].lower() for action in one.actions if action != "*"
        )
        wanted = [_ENDPOINTS.get(service, service) for service in services]
        missing = [
            name
            for name in wanted
            if name in endpoint_services()
            and name not in _BY_OTHER_WAYS
            and name not in network.endpoints
        ]
        if missing:
            names = ", ".join(f'"{name}"' for name in missing)
            yield Fault(
                ((*PERMISSIONS, number), ("network", "endpoints")),
                f"no endpoint of the VPC lets tasks do all of it: {', '.join(missing)}",
                f"add {names} to [network] endpoints",
            )
        buckets = [*_buckets(config, one)] if "s3" in services else []
        if buckets:
            yield Fault(
                ((*PERMISSIONS, number), ("network", "buckets")),
                f"the endpoint to S3 lets nothing through to {', '.join(buckets)}",
                "add the buckets' names to [network] buckets",
            )


def _buckets(config: Config, one: Permission) -> Iterator[str]:
    for resource in one.resources:
        _, found, rest = resource.partition(":s3:::")
        bucket = rest.partition("/")[0]
        if found and bucket not in config.network.buckets:
            yield bucket


def _policies(config: Config) -> Iterator[Fault]:
    for number, arn in enumerate(config.service.policies):
        owner, name = arn.split(":")[4], arn.rpartition("/")[2]
        if owner != "aws":
            continue
        opens = _POLICIES.get(name) or (
            f"everything the service of {name} has" if name.endswith(_FULL) else ""
        )
        if opens:
            yield Fault(
                (("service", "policies", number),),
                f"the application may then do {opens}",
                "write permissions for what it needs",
            )
    of_addons = sum(one.kind == "policy" for one in addons.outputs(config))
    if (count := len(config.service.policies) + of_addons) > _USUAL_POLICIES:
        yield Fault(
            (("service", "policies") if config.service.policies else ("addons",),),
            f"are {count}, those of add-ons among them, and IAM takes {_USUAL_POLICIES} of a role unless "
            "the account's quota was raised",
            "join some of them, or have the quota raised",
        )


ADVICE: tuple[Rule, ...] = (_wide, _newer, _unreached, _policies)
