"""The end of the balancers, while timers of theirs still end by themselves."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from underpass.twin.region.aws import Clients
from underpass.twin.region.context import Region
from underpass.twin.region.reconcile import ChangeFeed
from underpass.twin.services.elbv2.controller import Balancers
from underpass.twin.services.elbv2.health import HealthTable


class Ending:
    """A timer that goes off while it is being cancelled."""

    def __init__(self, balancers: Balancers, arn: str) -> None:
        self._balancers, self._arn = balancers, arn

    def cancel(self) -> None:
        self._balancers._drained(self._arn)


def test_drains_that_end_meanwhile_do_not_keep_the_balancers_from_stopping() -> None:
    nowhere = Path("/nonexistent")
    region = Region("us-east-1", Clients("http://127.0.0.1:1", "us-east-1"), ChangeFeed(), nowhere)
    fabric: Any = SimpleNamespace(socket=None)
    balancers = Balancers(region, fabric, HealthTable())
    drains: dict[str, Any] = balancers._drains
    for arn in ("arn:1", "arn:2"):
        drains[arn] = Ending(balancers, arn)
    balancers.stop()
    assert balancers._drains == {}
