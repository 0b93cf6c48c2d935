"""The handler as Lambda calls it: it follows the interfaces, and names what is wrong with its settings."""

import json
import time
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from moto.ec2.models import ec2_backends
from tests.functional.registrar.conftest import ACCOUNT, REGION, Account, a_minute_later


def test_the_handler_follows_the_interfaces(
    registrar: ModuleType, account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = account.interface(0), account.interface(1)
    account.interface(0, account.description.replace("/notes/", "/others/"))
    account.interface(1, elbs=False)

    registrar.handler({}, None)
    assert account.targets() == {first["PrivateIpAddress"], second["PrivateIpAddress"]}

    account.delete(first)
    registrar.handler({}, None)
    assert account.targets() == {first["PrivateIpAddress"], second["PrivateIpAddress"]}
    a_minute_later(registrar)
    registrar.handler({}, None)
    assert account.targets() == {second["PrivateIpAddress"]}

    for line in capsys.readouterr().out.splitlines():
        said = json.loads(line)
        assert (said["Success"], said["errors"], len(said["ignored"])) == (1, [], 1)


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("LOAD_BALANCER_ARN", "0"),
        ("VPC_ID", "0"),
        ("TARGET_GROUPS", "1"),  # port 801
        (
            "TARGET_GROUPS",
            ",arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/x/0=80",
        ),
    ],
)
def test_what_leads_nowhere_is_named_with_its_value(
    registrar: ModuleType,
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    ending: str,
) -> None:
    account.interface(0)
    monkeypatch.setenv(name, account.environment[name] + ending)
    with pytest.raises(registrar.RunFailedError) as caught:
        registrar.handler({}, None)
    assert f"{name}=" in str(caught.value)
    assert (account.environment[name] + ending).rsplit(",", 1)[-1] in str(caught.value)


def test_a_missing_variable_is_named(
    registrar: ModuleType, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TARGET_GROUPS")
    with pytest.raises(registrar.SettingError, match="TARGET_GROUPS=None: expected"):
        registrar.handler({}, None)


def test_a_botocore_that_does_not_take_our_description_of_ec2_brings_its_own(
    registrar: ModuleType, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses() -> dict[str, Any]:
        raise TypeError("a later botocore's")

    monkeypatch.setattr(registrar, "ec2_api", refuses)
    for made in (registrar.client, registrar.session):
        made.cache_clear()
    node = account.interface(0)
    registrar.handler({}, None)
    assert account.targets() == {node["PrivateIpAddress"]}
    assert hasattr(registrar.client("ec2"), "describe_vpcs")


def test_an_event_looks_again_for_a_node_that_was_not_attached_yet(
    registrar: ModuleType, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = account.interface(0)
    registrar.handler({}, None)
    made = account.interface(1)
    slept: list[float] = []

    def attached(seconds: float) -> None:
        slept.append(seconds)
        interfaces = ec2_backends[ACCOUNT][REGION].enis
        interfaces[made["NetworkInterfaceId"]].status = "in-use"

    told = SimpleNamespace(time=time.time, monotonic=time.monotonic, sleep=attached)
    monkeypatch.setattr(registrar, "time", told)
    registrar.handler({"Records": [{"body": '"CreateNetworkInterface"'}]}, None)
    assert slept == [1.5]
    assert account.targets() == {first["PrivateIpAddress"], made["PrivateIpAddress"]}
