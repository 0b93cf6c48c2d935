"""The handler as Lambda calls it: it follows the interfaces, and names what is wrong with its settings."""

import json
from types import ModuleType

import pytest
from tests.functional.registrar.conftest import Account


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
