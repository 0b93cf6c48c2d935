"""What is there already, as the twin stands in for it, and the stacks that use it, on plain moto."""

from __future__ import annotations

from tests.functional.cloudformation_types.account import Account
from tests.functional.cloudformation_types.conftest import Bench
from tests.functional.cloudformation_types.test_blueprint import asked, looked_up
from tests.unit.blueprint.configs import ACCOUNT, EVERYTHING, THERE, config

from underpass.blueprint import stacks
from underpass.twin.host import stand_ins

OURS = "123456789012"


def test_they_are_made_once_in_the_twins_own_account(bench: Bench) -> None:
    wanted = config(**EVERYTHING, **ACCOUNT, **THERE)
    made = stand_ins.ensure(bench.clients, wanted)
    assert stand_ins.ensure(bench.clients, wanted) == made
    assert made.permissions_boundary == f"arn:aws:iam::{OURS}:policy/apps/boundary"
    assert made.alarms.topic == f"arn:aws:sns:us-east-1:{OURS}:alarms"
    key = bench.clients("kms").describe_key(KeyId=made.kms_key)["KeyMetadata"]
    assert key["Enabled"]
    assert bench.clients("iam").get_policy(PolicyArn=made.permissions_boundary)["Policy"]
    assert "Policy" in bench.clients("s3").get_bucket_policy(Bucket="central-logs")
    plain = config(**EVERYTHING)
    assert stand_ins.ensure(bench.clients, plain) == plain
    aws = config(permissions_boundary="arn:aws:iam::aws:policy/PowerUserAccess")
    assert stand_ins.ensure(bench.clients, aws) == aws


def test_the_stacks_use_them_and_make_none(bench: Bench) -> None:
    made = stand_ins.ensure(bench.clients, config(**EVERYTHING, **ACCOUNT, **THERE))
    foundation, path = stacks(made)[:2]
    account = Account(bench)
    known = account.create(foundation.name, foundation.body(), **looked_up(bench, foundation))
    assert (known["KeyArn"], known["TopicArn"]) == (made.kms_key, made.alarms.topic)
    known |= account.create(path.name, path.body(), **asked(path, known))
    (role, *_) = (
        ref for name, ref in account.resources(path.name).items() if name.endswith("Role")
    )
    found = bench.clients("iam").get_role(RoleName=role)["Role"]
    assert found["Path"] == "/apps/"
    boundary = found["PermissionsBoundary"]["PermissionsBoundaryArn"]
    assert boundary == made.permissions_boundary
