"""The templates underpass emits, through the CloudFormation engine and the resource types, on plain moto."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from tests.functional.cloudformation_types.account import Account, functions_answer, tasks_run
from tests.functional.cloudformation_types.conftest import Bench
from tests.unit.blueprint.configs import CURATED

from underpass.blueprint import Stack, stacks
from underpass.deploy import network

ZONES = {"use1-az6": "us-east-1a", "use1-az1": "us-east-1b"}


@pytest.mark.parametrize(
    "name", ["nat-ec2-everything", "endpoints-fargate-everything", "alb-targets", "rotation"]
)
def test_stacks_deploy_and_go(bench: Bench, name: str) -> None:
    config = CURATED[name]
    account = Account(bench)
    tasks_run(bench)
    functions = functions_answer(bench)
    count = len(stacks(config)) - len(config.consumers)
    foundation, *serving = stacks(config)[:count]
    consumers = stacks(config)[count:]
    made = account.create(foundation.name, foundation.body(), **looked_up(bench, foundation))
    known = {
        **made,
        "Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/n:1",
        "InstanceImage": "ami-12345678",
    }
    for stack in serving:
        known |= account.create(stack.name, stack.body(), **asked(stack, known))
    alarms = bench.clients("cloudwatch").describe_alarms()["MetricAlarms"]
    assert {action for alarm in alarms for action in alarm["AlarmActions"]} >= {made["TopicArn"]}
    vpc, subnets = bench.subnets()
    for consumer in consumers:
        found = account.create(
            consumer.name,
            consumer.body(),
            EndpointServiceName=known["EndpointServiceName"],
            VpcId=vpc,
            SubnetIds=",".join(subnets),
        )
        assert found["EndpointId"].startswith("vpce-")
    for stack in reversed(stacks(config)):  # nothing is in the way: nobody has asked for protection
        account.remove(stack.name)
    if config.database:
        assert (functions.kinds()[0], functions.kinds()[-1]) == ("Create", "Delete")


def asked(stack: Stack, known: Mapping[str, str]) -> dict[str, str]:
    return {name: known[name] for name in stack.template.get("Parameters", {}) if name in known}


def looked_up(bench: Bench, foundation: Stack) -> dict[str, str]:
    return network.parameters(bench.clients("ec2"), foundation, "us-east-1", ZONES)
