"""Every policy document, against AWS's own reference of actions, resources and conditions."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.templates import reference
from tests.templates.checkov import PYTHON
from tests.templates.documents import Document, documents

ELEMENTS = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
# Services that assume a role, or use a resource, for nobody but the account they run in.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
WITHOUT_DEPUTY = {"ec2.amazonaws.com", "lambda.amazonaws.com"}
MUTE = ("events.amazonaws.com", "sns:Publish")  # EventBridge sets no condition key towards SNS
GUARDS = {"aws:SourceAccount", "aws:SourceArn", "kms:EncryptionContext:aws:logs:arn"}
LINTER = Path(__file__).resolve().parents[1] / "parliament_findings.py"


def allowed(*kinds: str) -> Iterator[tuple[Document, dict[str, Any]]]:
    for document in documents():
        if document.kind in kinds:
            for statement in document.statements:
                if statement["Effect"] == "Allow":
                    yield document, statement


def test_documents_have_the_grammar_their_place_asks_for() -> None:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
    assert len(documents()) > 10
    for document in documents():
        assert set(json.loads(document.text)) <= {"Version", "Id", "Statement"}
        assert json.loads(document.text)["Version"] == "2012-10-17"
        sids = [statement["Sid"] for statement in document.statements if "Sid" in statement]
        assert len(sids) == len(set(sids)), str(document)
        for statement in document.statements:
            assert set(statement) <= ELEMENTS, str(document)
            assert statement["Effect"] in ("Allow", "Deny")
            assert statement["Action"], str(document)
            assert ("Principal" in statement) == (document.kind != "identity"), str(document)
            assert "Resource" not in statement or document.kind != "trust"
            assert "Resource" in statement or document.kind != "identity"


def test_actions_exist() -> None:
    unknown = {
        (str(document), action)
        for document in documents()
        for statement in document.statements
        for action in statement["Action"]
        if "*" not in action and not reference.exists(action)
    }
    assert unknown == set()


def test_no_role_is_allowed_a_family_of_actions() -> None:
    assert {
        (str(document), action)
        for document, statement in allowed("identity", "trust")
        for action in statement["Action"]
        if "*" in action
    } == set()


def test_a_resource_opens_all_its_actions_to_its_own_account_only() -> None:
    """A key must name its account as administrator; nobody else is given a whole service."""
    for document, statement in allowed("resource"):
        if any("*" in action for action in statement["Action"]):
            condition = json.dumps(statement.get("Condition", {}))
            own = statement["Principal"] == {"AWS": "arn:aws:iam::111111111111:root"}
            assert own or "aws:PrincipalAccount" in condition, str(document)


def test_nothing_is_allowed_on_every_resource_that_could_be_on_one() -> None:
    wide = {
        f"{document}: {action}"
        for document, statement in allowed("identity")
        if "*" in statement["Resource"]
        for action in statement["Action"]
        if reference.resources(action) and not _narrowed(statement, action)
    }
    assert wide == set()


def _narrowed(statement: dict[str, Any], action: str) -> bool:
    """Return whether a condition of the action's own service says which ARN, as ecs:cluster does."""
    service = action.split(":", maxsplit=1)[0]
    return any(
        key.startswith(f"{service}:")
        and operator.startswith("Arn")
        and all(value.count("*") == 0 for value in _listed(found))
        for operator, keys in statement.get("Condition", {}).items()
        for key, found in keys.items()
    )


def test_every_action_fits_a_resource_of_its_statement() -> None:
    dead = {
        f"{document}: {action} on {statement['Resource']}"
        for document, statement in allowed("identity")
        for action in statement["Action"]
        if "*" not in statement["Resource"]
        and not any(
            reference.could_match(resource, pattern)
            for resource in statement["Resource"]
            for pattern in reference.resources(action)
        )
    }
    assert dead == set()


def test_conditions_are_on_keys_the_actions_know() -> None:
    unknown = {
        f"{document}: {key} with {action}"
        for document in documents()
        for statement in document.statements
        for keys in statement.get("Condition", {}).values()
        for key in keys
        for action in statement["Action"]
        if "*" not in action and not reference.knows_key(action, key)
    }
    assert unknown == set()


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_services_act_for_this_account_only() -> None:
    """No confused deputy: whoever lets a service in says for which account, or for which resource."""
    open_to_deputies = {
        f"{document}: {service}"
        for document, statement in allowed("trust", "resource")
        if statement["Principal"] != "*"
        for service in _listed(statement["Principal"].get("Service", []))
        if service not in WITHOUT_DEPUTY
        and (service, *statement["Action"]) != MUTE
        and not GUARDS & {key for keys in statement.get("Condition", {}).values() for key in keys}
    }
    assert open_to_deputies == set()


def test_parliament_finds_nothing() -> None:
    """A second linter, for what roles may do; of other documents it does not know the grammar."""
    assert PYTHON.exists(), "make .venv-checkov/.ready"
    roles = [one for one in documents() if one.kind == "identity"]
    # A document that is wrong in a known way shows that it looks.
    wrong = """{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket"}]}"""
    done = subprocess.run(
        [PYTHON, LINTER],
        input=json.dumps([wrong, *(one.text for one in roles)]),
        capture_output=True,
        text=True,
        check=True,
    )
    known_wrong, *found = json.loads(done.stdout)
    assert known_wrong[0].startswith("RESOURCE_MISMATCH")
    assert {str(one): has for one, has in zip(roles, found, strict=True) if has} == {}
