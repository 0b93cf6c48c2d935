"""A function's role has to let Lambda assume it, when the function is made and when its role is changed."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.functional.api.test_authorization import ACCOUNT, REGION, At
from tests.trust import trusting

from underpass.twin.api import patch
from underpass.twin.services.lambda_ import patches

WORDS = "The role defined for the function cannot be assumed by Lambda."


@pytest.fixture(scope="module")
def at() -> At:
    at = At()
    patch.apply(patches)
    return at


def role(at: At, trust: str) -> str:
    name = f"f-{uuid.uuid4().hex[:8]}"
    made = at.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    return str(made["Role"]["Arn"])


def create(at: At, role_arn: str, name: str = "") -> str:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("index.py", "")
    name = name or f"f-{uuid.uuid4().hex[:8]}"
    at.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Role=role_arn,
        Code={"ZipFile": package.getvalue()},
    )
    return name


def only_for(**keys: str) -> str:
    trust: dict[str, Any] = json.loads(trusting("lambda"))
    trust["Statement"]["Condition"] = {"ArnLike": {"aws:SourceArn": keys["source"]}}
    return json.dumps(trust)


@pytest.mark.parametrize("trust", [trusting("ecs-tasks"), "{}", trusting("edgelambda")])
def test_a_role_that_does_not_trust_lambda(at: At, trust: str) -> None:
    with pytest.raises(ClientError, match=WORDS) as caught:
        create(at, role(at, trust))
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"


def test_a_role_that_is_not_there(at: At) -> None:
    with pytest.raises(ClientError, match=WORDS):
        create(at, f"arn:aws:iam::{ACCOUNT}:role/nobody")
    with pytest.raises(ClientError, match="failed to satisfy constraint"):
        create(at, "nobody")


def test_a_role_that_is_for_one_function(at: At) -> None:
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:only"
    assert create(at, role(at, only_for(source=arn)), "only") == "only"
    with pytest.raises(ClientError, match=WORDS):
        create(at, role(at, only_for(source=arn)), "other")


def test_a_functions_role_is_changed_to_one_that_trusts_lambda(at: At) -> None:
    name = create(at, role(at, trusting("lambda")))
    change = at.client("lambda").update_function_configuration
    with pytest.raises(ClientError, match=WORDS):
        change(FunctionName=name, Role=role(at, trusting("ecs-tasks")))
    change(FunctionName=name, Role=role(at, trusting("lambda")))
    change(FunctionName=name, Timeout=5)
