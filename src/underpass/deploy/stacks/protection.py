"""Deletion protection of what never came to be.

A stack whose first creation fails is rolled back, and the rollback cannot delete a load balancer or a
database that is protected already: the stack stays ROLLBACK_FAILED, and the next deployment could not clear
it away. What such a stack holds has never served anyone. What a stack that once stood holds stays protected.

Instances are another matter: they hold nothing, and are protected from scale-in so that ECS decides which one
may go. CloudFormation deletes their group by scaling it to none, and would wait for them in vain.
https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-instance-protection.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from underpass.deploy.stacks import stack
from underpass.deploy.stacks.events import StackEvent
from underpass.deploy.steps import Step

GROUP = "AWS::AutoScaling::AutoScalingGroup"
_MOST_INSTANCES = 50  # in one call
_NEVER_STOOD = frozenset({"CREATE_FAILED", "ROLLBACK_FAILED"})


def lift(client: Callable[[str], Any], name: str, step: Step) -> None:
    """Take deletion protection from what is left of a creation that failed; see to it that it has ended.

    Parameters
    ----------
    client
        Returns a boto3 client of a service.
    name
        The stack; it may not exist.
    """
    cloudformation = client("cloudformation")
    found = stack.at_rest(cloudformation, name, step)
    if found is None or found.status not in _NEVER_STOOD:
        return
    for resource in stack.listed(cloudformation, found.id):
        if unprotect := _WAYS.get(resource["ResourceType"]):
            unprotect(client, resource["PhysicalResourceId"])


def release(client: Callable[[str], Any], events: Iterable[StackEvent]) -> None:
    """Let the instances go of each Auto Scaling group that, as ``events`` tell, is being deleted."""
    for event in events:
        if event.type == GROUP and event.status == "DELETE_IN_PROGRESS":
            _instances(client, event.physical_id)


def _instances(client: Callable[[str], Any], group: str) -> None:
    autoscaling = client("autoscaling")
    named = {"AutoScalingGroupName": group}
    found = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[group])
    for one in found["AutoScalingGroups"]:
        autoscaling.update_auto_scaling_group(**named, NewInstancesProtectedFromScaleIn=False)
        ids = [here["InstanceId"] for here in one["Instances"] if here["ProtectedFromScaleIn"]]
        for start in range(0, len(ids), _MOST_INSTANCES):
            batch = ids[start : start + _MOST_INSTANCES]
            autoscaling.set_instance_protection(
                **named, InstanceIds=batch, ProtectedFromScaleIn=False
            )


def _load_balancer(client: Callable[[str], Any], arn: str) -> None:
    off = {"Key": "deletion_protection.enabled", "Value": "false"}
    client("elbv2").modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[off])


def _database(client: Callable[[str], Any], name: str) -> None:
    client("rds").modify_db_instance(
        DBInstanceIdentifier=name, DeletionProtection=False, ApplyImmediately=True
    )


_WAYS: Mapping[str, Callable[[Callable[[str], Any], str], None]] = {
    "AWS::ElasticLoadBalancingV2::LoadBalancer": _load_balancer,
    "AWS::RDS::DBInstance": _database,
    GROUP: _instances,
}
