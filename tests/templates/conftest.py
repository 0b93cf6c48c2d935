"""The bench of the resource providers: the twin's CloudFormation on plain moto, without namespaces."""

import pytest
from tests.functional.cloudformation_types.conftest import bench, served

from underpass.twin.api import patch
from underpass.twin.services.elbv2 import listeners

__all__ = ["bench", "served"]


@pytest.fixture(scope="session", autouse=True)
def certificates() -> None:
    """Let HTTPS listeners name any certificate, as they may on the twin."""
    patch.apply(listeners)
