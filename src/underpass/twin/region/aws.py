"""boto3 clients that talk to the twin's own API, made once each and shared between threads."""

from __future__ import annotations

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
ACCOUNT_ID = "123456789012"  # moto's account; a twin is one account


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
        self._key = key
        self.calls: Counter[tuple[str, str]] = Counter()  # made directly, by thread and action
        self._lock = threading.Lock()
        self._session: Any = None
        self._made: dict[str, Any] = {}
        self._application: direct.Application | None = None

    def attach(self, application: direct.Application) -> None:
        """Have the clients made from now on ask ``application``, which is in this process, directly."""
        self._application = application

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
            self._session.set_credentials(self._key.access_key_id, self._key.secret_access_key)
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
            direct.connect(client, self._application, self.calls)
        return client
