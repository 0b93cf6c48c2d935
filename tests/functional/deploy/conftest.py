"""AWS's services, answered by moto inside the test's own process."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """Return boto3 clients of an empty account."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    made: dict[str, Any] = {}
    with mock_aws():
        session = boto3.session.Session(region_name="us-east-1")

        def get(service: str) -> Any:
            return made.setdefault(service, made.get(service) or session.client(service))

        yield get
