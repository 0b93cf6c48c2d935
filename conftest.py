"""With ``CI=true`` nothing may be skipped: what cannot be tried there must be said, not passed over.

And what hypothesis draws is the same each time there, so that a commit passes or fails for what it changes;
everywhere else it looks further with every run.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from underpass.twin.api.moto_startup import share_descriptions

CI = os.environ.get("CI") == "true"
# No deadline: tests assert behaviour, and a busy machine takes as long as it takes.
settings.register_profile(
    "house", derandomize=CI, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("house")
share_descriptions()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Turn a skip into a failure."""
    report = yield
    if report.skipped and CI and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped with CI=true: {report.longrepr}"
    return report
