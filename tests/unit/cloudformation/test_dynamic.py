from typing import Any

import pytest

from underpass.cloudformation.dynamic import Secret, Stored, substitute
from underpass.cloudformation.errors import TemplateError

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{resolve:secretsmanager:db}}", Secret("db")),
        ("{{resolve:secretsmanager:db:SecretString}}", Secret("db")),
        ("{{resolve:secretsmanager:db:SecretString:password}}", Secret("db", "password")),
        (
            "{{resolve:secretsmanager:db:SecretString:password:AWSPREVIOUS}}",
            Secret("db", "password", "AWSPREVIOUS"),
        ),
        (
            "{{resolve:secretsmanager:db:SecretString:password::v1}}",
            Secret("db", "password", "", "v1"),
        ),
        ("{{resolve:secretsmanager:" + ARN + ":SecretString:password::}}", Secret(ARN, "password")),
        ("{{resolve:secretsmanager:" + ARN + "}}", Secret(ARN)),
        ("{{resolve:ssm:/a/b}}", Stored("/a/b")),
        ("{{resolve:ssm:/a/b:3}}", Stored("/a/b", 3)),
        ("{{resolve:ssm-secure:pw:1}}", Stored("pw", 1, secure=True)),
    ],
)
def test_references_are_taken_apart(text: str, expected: Secret | Stored) -> None:
    asked: list[Secret | Stored] = []

    def look_up(found: Secret | Stored) -> str:
        asked.append(found)
        return "X"

    assert substitute({"a": [f"<{text}>"]}, look_up) == {"a": ["<X>"]}
    assert asked == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "{{resolve:vault:x}}",
        "{{resolve:ssm:}}",
        "{{resolve:secretsmanager:}}",
        "{{resolve:secretsmanager:db:SecretBinary}}",
        "{{resolve:secretsmanager:db:SecretString:k:stage:version}}",
        "{{resolve:secretsmanager:db:SecretString:k:s::x}}",
    ],
)
def test_malformed_references_are_quoted(text: str) -> None:
    with pytest.raises(TemplateError) as refused:
        substitute(text, lambda _: "")
    assert text in str(refused.value)


@pytest.mark.parametrize("value", ["plain", "{{not one}}", 3, None, True, {"a": ["b"]}])
def test_everything_else_stays(value: Any) -> None:
    assert substitute(value, lambda _: "X") == value


def test_several_in_one_text() -> None:
    found = {"a": "1", "b": "2"}
    text = "{{resolve:ssm:a}}-{{resolve:ssm:b}}"
    assert substitute(text, lambda item: found[getattr(item, "name", "")]) == "1-2"
