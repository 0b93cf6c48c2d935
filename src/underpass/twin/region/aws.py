"""boto3 clients that talk to the twin's own API, made once each and shared between threads."""

from __future__ import annotations

import copy
import os
import secrets
import threading
from collections import Counter
from typing import Any

from underpass.twin.region import botocore_speed, direct
from underpass.twin.region.credentials import Credentials

ACCESS_KEY = "underpass"
# Within the region nobody asks for the secret; out on the internet it is this process's own.
INSIDE = Credentials(ACCESS_KEY, secrets.token_urlsafe(30))
ACCOUNT_ID = "123456789012"  # moto's own: where the application is


class Clients:
    """The AWS clients of one region, by service name: ``clients("ec2").describe_vpcs()``.

    Parameters
    ----------
    endpoint_url
        Where the region's API listens.
    region
        The AWS region the twin stands in for.
    key
        What its calls are signed with.
    """

    def __init__(self, endpoint_url: str, region: str, key: Credentials = INSIDE) -> None:
        self.endpoint_url = endpoint_url
        self.region = region
        self.account = ACCOUNT_ID
        self._key = key
        self.calls: Counter[tuple[str, str]] = Counter()  # made directly, by thread and action
        self._lock = threading.Lock()
        self._session: Any = None
        self._made: dict[str, Any] = {}
        self._application: direct.Application | None = None
        self._by_account = {ACCOUNT_ID: self}

    def attach(self, application: direct.Application) -> None:
        """Have the clients made from now on ask ``application``, which is in this process, directly."""
        self._application = application

    def of(self, account: str) -> Clients:
        """Return the clients of an account, as whose administrator they call; within the region only."""
        with self._lock:
            if account not in self._by_account:
                there = copy.copy(self)
                there.account = account
                there._made = {}  # noqa: SLF001  it is of this class
                self._by_account[account] = there
            return self._by_account[account]

    def __call__(self, service: str) -> Any:
        """Return the client for ``service``, making it on first use."""
        made = self._made.get(service)
        if made is not None:
            return made
        with self._lock:
            if service not in self._made:
                self._made[service] = self._make(service)
            return self._made[service]

    def _make(self, service: str) -> Any:
        from botocore.config import Config
        from botocore.session import Session

        if self._session is None:
            botocore_speed.improve()
            # What a user has set is for AWS, not for a region on this machine.
            self._session = Session(
                {
                    name: (None, None, *rest)
                    for name, (_, _, *rest) in Session.SESSION_VARIABLES.items()
                }
                | dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
            )
            self._session.set_credentials(
                self._key.access_key_id, self._key.secret_access_key, self._key.session_token
            )
        config = Config(
            region_name=self.region,
            user_agent="underpass",  # botocore's own is put together anew for each call
            proxies={},
            use_fips_endpoint=False,
            use_dualstack_endpoint=False,
            max_pool_connections=32,
            retries={"total_max_attempts": 1},
            connect_timeout=5,
            read_timeout=60,
            s3={"addressing_style": "path"},
        )
        client = self._session.create_client(service, endpoint_url=self.endpoint_url, config=config)
        if self._application is not None:
            direct.connect(client, self._application, self.calls, self.account)
        return client
