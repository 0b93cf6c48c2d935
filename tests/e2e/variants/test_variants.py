"""Configurations other than the example's: each comes up, is reached, and changes into another."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.machine import Footprint, Project, client, copy_of_example

_NETWORK = """
[network]
vpc_id = "vpc-0123456789abcdef0"
app_subnets = ["subnet-0123456a", "subnet-0123456b"]
data_subnets = ["subnet-0123456c", "subnet-0123456d"]
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    before = Footprint.now()
    made = Project(copy_of_example(tmp_path))
    yield made
    made.run("down")
    assert Footprint.now() == before


def configure(project: Project, old: str, new: str) -> None:
    file = project.folder / "underpass.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def outputs(summary: Any, stack: str) -> dict[str, str]:
    found = client(summary, "cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}


def notes(summary: Any) -> list[Any]:
    url = summary["consumers"]["analytics"]["url"]
    with urllib.request.urlopen(f"{url}api/notes", timeout=20) as answer:
        found: list[Any] = json.load(answer)
    return found


def test_an_existing_vpc_whose_nlb_finds_the_alb_in_either_way(project: Project) -> None:
    configure(project, "[database]", f"{_NETWORK}\n[database]")
    summary = project.up()
    assert notes(summary)
    foundation = outputs(summary, "notes-foundation")
    ec2 = client(summary, "ec2")
    (vpc,) = ec2.describe_vpcs(VpcIds=[foundation["VpcId"]])["Vpcs"]
    made_by = [tag for tag in vpc["Tags"] if tag["Key"].startswith("aws:cloudformation")]
    assert not made_by, "the VPC belongs to nobody's stack"
    stack = client(summary, "cloudformation").describe_stack_resources(StackName="notes-foundation")
    kinds = {resource["ResourceType"] for resource in stack["StackResources"]}
    assert kinds.isdisjoint({"AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::NatGateway"})

    service = outputs(summary, "notes-path")
    configure(project, "[privatelink]", '[privatelink]\nalb_targets = "alb"')
    summary = project.up()
    assert notes(summary)
    after = outputs(summary, "notes-path")
    assert after["NlbTargetGroupArn"] != service["NlbTargetGroupArn"]
    assert after["NlbArn"] == service["NlbArn"]
    elb = client(summary, "elbv2")
    (target,) = elb.describe_target_health(TargetGroupArn=after["NlbTargetGroupArn"])[
        "TargetHealthDescriptions"
    ]
    assert target["Target"]["Id"] == after["AlbArn"]

    configure(project, 'alb_targets = "alb"', 'alb_targets = "lambda"')
    summary = project.up()
    assert notes(summary)
    assert outputs(summary, "notes-path")["AlbArn"] == service["AlbArn"]
    assert outputs(summary, "notes-foundation") == foundation


def test_who_connects_is_told_to_the_topic(project: Project) -> None:
    summary = project.up()
    sns, sqs, ec2 = (client(summary, name) for name in ("sns", "sqs", "ec2"))
    queue = sqs.create_queue(QueueName="told")["QueueUrl"]
    wanted = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    topic = outputs(summary, "notes-foundation")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=wanted["QueueArn"])
    endpoint = outputs(summary, "notes-consumer-analytics")["EndpointId"]
    service = outputs(summary, "notes-path")["EndpointServiceId"]
    ec2.reject_vpc_endpoint_connections(ServiceId=service, VpcEndpointIds=[endpoint])
    ec2.accept_vpc_endpoint_connections(ServiceId=service, VpcEndpointIds=[endpoint])
    told = []
    for _ in range(2):
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]:
            told.append(json.loads(json.loads(message["Body"])["Message"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        if len(told) == 2:
            break
    assert [(one["Event"], one["VpcEndpointId"]) for one in told] == [
        ("Reject", endpoint),
        ("Accept", endpoint),
    ]
