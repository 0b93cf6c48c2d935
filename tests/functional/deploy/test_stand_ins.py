"""The twin's stand-ins for secrets, parameters and policies: of ``.env``, and never of what is the user's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from underpass.blueprint.service.secrets import VERSIONS
from underpass.config.model import Config
from underpass.config.model.secrets import replaced
from underpass.deploy import secret_versions
from underpass.errors import UsageError
from underpass.twin.host import stand_in_policies, stand_in_secrets

KEY = "arn:aws:secretsmanager:us-east-1:111111111111:secret:notes/key-AbCdEf"
OTHERS = KEY.replace("111111111111", "222222222222")
Client = Callable[[str], Any]


def config(folder: Path, policies: list[str] | None = None, /, **secrets: str) -> Config:
    service = {"port": 80, "build": ".", "secrets": secrets, "policies": policies or []}
    return Config.model_validate({"name": "notes", "service": service, "folder": folder})


def ensure(client: Client, one: Config, *, make: bool = True) -> tuple[Config, tuple[str, ...]]:
    clients: Any = client
    found, told = stand_in_secrets.ensure(clients, one, make=make)
    return one.model_copy(update={"service": replaced(one.service, found)}), told


def held(client: Client, name: str, **which: str) -> str:
    return str(client("secretsmanager").get_secret_value(SecretId=name, **which)["SecretString"])


def version(client: Client, one: Config) -> str:
    return secret_versions.current(client, one, {})[VERSIONS]


def test_a_sidecars_secret_stands_beside_the_applications(client: Client, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\nTOKEN=2\n")
    beside = {
        "name": "otel",
        "image": "otel:1",
        "secrets": {"TOKEN": "ssm:/otel/t", "A": f"{KEY}:a::"},
    }
    service = {"port": 80, "build": ".", "secrets": {"A": f"{KEY}:a::"}, "sidecars": [beside]}
    asked = Config.model_validate({"name": "notes", "service": service, "folder": tmp_path})
    one, told = ensure(client, asked)
    assert told == ()
    assert json.loads(held(client, "notes/key")) == {"a": "1"}
    assert (
        client("ssm").get_parameter(Name="/otel/t", WithDecryption=True)["Parameter"]["Value"]
        == "2"
    )
    arn = client("secretsmanager").describe_secret(SecretId="notes/key")["ARN"]
    assert one.service.secrets == {"A": f"{arn}:a::"}
    assert one.service.sidecars[0].secrets == {"TOKEN": "ssm:/otel/t", "A": f"{arn}:a::"}
    assert one.service.sidecars[0].name == "otel"


def test_one_secret_has_all_the_keys_that_are_named(client: Client, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\n")
    one, told = ensure(
        client, config(tmp_path, A=f"{KEY}:a::", B=f"{KEY}:b", C=f"{KEY}:a:AWSCURRENT:")
    )
    value = json.loads(held(client, "notes/key"))
    assert value["a"] == "1"
    assert len(value["b"]) > 20
    assert told[0].startswith("the twin has no value of B, so a random value stands in")
    arn = client("secretsmanager").describe_secret(SecretId="notes/key")["ARN"]
    assert one.service.secrets == {
        "A": f"{arn}:a::",
        "B": f"{arn}:b::",
        "C": f"{arn}:a:AWSCURRENT:",
    }
    (tmp_path / ".env").write_text("A=2\n")
    assert ensure(client, config(tmp_path, A=f"{KEY}:a::", B=f"{KEY}:b"))[1] == ()
    assert json.loads(held(client, "notes/key")) == value | {"a": "2"}


def test_versions_are_by_label_and_by_id(client: Client, tmp_path: Path) -> None:
    number = "01234567-0123-0123-0123-0123456789ab"
    (tmp_path / ".env").write_text("NOW=1\nBEFORE=2\nTHAT=3\n")
    named = {"NOW": KEY, "BEFORE": f"{KEY}::AWSPREVIOUS:", "THAT": f"{KEY}:::{number}"}
    ensure(client, config(tmp_path, **named))
    assert held(client, "notes/key") == "1"
    assert held(client, "notes/key", VersionStage="AWSPREVIOUS") == "2"
    assert held(client, "notes/key", VersionId=number) == "3"


def test_two_accounts_may_have_secrets_of_one_name(client: Client, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\nB=2\n")
    ensure(client, config(tmp_path, A=KEY, B=OTHERS))
    assert held(client, "notes/key") == "1"
    assert held(client, "notes/key/us-east-1/222222222222") == "2"


def test_a_parameter_is_encrypted_and_named_as_it_is(client: Client, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\n")
    there = "arn:aws:ssm:us-east-1:111111111111:parameter/colour"
    one, told = ensure(client, config(tmp_path, A="ssm:/notes/level", B=there))
    assert one.service.secrets == {"A": "ssm:/notes/level", "B": "ssm:colour"}
    found = client("ssm").get_parameter(Name="/notes/level", WithDecryption=True)["Parameter"]
    assert (found["Value"], found["Type"]) == ("1", "SecureString")
    assert "no value of B" in told[0]


def test_the_users_own_are_left_alone(client: Client, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\nB=2\n")
    client("secretsmanager").create_secret(Name="notes/key", SecretString="mine")
    client("ssm").put_parameter(Name="/notes/level", Value="mine", Type="String")
    assert ensure(client, config(tmp_path, A=KEY, B="ssm:/notes/level"))[1] == ()
    assert held(client, "notes/key") == "mine"
    assert client("ssm").get_parameter(Name="/notes/level")["Parameter"]["Value"] == "mine"


@pytest.mark.parametrize("what", [":key::", "::AWSPENDING:"])
def test_the_users_own_have_to_have_what_is_named(
    client: Client, tmp_path: Path, what: str
) -> None:
    client("secretsmanager").create_secret(Name="notes/key", SecretString='{"other": "x"}')
    with pytest.raises(UsageError, match="the twin's secret notes/key has no"):
        ensure(client, config(tmp_path, A=f"{KEY}{what}"))


@pytest.mark.parametrize(
    ("lines", "named", "expected"),
    [
        ("A=1\nB=2\n", {"A": KEY, "B": KEY}, "A and B are the same secret"),
        ("A=\n", {"A": KEY}, "A is empty"),
        ("A=1\n", {"A": KEY, "B": f"{KEY}:b::"}, ".env has no JSON key b"),
    ],
)
def test_a_file_that_contradicts_itself_is_told(
    client: Client, tmp_path: Path, lines: str, named: dict[str, str], expected: str
) -> None:
    (tmp_path / ".env").write_text(lines)
    with pytest.raises(UsageError, match=expected):
        ensure(client, config(tmp_path, **named))


def test_a_plan_makes_nothing_and_reads_no_file(client: Client, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("no line")
    one = config(tmp_path, A=KEY, B="ssm:/notes/level")
    assert ensure(client, one, make=False) == (one, ())
    assert client("secretsmanager").list_secrets()["SecretList"] == []
    (tmp_path / ".env").unlink()
    made = ensure(client, one)[0]
    assert ensure(client, one, make=False)[0] == made


def test_what_they_hold_is_one_word_that_changes_with_them(client: Client, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\nB=1\n")
    one = config(tmp_path, A=f"{KEY}:a::", B="ssm:/notes/level")
    made, _ = ensure(client, one)
    words = [version(client, made)]
    for lines in ("A=2\nB=1\n", "A=2\nB=2\n"):
        (tmp_path / ".env").write_text(lines)
        made, _ = ensure(client, one)
        words += [version(client, made)]
    assert len({*words}) == 3
    assert version(client, ensure(client, one)[0]) == words[-1]
    assert secret_versions.current(client, config(tmp_path), {}) == {}


def test_an_existing_databases_secret_is_among_what_is_looked_at(client: Client) -> None:
    manager = client("secretsmanager")
    made = manager.create_secret(Name="orders", SecretString="{}")["ARN"]
    existing = {"secret": made, "security_group": "sg-0123456789abcdef0"}
    service = {"port": 80, "build": "."}
    sections = {"name": "notes", "service": service, "database": {"existing": existing}}
    one = Config.model_validate(sections)
    before = version(client, one)
    assert version(client, one) == before
    manager.put_secret_value(SecretId="orders", SecretString='{"password": "other"}')
    assert version(client, one) != before


def test_what_may_not_be_looked_at_does_not_change(client: Client, tmp_path: Path) -> None:
    elsewhere = KEY.replace("us-east-1", "eu-west-1")
    assert len(version(client, config(tmp_path, A=KEY, B=elsewhere))) == 12


def test_policies_of_the_users_account_have_stand_ins(client: Client, tmp_path: Path) -> None:
    ours, awss = "arn:aws:iam::111111111111:policy/a/b", "arn:aws:iam::aws:policy/ReadOnlyAccess"
    clients: Any = client
    one = config(tmp_path, [ours, awss])
    for _ in range(2):
        found = stand_in_policies.ensure(clients, one, make=True)
        assert found == (ours.replace("111111111111", "123456789012"), awss)
    (policy,) = client("iam").list_policies(Scope="Local")["Policies"]
    assert (policy["Arn"], policy["Path"]) == (found[0], "/a/")
