"""One run against fakes: what it does, what it says, and that no failure is silent."""

import ast
import json
import sys
from pathlib import Path

import pytest
from tests.unit.registrar.fakes import ALB, GROUP, OTHER_GROUP, VPC, Ec2, Elbv2

from underpass.registrar import index
from underpass.registrar.index import RunFailedError, SettingError, Settings, Target, run

ENVIRONMENT = {"LOAD_BALANCER_ARN": ALB, "VPC_ID": VPC, "TARGET_GROUPS": f"{GROUP}=80"}
TWO_GROUPS = ENVIRONMENT | {"TARGET_GROUPS": f"{GROUP}=80,{OTHER_GROUP}=443"}


def test_a_run_repairs_every_group_on_its_own_port() -> None:
    elbv2 = Elbv2({GROUP: {Target("10.0.0.9", 80): "healthy"}, OTHER_GROUP: {}})
    report = run(Settings.read(TWO_GROUPS), Ec2(["10.0.0.1", "10.0.0.2", "10.0.0.3"]), elbv2)
    for arn, port in ((GROUP, 80), (OTHER_GROUP, 443)):
        assert elbv2.serving(arn) == {Target(f"10.0.0.{n}", port) for n in (1, 2, 3)}
    assert report["target_groups"][0]["deregistered"] == ["10.0.0.9"]


def test_a_run_without_work_makes_two_calls() -> None:
    ec2, elbv2 = Ec2(["10.0.0.1"]), Elbv2({GROUP: {Target("10.0.0.1", 80): "healthy"}})
    run(Settings.read(ENVIRONMENT), ec2, elbv2)
    assert ec2.called + elbv2.called == ["describe_network_interfaces", "describe_target_health"]


def test_new_addresses_come_before_old_ones_go() -> None:
    elbv2 = Elbv2({GROUP: {Target("10.0.0.9", 80): "healthy"}})
    run(Settings.read(ENVIRONMENT), Ec2(["10.0.0.1"]), elbv2)
    assert elbv2.called == ["describe_target_health", "register_targets", "deregister_targets"]


def test_each_run_writes_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    elbv2 = Elbv2({GROUP: {Target(f"10.0.0.{n}", 80): "healthy" for n in (8, 9)}})
    run(Settings.read(ENVIRONMENT | {"MAX_REMOVALS": "1"}), Ec2(["10.0.0.1"]), elbv2)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {
        "event": "registrar",
        "load_balancer": "ELB app/notes/0123456789abcdef",
        "addresses": ["10.0.0.1"],
        "target_groups": [
            {
                "arn": GROUP,
                "registered": ["10.0.0.1"],
                "deregistered": ["10.0.0.8"],
                "held_back": ["10.0.0.9"],
            }
        ],
        "errors": [],
    }


def test_an_alb_without_interfaces_is_an_error_and_nothing_is_removed() -> None:
    elbv2 = Elbv2({GROUP: {Target("10.0.0.1", 80): "healthy"}})
    with pytest.raises(RunFailedError, match=r"ELB app/notes/0123456789abcdef.*vpc-01234567"):
        run(Settings.read(ENVIRONMENT), Ec2([]), elbv2)
    assert elbv2.called == []


def test_interfaces_that_cannot_be_listed_are_an_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    elbv2 = Elbv2({GROUP: {}})
    with pytest.raises(RunFailedError, match="describe_network_interfaces: throttled"):
        run(Settings.read(ENVIRONMENT), Ec2([], RuntimeError("throttled")), elbv2)
    assert json.loads(capsys.readouterr().out)["errors"] == [
        "describe_network_interfaces: throttled"
    ]


@pytest.mark.parametrize(
    ("operation", "left"),
    [
        ("describe_target_health", {"10.0.0.1", "10.0.0.9"}),
        ("register_targets", {"10.0.0.1"}),  # the dead are not kept for it
        ("deregister_targets", {"10.0.0.1", "10.0.0.2", "10.0.0.9"}),
    ],
)
def test_one_failure_is_raised_after_everything_else_was_done(
    operation: str, left: set[str]
) -> None:
    old = {Target(address, 80): "healthy" for address in ("10.0.0.1", "10.0.0.9")}
    elbv2 = Elbv2(
        {GROUP: old, OTHER_GROUP: {}}, {(operation, GROUP): PermissionError("not allowed")}
    )
    with pytest.raises(RunFailedError, match=rf"^{operation} {GROUP}: not allowed$"):
        run(Settings.read(TWO_GROUPS), Ec2(["10.0.0.1", "10.0.0.2"]), elbv2)
    assert elbv2.serving(OTHER_GROUP) == {Target("10.0.0.1", 443), Target("10.0.0.2", 443)}
    assert {target.address for target in elbv2.serving(GROUP)} == left


def test_nothing_is_removed_when_no_live_address_could_be_registered() -> None:
    elbv2 = Elbv2(
        {GROUP: {Target("10.0.0.9", 80): "healthy", Target("10.0.0.1", 80): "draining"}},
        {("register_targets", GROUP): PermissionError("not allowed")},
    )
    with pytest.raises(RunFailedError, match="not allowed"):
        run(Settings.read(ENVIRONMENT), Ec2(["10.0.0.1"]), elbv2)
    assert elbv2.serving(GROUP) == {Target("10.0.0.9", 80)}


def test_an_unknown_target_group_is_named() -> None:
    with pytest.raises(RunFailedError, match=f"not found: {GROUP}"):
        run(Settings.read(ENVIRONMENT), Ec2(["10.0.0.1"]), Elbv2({}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOAD_BALANCER_ARN", None),
        ("LOAD_BALANCER_ARN", ""),
        ("LOAD_BALANCER_ARN", ALB.replace("/app/", "/net/")),
        ("VPC_ID", None),
        ("VPC_ID", "10.0.0.0/16"),
        ("TARGET_GROUPS", None),
        ("TARGET_GROUPS", GROUP),
        ("TARGET_GROUPS", f"{GROUP}=http"),
        ("TARGET_GROUPS", f"{GROUP}=0"),
        ("TARGET_GROUPS", f"{GROUP}=65536"),
        ("TARGET_GROUPS", f"{GROUP}=80,"),
        ("MAX_REMOVALS", "-1"),
        ("MAX_REMOVALS", "all"),
    ],
)
def test_a_bad_variable_is_named_with_its_value(name: str, value: str | None) -> None:
    environment: dict[str, str | None] = {**ENVIRONMENT, name: value}
    given = {key: text for key, text in environment.items() if text is not None}
    with pytest.raises(SettingError) as caught:
        Settings.read(given)
    assert str(caught.value).startswith(f"{name}={value!r}: expected ")


def test_the_file_ships_alone() -> None:
    """Nothing but the standard library and what the Lambda runtime has."""
    source = Path(index.__file__).read_text(encoding="utf-8")
    modules = {
        module.split(".")[0]
        for node in ast.walk(ast.parse(source))
        for module in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or "."]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert modules - set(sys.stdlib_module_names) == {"boto3", "botocore"}
