"""Other accounts of the twin, entered as the administrator of an organization enters its members."""

from __future__ import annotations

from functools import cache

from underpass.twin.region.accounts import entry
from underpass.twin.region.aws import ACCOUNT_ID, Clients
from underpass.twin.region.credentials import Credentials

_SESSION = "underpass"


def key(clients: Clients, account: str) -> Credentials:
    """Return a key of an account's, which is good for an hour; ``clients`` are the administrator's."""
    taken = clients("sts").assume_role(RoleArn=entry(account), RoleSessionName=_SESSION)
    given = taken["Credentials"]
    return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


@cache
def enter(clients: Clients, account: str) -> Clients:
    """Return clients in an account, made once; ``clients`` are the administrator's."""
    if account in {"", ACCOUNT_ID}:
        return clients
    return Clients(clients.endpoint_url, clients.region, key(clients, account))
