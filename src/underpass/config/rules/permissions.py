"""Rules of ``[service] permissions`` and ``policies``: what IAM would refuse, or read as nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from difflib import get_close_matches

from underpass.config import addons, placeholders
from underpass.config.facts import actions
from underpass.config.model import Config, Permission
from underpass.config.problems import Fault, KeyPath
from underpass.config.rules.rule import Rule, docs, first_repeated, of_partition

PERMISSIONS: KeyPath = ("service", "permissions")
_POLICIES: KeyPath = ("service", "policies")
_MOST_POLICIES = 20  # IAM's, of a quota of 10 that can be raised
_MOST_BYTES = (
    8_000  # of the 10,240 a role's inline policies may have, with room for underpass's own
)
_REFERENCE = docs(
    "service-authorization/latest/reference/reference_policies_actions-resources-contextkeys"
)
_QUOTAS = docs("IAM/latest/UserGuide/reference_iam-quotas")
_ACTION = re.compile(r"([A-Za-z0-9-]+):([A-Za-z0-9*?]+)")
_IN_AN_ARN = 6  # parts: arn, partition, service, region, account, resource
_COMPARISONS = (
    "Equals",
    "NotEquals",
    "LessThan",
    "LessThanEquals",
    "GreaterThan",
    "GreaterThanEquals",
)
_OPERATORS = (
    *(f"String{one}" for one in ("Equals", "NotEquals", "Like", "NotLike")),
    *(f"String{one}IgnoreCase" for one in ("Equals", "NotEquals")),
    *(f"{kind}{one}" for kind in ("Numeric", "Date") for one in _COMPARISONS),
    *(f"Arn{one}" for one in ("Equals", "NotEquals", "Like", "NotLike")),
    *("Bool", "BinaryEquals", "IpAddress", "NotIpAddress", "Null"),
)


def _whole(config: Config) -> Iterator[Fault]:
    for number, one in enumerate(config.service.permissions):
        for name, named in (("actions", one.actions), ("resources", one.resources)):
            if not named:
                key = (*PERMISSIONS, number, name)
                example = '["s3:PutObject"]' if name == "actions" else '["{assets}/uploads/*"]'
                yield Fault((key,), "is missing: it allows nothing", f"add {name} = {example}")


def _actions(config: Config) -> Iterator[Fault]:
    for number, one in enumerate(config.service.permissions):
        for place, action in enumerate(one.actions):
            if action != "*" and (told := _wrong_action(action)):
                key = (*PERMISSIONS, number, "actions", place)
                yield Fault((key,), *told, source=_REFERENCE)


def _wrong_action(action: str) -> tuple[str, str] | None:
    found = _ACTION.fullmatch(action)
    if not found:
        return f'"{action}" is no action', 'write it like "s3:PutObject"'
    prefix, name = found[1], found[2]
    if prefix.lower() not in actions.services():
        near = actions.nearest_service(prefix)
        meant = f'did you mean "{near}:{name}"?' if near else "see the list of AWS's services"
        return f'no service of AWS has actions that start with "{prefix}:"', meant
    there = actions.matching(action)
    if "*" in name or "?" in name:
        if there:
            return None
        return f'"{action}" stands for no action', "name the actions one by one"
    if action in there:
        return None
    if there:
        return f'"{action}" is spelt otherwise', f'write "{there[0]}"'
    if near := actions.nearest(action):
        return f'there is no action "{action}"', f'did you mean "{near}"?'
    return None  # it may be newer than the facts: a warning


def _resources(config: Config) -> Iterator[Fault]:
    for number, one in enumerate(config.service.permissions):
        for place, resource in enumerate(one.resources):
            key = (*PERMISSIONS, number, "resources", place)
            yield from _of_resource(config, key, resource)
        yield from _objects(number, one)
        for operator, keys in one.conditions.items():
            for name, values in keys.items():
                for value in values:
                    yield from _unknown(
                        config, (*PERMISSIONS, number, "conditions", operator, name), value
                    )


def _of_resource(config: Config, key: KeyPath, resource: str) -> Iterator[Fault]:
    unknown = [*_unknown(config, key, resource)]
    yield from unknown
    if unknown or resource == "*":
        return
    if "${AWS::" in resource:
        yield Fault((key,), "has a parameter of CloudFormation's", "write what it stands for")
        return
    inner = next((one for one in placeholders.ARNS if f"{{{one}}}" in resource[1:]), None)
    if inner:
        yield Fault((key,), f"{{{inner}}} is a whole ARN", f'start with it: "{{{inner}}}..."')
    elif not resource.startswith("{"):
        parts = resource.split(":", _IN_AN_ARN - 1)
        if len(parts) < _IN_AN_ARN or parts[0] != "arn" or not all((parts[1], parts[2], parts[5])):
            yield Fault(
                (key,),
                f'"{resource}" is no ARN',
                'write it like "arn:aws:sqs:REGION:ACCOUNT:NAME", or "*"',
                source=docs("IAM/latest/UserGuide/reference-arns"),
            )
        elif "*" not in parts[1]:
            yield from of_partition(config, key, resource)


def _unknown(config: Config, key: KeyPath, text: str) -> Iterator[Fault]:
    there = placeholders.names(config)
    for name in placeholders.used(text):
        if name not in there:
            sections = {"assets": "[assets]", "files": "[files]"}
            what = f"{{{name}}} stands for nothing here"
            if name in sections:
                yield Fault((key, (name,)), what, f"add {sections[name]}, or leave it out")
            else:
                known = ", ".join(f"{{{one}}}" for one in there)
                near = get_close_matches(name, there, n=1)
                meant = f"did you mean {{{near[0]}}}? There are" if near else "there are"
                yield Fault((key, ("addons",)), what, f"{meant} {known}")


def _objects(number: int, one: Permission) -> Iterator[Fault]:
    """Refuse what is done to objects and named for the bucket alone: IAM takes it, and it allows nothing."""
    of_objects = [
        action
        for action in one.actions
        if re.fullmatch(r"s3:\w*Object\w*", action) and "Object" in action
    ]
    if of_objects and {*one.resources} == {"{assets}"}:
        key = (*PERMISSIONS, number, "resources")
        what = f"{of_objects[0]} is done to what is in a bucket, and {{assets}} is the bucket alone"
        yield Fault((key,), what, 'write "{assets}/*"', source=_REFERENCE)


def _conditions(config: Config) -> Iterator[Fault]:
    for number, one in enumerate(config.service.permissions):
        for operator in one.conditions:
            bare = operator.removeprefix("ForAllValues:").removeprefix("ForAnyValue:")
            bare = bare.removesuffix("IfExists")
            if bare in _OPERATORS:
                continue
            near = get_close_matches(bare, _OPERATORS, n=1)
            yield Fault(
                ((*PERMISSIONS, number, "conditions", operator),),
                f'IAM has no operator "{operator}"',
                f"did you mean {near[0]}?" if near else 'write one such as "StringEquals"',
                source=docs("IAM/latest/UserGuide/reference_policies_elements_condition_operators"),
            )


def _size(config: Config) -> Iterator[Fault]:
    told = [one.model_dump() for one in config.service.permissions]
    size = len(json.dumps(told, separators=(",", ":")))
    if size > _MOST_BYTES:
        yield Fault(
            (PERMISSIONS,),
            f"have {size:,} bytes, and a role's own policies may have 10,240, with underpass's among them",
            "put some of them into a managed policy, and name that in policies",
            source=_QUOTAS,
        )


def _policies(config: Config) -> Iterator[Fault]:
    named = config.service.policies
    at = first_repeated(named)
    if at is not None:
        yield Fault(((*_POLICIES, at),), f'"{named[at]}" is there already', "name each once")
    for number, arn in enumerate(named):
        yield from of_partition(config, (*_POLICIES, number), arn)
    accounts = {arn.split(":")[4]: number for number, arn in enumerate(named)}
    accounts.pop("aws", None)
    if len(accounts) > 1:
        key = (*_POLICIES, max(accounts.values()))
        what = f"are of accounts {' and '.join(sorted(accounts))}, and a role takes its own account's only"
        yield Fault((key,), what, "make the policy in the application's account")
    of_addons = sum(one.kind == "policy" for one in addons.outputs(config))
    if (count := len(named) + of_addons) > _MOST_POLICIES:
        yield Fault(
            (_POLICIES, ("addons",)) if named else (("addons",),),
            f"are {count}, those of add-ons among them, and a role takes {_MOST_POLICIES} at most",
            "join some of them",
            source=_QUOTAS,
        )


RULES: tuple[Rule, ...] = (_whole, _actions, _resources, _conditions, _size, _policies)
