"""Roles, policies, keys; topics and rules, which have policies and targets of their own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.functional.cloudformation_types.conftest import Bench

from underpass.twin.api import patch
from underpass.twin.services.cloudformation.resource_type import ProvisionError
from underpass.twin.services.kms import patches as kms


def document(action: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def test_a_roles_own_policies_follow_the_template_and_others_stay(bench: Bench) -> None:
    iam = bench.clients("iam")
    old = {
        "AssumeRolePolicyDocument": TRUST,
        "Policies": [
            {"PolicyName": "kept", "PolicyDocument": document("s3:GetObject")},
            {"PolicyName": "gone", "PolicyDocument": document("s3:GetObject")},
        ],
    }
    role = bench.create("IAM::Role", **old)
    bench.create(
        "IAM::Policy", PolicyName="other", PolicyDocument=document("s3:*"), Roles=[role.id]
    )
    kept = {"PolicyName": "kept", "PolicyDocument": document("s3:PutObject")}
    new = {"AssumeRolePolicyDocument": TRUST, "Policies": [kept]}
    bench.update("IAM::Role", role, old, new)
    assert set(iam.list_role_policies(RoleName=role.id)["PolicyNames"]) == {"kept", "other"}
    found = iam.get_role_policy(RoleName=role.id, PolicyName="kept")["PolicyDocument"]
    assert found == document("s3:PutObject")


def test_a_failed_role_leaves_nothing(bench: Bench) -> None:
    with pytest.raises(ProvisionError, match="NoSuchEntity"):
        bench.create(
            "IAM::Role",
            AssumeRolePolicyDocument=TRUST,
            ManagedPolicyArns=[
                "arn:aws:iam::aws:policy/ReadOnlyAccess",
                "arn:aws:iam::aws:policy/No",
            ],
        )
    assert bench.clients("iam").list_roles()["Roles"] == []


def test_a_managed_policy_changes_more_often_than_iam_keeps_versions(bench: Bench) -> None:
    old: dict[str, Any] = {"PolicyDocument": document("s3:GetObject")}
    policy = bench.create("IAM::ManagedPolicy", **old)
    for number in range(7):
        new = {"PolicyDocument": document(f"s3:Get{number}")}
        bench.update("IAM::ManagedPolicy", policy, old, new)
        old = new
    iam = bench.clients("iam")
    versions = iam.list_policy_versions(PolicyArn=policy.id)["Versions"]
    default = next(one["VersionId"] for one in versions if one["IsDefaultVersion"])
    found = iam.get_policy_version(PolicyArn=policy.id, VersionId=default)["PolicyVersion"]
    assert len(versions) == 5
    assert found["Document"] == document("s3:Get6")
    bench.delete("IAM::ManagedPolicy", policy, **old)


def test_an_inline_policy_moves_to_another_role(bench: Bench) -> None:
    one, two = (bench.create("IAM::Role", AssumeRolePolicyDocument=TRUST).id for _ in range(2))
    old = {"PolicyName": "p", "PolicyDocument": document("s3:*"), "Roles": [one]}
    policy = bench.create("IAM::Policy", **old)
    bench.update("IAM::Policy", policy, old, {**old, "Roles": [two]})
    iam = bench.clients("iam")
    names = [iam.list_role_policies(RoleName=role)["PolicyNames"] for role in (one, two)]
    assert names == [[], ["p"]]


def test_what_a_key_is_cannot_be_changed(bench: Bench) -> None:
    key = bench.create("KMS::Key", KeySpec="SYMMETRIC_DEFAULT")
    with pytest.raises(ProvisionError, match="cannot change KeySpec"):
        bench.update("KMS::Key", key, {"KeySpec": "SYMMETRIC_DEFAULT"}, {"KeySpec": "RSA_2048"})


def test_a_keys_policy_changes(bench: Bench) -> None:
    patch.apply(kms)
    old, new = ({"KeyPolicy": {"Version": "2012-10-17", "Id": text}} for text in ("a", "b"))
    key = bench.create("KMS::Key", **old)
    bench.update("KMS::Key", key, old, new)
    found = bench.clients("kms").get_key_policy(KeyId=key.id)["Policy"]
    assert json.loads(found)["Id"] == "b"


def test_a_key_is_disabled_enabled_and_scheduled_for_deletion(bench: Bench) -> None:
    kms = bench.clients("kms")
    key = bench.create("KMS::Key", EnableKeyRotation="true")
    assert kms.get_key_rotation_status(KeyId=key.id)["KeyRotationEnabled"]
    bench.update("KMS::Key", key, {"EnableKeyRotation": "true"}, {"Enabled": "false"})
    assert not kms.describe_key(KeyId=key.id)["KeyMetadata"]["Enabled"]
    bench.update("KMS::Key", key, {"Enabled": "false"}, {})
    bench.delete("KMS::Key", key, PendingWindowInDays="7")
    bench.delete("KMS::Key", key, PendingWindowInDays="7")
    assert kms.describe_key(KeyId=key.id)["KeyMetadata"]["KeyState"] == "PendingDeletion"


def test_a_topic_gets_its_default_policy_back(bench: Bench) -> None:
    topic = bench.create("SNS::Topic")
    properties = {"Topics": [topic.id], "PolicyDocument": document("sns:Publish")}
    policy = bench.create("SNS::TopicPolicy", **properties)

    def action() -> Any:
        sns = bench.clients("sns")
        text = sns.get_topic_attributes(TopicArn=topic.id)["Attributes"]["Policy"]
        return json.loads(text)["Statement"][0]["Action"]

    assert action() == "sns:Publish"
    bench.delete("SNS::TopicPolicy", policy, **properties)
    assert "SNS:GetTopicAttributes" in action()


def test_a_rule_goes_with_targets_somebody_else_put(bench: Bench) -> None:
    properties = {"ScheduleExpression": "rate(1 minute)"}
    rule = bench.create("Events::Rule", **properties)
    events = bench.clients("events")
    target = {"Id": "x", "Arn": "arn:aws:lambda:us-east-1:123456789012:function:x"}
    events.put_targets(Rule=rule.id, Targets=[target])
    bench.delete("Events::Rule", rule, **properties)
    assert events.list_rules()["Rules"] == []


def test_a_log_groups_retention_ends_with_its_property(bench: Bench) -> None:
    old = {"LogGroupName": "/a", "RetentionInDays": "30"}
    group = bench.create("Logs::LogGroup", **old)
    logs = bench.clients("logs")
    assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 30
    bench.update("Logs::LogGroup", group, old, {"LogGroupName": "/a"})
    assert "retentionInDays" not in logs.describe_log_groups()["logGroups"][0]
