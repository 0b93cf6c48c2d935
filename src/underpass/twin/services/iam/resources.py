"""The policies of resources: what a bucket, a queue, a topic, a key, a secret, a role says of who may come.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from underpass.errors import UnderpassError
from underpass.policies.document import VERSION, Policy, read
from underpass.twin.api.asked import Asked
from underpass.twin.region.backends import NOT_THERE, backend_of
from underpass.twin.region.records import records
from underpass.twin.services.iam import trust


@dataclass(frozen=True)
class Resource:
    """What is asked for.

    Attributes
    ----------
    account
        Whose it is; empty where that cannot be told.
    policy
        Its own policy, where it has one.
    governs
        Whether that policy has to allow, whatever the caller's do.
    """

    account: str = ""
    policy: Policy | None = None
    governs: bool = False


_SUFFIX = "-??????"  # what Secrets Manager puts behind a name
_Found = tuple[str, Any, bool]  # account, text or document, governs


@records()
def named(asked: Asked) -> Asked:
    """Return what is asked with the whole ARN of what was asked for by a name alone.

    That is a secret, an entity of IAM's, or a key by its alias, of which nothing is known if it is not there.
    """
    resource = asked.resource or ""
    if resource.startswith("arn:") and asked.action.startswith("iam:"):
        return replace(asked, resource=_with_path(resource))
    if asked.action.startswith("kms:") and ":key/alias/" in resource:
        _, _, _, region, account, name = resource.split(":", 5)
        return replace(asked, resource=key_arn(account, region, name.removeprefix("key/")))
    return replace(asked, resource=_whole(resource)) if resource.endswith(_SUFFIX) else asked


def _whole(arn: str) -> str:
    """Return the ARN of a secret with the characters that its name does not tell."""
    from moto.secretsmanager.models import secretsmanager_backends

    _, _, _, region, account, name = arn.split(":", 5)
    short = name.removeprefix("secret:").removesuffix(_SUFFIX)
    with suppress(*NOT_THERE):
        return str(backend_of(secretsmanager_backends, account, region).secrets[short].arn)
    return arn


def key_arn(account: str, region: str, key: str) -> str | None:
    """Return the ARN of a key that is told by its id, its alias or the ARN of one of them."""
    from moto.kms.models import kms_backends

    with suppress(*NOT_THERE, AttributeError):  # moto looks on for an alias with no name
        return str(backend_of(kms_backends, account, region).describe_key(key).arn)
    return None


def _with_path(arn: str) -> str:
    """Return the ARN of an entity of IAM's with the path it was made with, which its name does not tell."""
    from moto.iam.models import iam_backends

    _, _, _, _, account, entity = arn.split(":", 5)
    if account not in iam_backends:
        return arn
    kind, _, name = entity.partition("/")
    backend = iam_backends[account]["aws"]
    kept: Mapping[str, Mapping[str, Any]] = {
        "group": backend.groups,
        "instance-profile": backend.instance_profiles,
        "role": backend.roles,
        "user": backend.users,
    }
    found = (one for one in kept.get(kind, {}).values() if one.name == name)
    return next((str(one.arn) for one in found), arn)


@records()
def find(action: str, arn: str | None) -> Resource:
    """Return what is known of a resource; nothing of one that is not there."""
    if not arn or arn.count(":") < 5:
        return Resource()
    _, _, service, region, account, name = arn.split(":", 5)
    look = _LOOK.get(service)
    found: _Found | None = None
    if look is not None and (service != "iam" or action.startswith("sts:")):
        with suppress(*NOT_THERE):
            found = look(account, region, name)
    if found is None:
        return Resource(account)
    owner, text, governs = found
    return Resource(owner, _read(text) if text else None, governs)


def _read(text: Any) -> Policy:
    """Return a policy; one that cannot be read allows nothing."""
    try:
        return read(text)
    except UnderpassError:
        return Policy((), VERSION)


def _bucket(_account: str, _region: str, name: str) -> _Found | None:
    from moto.s3.models import s3_backends

    for account, backends in s3_backends.items():
        bucket = backends["aws"].buckets.get(name.partition("/")[0])
        if bucket is not None:
            return account, bucket.policy, False
    return None


def _queue(account: str, region: str, name: str) -> _Found:
    from moto.sqs.models import sqs_backends

    return account, backend_of(sqs_backends, account, region).queues[name].policy, False


def _topic(account: str, region: str, name: str) -> _Found:
    from moto.sns.models import sns_backends

    arn = f"arn:aws:sns:{region}:{account}:{name.partition(':')[0]}"
    return account, backend_of(sns_backends, account, region).topics[arn].policy, False


def _key(account: str, region: str, name: str) -> _Found:
    from moto.kms.models import kms_backends

    return (
        account,
        backend_of(kms_backends, account, region).keys[name.removeprefix("key/")].policy,
        True,
    )


def _secret(account: str, region: str, name: str) -> _Found:
    from moto.secretsmanager.models import secretsmanager_backends

    held = backend_of(secretsmanager_backends, account, region).secrets
    arn = f"arn:aws:secretsmanager:{region}:{account}:{name}"
    return account, held[arn].policy, False


def _function(account: str, region: str, name: str) -> _Found | None:
    from moto.awslambda.models import lambda_backends

    kind, _, rest = name.partition(":")
    if kind != "function":
        return None
    function = backend_of(lambda_backends, account, region).get_function(*(rest.split(":", 1)))
    statements = function.policy.statements if function.policy else []
    return account, {"Version": "2012-10-17", "Statement": statements}, False


def _repository(account: str, region: str, name: str) -> _Found:
    from moto.ecr.models import ecr_backends

    held = backend_of(ecr_backends, account, region).repositories
    return account, held[name.removeprefix("repository/")].policy, False


def _role(account: str, _region: str, name: str) -> _Found:
    """Return a role's trust policy; one that is not there trusts nobody."""
    return account, trust.policy(f"arn:aws:iam::{account}:{name}"), True


_LOOK: Mapping[str, Callable[[str, str, str], _Found | None]] = {
    "s3": _bucket,
    "sqs": _queue,
    "sns": _topic,
    "kms": _key,
    "secretsmanager": _secret,
    "lambda": _function,
    "ecr": _repository,
    "iam": _role,
}
