"""The key's policy, asked as KMS asks it: who may do what, through which service, for whom."""

import fnmatch
from typing import Any

import pytest
from tests.unit.blueprint.configs import EVERYTHING, JOBS, config
from tests.unit.blueprint.templates import by_part, resource

ACCOUNT = "111111111111"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
VALUES = {
    "${AWS::Partition}": "aws",
    "${AWS::AccountId}": ACCOUNT,
    "${AWS::Region}": "us-east-1",
    "${AWS::URLSuffix}": "amazonaws.com",
}
USE = ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey")


def filled(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"Ref"}:
            return VALUES[f"${{{value['Ref']}}}"]
        if set(value) == {"Fn::Sub"}:
            text: str = value["Fn::Sub"]
            for name, known in VALUES.items():
                text = text.replace(name, known)
            return text
        return {key: filled(inner) for key, inner in value.items()}
    return [filled(inner) for inner in value] if isinstance(value, list) else value


def statements(**sections: Any) -> list[dict[str, Any]]:
    key = resource(by_part(config(**sections))[0], "Key")
    found: list[dict[str, Any]] = filled(key["KeyPolicy"])["Statement"]
    return found


def holds(operator: str, key: str, wanted: str, context: dict[str, str]) -> bool:
    if key not in context:
        return operator.endswith("IfExists")
    if operator == "ArnLike":
        patterns = [wanted] if isinstance(wanted, str) else wanted
        return any(fnmatch.fnmatchcase(context[key], one) for one in patterns)
    assert operator in {"StringEquals", "StringEqualsIfExists", "Bool"}
    return context[key] == wanted


def allowed(
    action: str, principal: tuple[str, str], policy: list[dict[str, Any]], **context: str
) -> bool:
    kind, name = principal
    spoken = {key.replace("__", ":"): value for key, value in context.items()}
    for statement in policy:
        assert statement["Effect"] == "Allow"
        names = statement["Principal"].get(kind, [])
        if name not in ([names] if isinstance(names, str) else names):
            continue
        conditions = statement.get("Condition", {})
        if action in statement["Action"] and all(
            holds(operator, key, wanted, spoken)
            for operator, pairs in conditions.items()
            for key, wanted in pairs.items()
        ):
            return True
    return False


def through(service: str, action: str, policy: list[dict[str, Any]], **more: str) -> bool:
    caller = {"kms__CallerAccount": ACCOUNT, **more}
    via = f"{service}.us-east-1.amazonaws.com"
    return allowed(action, ("AWS", ROOT), policy, kms__ViaService=via, **caller)


EVERYBODY = statements(**EVERYTHING)
FEW = statements()


def test_nobody_is_locked_out_and_administration_reads_nothing() -> None:
    for action in ("kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:DescribeKey"):
        assert allowed(action, ("AWS", ROOT), FEW)
    for action in ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:CreateGrant"):
        assert not allowed(action, ("AWS", ROOT), EVERYBODY)
    assert not any("*" in action for one in EVERYBODY for action in one["Action"])


@pytest.mark.parametrize("service", ["ecr", "elasticfilesystem", "rds", "s3", "secretsmanager"])
def test_each_store_is_used_through_its_own_service(service: str) -> None:
    assert all(through(service, action, EVERYBODY) for action in USE)
    assert not through(service, "kms:Decrypt", EVERYBODY, kms__CallerAccount="2" * 12)
    assert through(service, "kms:Decrypt", FEW) == (
        service in {"ecr", "s3"}
    )  # images; the work bucket


def test_grants_are_given_to_services_for_themselves_only() -> None:
    for service in ("ecr", "elasticfilesystem", "rds"):
        grant = {"kms__GrantIsForAWSResource": "true"}
        assert through(service, "kms:CreateGrant", EVERYBODY, **grant)
        grant = {"kms__GrantIsForAWSResource": "false"}
        assert not through(service, "kms:CreateGrant", EVERYBODY, **grant)
    assert not through("s3", "kms:CreateGrant", EVERYBODY, kms__GrantIsForAWSResource="true")


def test_logs_encrypt_the_applications_own_groups() -> None:
    logs = ("Service", "logs.us-east-1.amazonaws.com")
    context = "kms:EncryptionContext:aws:logs:arn"
    for group, expected in (
        ("/underpass/notes/service", True),
        ("/underpass/notes2/service", False),
        ("notes-foundation-FlowLogGroup-AbC123", True),
        ("notes-capacity-ExecLogGroup-AbC123", True),
        ("notes-foundation-OtherGroup-AbC123", False),
        ("other-foundation-FlowLogGroup-AbC123", False),
        ("/aws/lambda/other", False),
    ):
        arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{group}"
        for action in ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey"):
            assert allowed(action, logs, FEW, **{context: arn}) == expected
    elsewhere = f"arn:aws:logs:us-east-1:{'2' * 12}:log-group:/underpass/notes/service"
    assert not allowed("kms:Decrypt", logs, FEW, **{context: elsewhere})


@pytest.mark.parametrize("service", ["cloudwatch", "vpce"])
def test_who_publishes_to_the_topic_may_encrypt_for_this_account(service: str) -> None:
    principal = ("Service", f"{service}.amazonaws.com")
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        assert allowed(action, principal, FEW, aws__SourceAccount=ACCOUNT)
        assert allowed(action, principal, FEW)  # EventBridge does not say for whom
        assert not allowed(action, principal, FEW, aws__SourceAccount="2" * 12)
    assert not allowed("kms:CreateGrant", principal, FEW)


def test_eventbridge_publishes_only_where_there_are_jobs() -> None:
    principal = ("Service", "events.amazonaws.com")
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        assert allowed(action, principal, statements(jobs=JOBS))
        assert not allowed(action, principal, FEW)
