"""What other accounts than the twin's own cannot have: things that really run there."""

from __future__ import annotations

from underpass.twin.api.refusal import Environ, Refusal, access_key_of
from underpass.twin.region.aws import ACCOUNT_ID
from underpass.twin.region.records import records

# Their controllers know one account. Networks, PrivateLink, private zones, stacks and what is only recorded
# (buckets, queues, tables, keys, secrets) are each account's own.
RUNS_HERE = frozenset(
    {
        *("application-autoscaling", "autoscaling", "ecs", "elasticfilesystem", "events", "lambda"),
        *("elasticloadbalancing", "rds", "scheduler"),
    }
)


def check(environ: Environ, service: str) -> None:
    """Refuse what another account would have run; raises a ``Refusal``."""
    if service in RUNS_HERE and (account := _account(environ)) != ACCOUNT_ID:
        raise Refusal(
            "refused",
            f"The twin runs what {service} makes in account {ACCOUNT_ID} only; {account} asks: make it with "
            "the keys of `underpass env`",
        )


@records()
def _account(environ: Environ) -> str:
    from moto.iam.models import get_account_id_from

    told = environ.get("HTTP_X_MOTO_ACCOUNT_ID")
    return told or str(get_account_id_from(access_key_of(environ)))
