"""The calls the registrar really makes: its own code, run as the template configures it, on moto."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
from moto import mock_aws
from tests.templates.evaluator import Call
from tests.templates.sample import Account

from underpass.registrar import index

_PREFIXES = {
    "monitoring": "cloudwatch"
}  # where IAM's name of a service is not the one it signs with


def registrar_calls(account: Account) -> list[Call]:
    """Return every API call of one run that has an address to register and another to remove."""
    (service,) = account.of("service")
    environment = service.properties("RegistrarFunction")["Environment"]["Variables"]
    with mock_aws(), _environment(account), _recording() as recorded:
        made = _make(account)
        settings = {key: _replaced(value, made) for key, value in environment.items()}
        recorded.clear()
        with _environment(account, settings), contextlib.redirect_stdout(io.StringIO()):
            index.handler({}, None)
    back = {value: key for key, value in made.items()}
    return [
        Call(action, _replaced(resource, back), context) for action, resource, context in recorded
    ]


def _make(account: Account) -> dict[str, str]:
    """Make an ALB with one interface, and a target group with a stale target; return names by sample's."""
    ec2, elb = boto3.client("ec2"), boto3.client("elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"{account.config.region}{z}"
        )["Subnet"]["SubnetId"]
        for n, z in enumerate("ab")
    ]
    alb = elb.create_load_balancer(Name="alb", Subnets=subnets)["LoadBalancers"][0]
    port = account.config.listener_port
    group = elb.create_target_group(
        Name="nlb", Protocol="TCP", Port=port, VpcId=vpc, TargetType="ip"
    )["TargetGroups"][0]["TargetGroupArn"]
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": "10.0.0.250", "Port": port}])
    name = alb["LoadBalancerArn"].split("loadbalancer/")[1]
    ec2.create_network_interface(SubnetId=subnets[0], Description=f"ELB {name}")
    return {
        account.named("Alb"): alb["LoadBalancerArn"],
        account.named("NlbTargetGroup"): group,
        account.exports[f"{account.config.name}-foundation-VpcId"]: vpc,
    }


def _replaced(text: str, names: Mapping[str, str]) -> str:
    for name, other in names.items():
        text = text.replace(name, other)
    return text


@contextlib.contextmanager
def _environment(account: Account, more: Mapping[str, str] | None = None) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(
        {
            "AWS_DEFAULT_REGION": account.config.region,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
        }
        | dict(more or {})
    )
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def _recording() -> Iterator[list[tuple[str, str, dict[str, str]]]]:
    """Record every call of the default session: action, resource, and the condition keys of its service."""
    found: list[tuple[str, str, dict[str, str]]] = []

    def record(params: Mapping[str, Any], model: Any, **_: Any) -> None:
        signed = model.service_model.signing_name
        action = f"{_PREFIXES.get(signed, signed)}:{model.name}"
        context = {"cloudwatch:namespace": params["Namespace"]} if "Namespace" in params else {}
        # What can be narrowed is narrowed by its ARN; the others know no resources.
        narrow = params.get("TargetGroupArn", "*") if "Describe" not in model.name else "*"
        found.append((action, narrow, context))

    boto3.setup_default_session()
    session: Any = boto3.DEFAULT_SESSION
    session.events.register("provide-client-params.*.*", record)
    index.client.cache_clear()
    try:
        yield found
    finally:
        index.client.cache_clear()
        boto3.DEFAULT_SESSION = None
