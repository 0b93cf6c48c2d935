"""DB subnet groups and parameter groups in moto, corrected."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.rds.exceptions import DBParameterGroupNotFoundError
from moto.rds.models import RDSBackend
from moto.rds.responses import RDSResponse

from underpass.twin.api import patch


@patch.replace(RDSBackend, "modify_db_subnet_group")
def _modify_db_subnet_group(backend: Any, name: str, description: str | None, subnets: Any) -> Any:
    """Change the group and keep it: moto's own takes it out of its table."""
    group = backend.describe_db_subnet_groups(name)[0]
    group.subnets = subnets
    if description is not None:
        group.description = description
    return group


@patch.add(RDSResponse, "reset_db_parameter_group")
def _reset_db_parameter_group(response: Any) -> Any:
    name = response.params["DBParameterGroupName"]
    group = response.backend.db_parameter_groups.get(name)
    if group is None:
        raise DBParameterGroupNotFoundError(name)
    if response.params.get("ResetAllParameters"):
        group.parameters.clear()
    for parameter in response.params.get("Parameters", []):
        group.parameters.pop(parameter["ParameterName"], None)
    return ActionResult({"DBParameterGroupName": name})
