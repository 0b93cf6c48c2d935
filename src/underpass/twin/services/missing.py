"""Actions and corrections moto lacks that have nothing running behind them: what is asked is recorded.

Whatever does run something on the twin has a module of its own beside this one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def install() -> None:
    """Patch moto; once is enough, and more does no harm."""
    from moto.cloudwatch.responses import CloudWatchResponse
    from moto.ec2.models.security_groups import SecurityGroupRule
    from moto.efs.responses import EFSResponse
    from moto.iam.models import IAMBackend
    from moto.rds.models import RDSBackend
    from moto.rds.responses import RDSResponse

    CloudWatchResponse.put_composite_alarm = CloudWatchResponse.put_metric_alarm
    SecurityGroupRule.__eq__ = _same_rule
    EFSResponse.put_backup_policy = _put_backup_policy
    EFSResponse.update_file_system = _update_file_system
    if IAMBackend.attach_role_policy.__module__ != __name__:
        IAMBackend.attach_role_policy = _attaching(IAMBackend.attach_role_policy)
    RDSBackend.modify_db_subnet_group = _modify_db_subnet_group
    RDSResponse.reset_db_parameter_group = _reset_db_parameter_group


def _same_rule(rule: Any, other: Any) -> bool:
    """Compare rules by what they allow; in moto a group's description makes another rule of it."""
    return _allowed(rule) == _allowed(other)


def _allowed(rule: Any) -> tuple[Any, ...]:
    group = {key: value for key, value in rule.source_group.items() if key != "Description"}
    ports = (rule.from_port, rule.to_port) if rule.ip_protocol != "-1" else ()
    blocks = (rule.ip_range.get("CidrIp"), rule.ip_range.get("CidrIpv6"))
    return (rule.ip_protocol, ports, blocks, group, rule.prefix_list_id)


def _put_backup_policy(response: Any) -> Any:
    policy = response._get_param("BackupPolicy")  # noqa: SLF001
    _file_system(response)._backup = policy["Status"] == "ENABLED"  # noqa: SLF001  moto has no setter
    return json.dumps({"BackupPolicy": policy}), {"Content-Type": "application/json"}


def _update_file_system(response: Any) -> Any:
    system = _file_system(response)
    mode = response._get_param("ThroughputMode")  # noqa: SLF001
    system.throughput_mode = mode or system.throughput_mode
    system.provisioned_throughput_in_mibps = response._get_param("ProvisionedThroughputInMibps")  # noqa: SLF001
    return json.dumps(system.info_json()), {"status": 202, "Content-Type": "application/json"}


def _file_system(response: Any) -> Any:
    from moto.efs.exceptions import FileSystemNotFound

    system_id = response._get_param("FileSystemId")  # noqa: SLF001
    system = response.efs_backend.file_systems_by_id.get(system_id)
    if system is None:
        raise FileSystemNotFound(system_id)
    return system


def _attaching(original: Callable[..., Any]) -> Callable[..., Any]:
    """Let AWS's own policies be attached: moto knows all of them or none, and all take a second to load."""

    def attach_role_policy(backend: Any, policy_arn: str, role_name: str) -> Any:
        from moto.iam.aws_managed_policies import aws_managed_policies_data
        from moto.iam.models import AWSManagedPolicy

        if ":iam::aws:policy/" in policy_arn and policy_arn not in backend.managed_policies:
            name = policy_arn.rpartition("/")[2]
            known = json.loads(aws_managed_policies_data).get(name)
            if known:
                policy = AWSManagedPolicy.from_data(
                    name, backend.account_id, backend.region_name, known
                )
                backend.managed_policies[policy.arn] = policy
        return original(backend, policy_arn, role_name)

    return attach_role_policy


def _modify_db_subnet_group(backend: Any, name: str, description: str | None, subnets: Any) -> Any:
    """Change the group and keep it: moto's own takes it out of its table."""
    group = backend.describe_db_subnet_groups(name)[0]
    group.subnets = subnets
    if description is not None:
        group.description = description
    return group


def _reset_db_parameter_group(response: Any) -> Any:
    from moto.core.responses import ActionResult
    from moto.rds.exceptions import DBParameterGroupNotFoundError

    name = response.params["DBParameterGroupName"]
    group = response.backend.db_parameter_groups.get(name)
    if group is None:
        raise DBParameterGroupNotFoundError(name)
    if response.params.get("ResetAllParameters"):
        group.parameters.clear()
    for parameter in response.params.get("Parameters", []):
        group.parameters.pop(parameter["ParameterName"], None)
    return ActionResult({"DBParameterGroupName": name})
