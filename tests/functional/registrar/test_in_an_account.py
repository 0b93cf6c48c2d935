"""``underpass registrar run --target aws``: the command as a user has it, against an account's APIs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.functional.registrar.conftest import REGION

UNDERPASS = str(Path(sys.executable).with_name("underpass"))
NAME = "ledger"
TOML = f"""
name = "{NAME}"
region = "{REGION}"
[service]
image = "registry.example/ledger:1"
port = 8000
health_check = "/healthz"
"""
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}


@pytest.fixture(scope="module")
def account() -> Iterator[dict[str, Any]]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.functional.registrar.an_account", NAME],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a line for each request
        text=True,
        env={**os.environ, **KEYS},
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield json.loads(process.stdout.readline())
        process.stdin.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "underpass.toml").write_text(TOML)
    return tmp_path


def run(folder: Path, url: str, *options: str, **variables: str) -> tuple[int, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    nobody = {"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(folder)}
    done = subprocess.run(
        [UNDERPASS, "registrar", "run", "--target", "aws", *options],
        cwd=folder,
        env={**clean, **nobody, "AWS_ENDPOINT_URL": url, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_it_tells_what_it_would_do_and_then_does_it(account: dict[str, Any], folder: Path) -> None:
    url, target = account["url"], f"{account['address']}:80"
    elbv2 = boto3.client(
        "elbv2",
        REGION,
        endpoint_url=url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )

    def registered() -> set[str]:
        found = elbv2.describe_target_health(TargetGroupArn=account["group"])
        return {one["Target"]["Id"] for one in found["TargetHealthDescriptions"]}

    status, said = run(folder, url, "--dry-run", **KEYS)
    assert (status, registered()) == (0, set()), said
    assert f"would register  {target}  (new)" in said
    status, said = run(folder, url, "--json", **KEYS)
    assert status == 0
    assert json.loads(said)["target_groups"][0]["registered"] == {target: "new"}
    assert registered() == {account["address"]}
    assert "nothing to do" in run(folder, url, **KEYS)[1]


def test_another_application_is_not_deployed_there(account: dict[str, Any], folder: Path) -> None:
    file = folder / "underpass.toml"
    file.write_text(TOML.replace(NAME, "payroll"))
    status, said = run(folder, account["url"], **KEYS)
    assert status == 1
    assert "the registrar is not deployed" in said
    assert "payroll-path" in said


def test_without_credentials_it_says_what_is_missing(account: dict[str, Any], folder: Path) -> None:
    status, said = run(folder, account["url"])
    assert status == 1
    assert "credentials" in said
    assert "Traceback" not in said
    status, said = run(folder, account["url"], AWS_PROFILE="nonesuch")
    assert status == 1
    assert "nonesuch" in said
