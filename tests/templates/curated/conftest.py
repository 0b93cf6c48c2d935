"""The bench of the resource providers: the twin's CloudFormation on plain moto, without namespaces."""

from tests.functional.resources.conftest import bench, served

__all__ = ["bench", "served"]
