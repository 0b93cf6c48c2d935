"""The accounts of the region: the twin's own, and every other that somebody has worked in.

An account is there as soon as somebody calls as one of its principals; see ``services.iam.accounts``.
"""

from __future__ import annotations

from underpass.twin.region.aws import ACCOUNT_ID, Clients
from underpass.twin.region.records import records

# The role that Organizations makes in an account, for the administrator of the organization.
# https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_access.html
ENTRY = "OrganizationAccountAccessRole"


def entry(account: str) -> str:
    """Return the ARN of the role by which the twin's administrator comes into an account."""
    return f"arn:aws:iam::{account}:role/{ENTRY}"


@records()
def accounts() -> tuple[str, ...]:
    """Return the accounts that may have a network, the twin's own first."""
    from moto.ec2.models import ec2_backends

    return (ACCOUNT_ID, *sorted(ec2_backends.keys() - {ACCOUNT_ID}))


def everybody(clients: Clients) -> tuple[Clients, ...]:
    """Return the clients of every account there is."""
    return tuple(clients.of(account) for account in accounts())
