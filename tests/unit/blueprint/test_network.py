"""Flow logs, and what leads out of the network."""

from __future__ import annotations

from tests.unit.blueprint.configs import CURATED, config
from tests.unit.blueprint.templates import by_part, resource, resources


def test_every_flow_is_logged_encrypted_and_for_a_while() -> None:
    foundation = by_part(CURATED["nat-ec2-nothing"])[0]
    (log,) = resources(foundation, "EC2::FlowLog").values()
    assert (log["ResourceType"], log["ResourceId"]) == ("VPC", {"Ref": "Vpc"})
    assert log["TrafficType"] == "ALL"
    assert log["LogGroupName"] == {"Ref": "FlowLogGroup"}
    group = resource(foundation, "FlowLogGroup")
    assert group["KmsKeyId"] == {"Fn::GetAtt": ["Key", "Arn"]}
    assert group["RetentionInDays"] > 0


def test_flow_logs_are_delivered_for_this_account_only() -> None:
    role = resource(by_part(CURATED["nat-ec2-nothing"])[0], "FlowLogRole")
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert trust["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"].endswith(":vpc-flow-log/*")
    (statement,) = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert statement["Resource"] == {"Fn::GetAtt": ["FlowLogGroup", "Arn"]}


def test_without_flow_logs_there_is_nothing_of_them() -> None:
    foundation = by_part(config(network={"flow_logs": False}))[0]
    assert not any("Flow" in name for name in foundation.template["Resources"])
