"""The templates underpass emits, through the CloudFormation engine and the resource types, on plain moto."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from tests.functional.answering import Answering
from tests.functional.cloudformation_types.account import Account, tasks_run
from tests.functional.cloudformation_types.conftest import Bench
from tests.unit.blueprint.configs import CURATED

from underpass.blueprint import Stack, stacks
from underpass.config.model import Config
from underpass.deploy import network
from underpass.deploy.stacks import protection
from underpass.deploy.stacks.events import StackEvent
from underpass.twin.api import patch
from underpass.twin.services.lambda_ import patches as lambda_


@pytest.mark.parametrize(
    "name", ["nat-ec2-everything", "endpoints-fargate-everything", "alb-targets", "rotation"]
)
def test_stacks_deploy_and_go(bench: Bench, name: str) -> None:
    config = CURATED[name]
    account = Account(bench)
    tasks_run(bench)
    patch.apply(lambda_)
    functions = Answering(bench.clients.endpoint_url)
    lambda_.attach(functions)
    foundation, service, monitoring, *consumers = stacks(config)
    given = looked_up(bench, foundation)
    made = account.create(foundation.name, foundation.body(), **given)
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/n:1"
    served = asked(service, {**made, "Image": image})
    offered = account.create(service.name, service.body(), **served)
    known = {**made, **offered, "Zone1": "us-east-1a", "Zone2": "us-east-1b"}
    account.create(monitoring.name, monitoring.body(), **asked(monitoring, known))
    alarms = bench.clients("cloudwatch").describe_alarms()["MetricAlarms"]
    assert {action for alarm in alarms for action in alarm["AlarmActions"]} >= {made["TopicArn"]}
    vpc, subnets = bench.subnets()
    for consumer in consumers:
        found = account.create(
            consumer.name,
            consumer.body(),
            EndpointServiceName=offered["EndpointServiceName"],
            VpcId=vpc,
            ConsumerCidr="10.0.0.0/16",
            SubnetIds=",".join(subnets),
        )
        assert found["EndpointId"].startswith("vpce-")
    unprotect(account, config, given, served)
    for stack in (*reversed(consumers), monitoring, service, foundation):
        account.remove(stack.name)
    if config.database:
        assert (functions.kinds()[0], functions.kinds()[-1]) == ("Create", "Delete")


def asked(stack: Stack, known: Mapping[str, str]) -> dict[str, str]:
    return {name: known[name] for name in stack.template["Parameters"] if name in known}


def looked_up(bench: Bench, foundation: Stack) -> dict[str, str]:
    return network.parameters(bench.clients("ec2"), foundation, "us-east-1")


def unprotect(account: Account, config: Config, *given: dict[str, str]) -> None:
    """Take protection away, as whoever wants to delete a production stack has to."""
    clients = account.bench.clients
    for group in clients("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]:
        name = group["AutoScalingGroupName"]
        going = StackEvent("1", "AutoScalingGroup", name, protection.GROUP, "DELETE_IN_PROGRESS")
        protection.release(clients, [going])
    opened = stacks(config.model_copy(update={"production": False}))[:2]
    for before, stack, parameters in zip(stacks(config)[:2], opened, given, strict=True):
        if stack.body() != before.body():
            account.update(stack.name, stack.body(), **parameters)
