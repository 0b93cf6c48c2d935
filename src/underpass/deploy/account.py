"""An AWS account, reached with the credentials and the endpoints that every AWS tool finds."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import boto3

from underpass.registrar import index


class Account:
    """The provider's account in one region.

    Credentials come from the environment, the shared files or a role, ``AWS_PROFILE`` chooses among them.
    https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
    """

    def __init__(self, region: str) -> None:
        self._region = region

    @cached_property
    def _session(self) -> Any:
        return boto3.Session(region_name=self._region)

    def client(self, service: str) -> Any:
        """Return a boto3 client; raises botocore's own errors when there is no such profile."""
        return self._session.client(service)

    def resolve(self, name: str) -> frozenset[str]:
        """Return a name's addresses, as this machine's resolver has them; raises OSError when it has none.

        An internal load balancer's name is known everywhere: it answers with private addresses.
        """
        return index.lookup(name)
