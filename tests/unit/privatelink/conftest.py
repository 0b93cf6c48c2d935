"""The same APIs as load balancing's tests have."""

from tests.unit.elbv2.conftest import apis, clients

__all__ = ["apis", "clients"]
