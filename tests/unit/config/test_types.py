"""The patterns of the kinds, each from both sides."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from underpass.config import types

DIGEST = "@sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "image",
    [
        "nginx",
        "nginx:1.27",
        f"nginx{DIGEST}",
        f"nginx:1.27{DIGEST}",
        "library/nginx:RC_1.a-b",
        "ghcr.io/team/notes:v1",
        "localhost:5000/x",
        "public.ecr.aws/docker/library/nginx:1.27",
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/notes__a-b.c:1",
        "Registry.example/notes",
    ],
)
def test_references_of_images_pass(image: str) -> None:
    assert TypeAdapter(types.Image).validate_python(image) == image


@pytest.mark.parametrize(
    "image",
    [
        "",
        "Nginx",
        "nginx:",
        "nginx:a b",
        "nginx:1.27\n",
        "https://ghcr.io/notes",
        "ghcr.io/Notes",
        "a//b",
        "/a",
        "a/",
        "nginx@sha256:123",
        "a:5000:1",
        f"nginx:{'a' * 129}",
        "${IMAGE}",
    ],
)
def test_other_text_is_no_image(image: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(types.Image).validate_python(image)


@pytest.mark.parametrize("domain", ["notes.xn--p1ai", "xn--e1afmkfd.xn--80asehdb", "a.internal"])
def test_domains_of_every_script_pass(domain: str) -> None:
    assert TypeAdapter(types.Domain).validate_python(domain) == domain


@pytest.mark.parametrize("domain", ["notes.xn--", "notes.xn--a-", "notes.x1", "notes"])
def test_what_ends_in_no_top_level_domain_is_no_domain(domain: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(types.Domain).validate_python(domain)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (types.Account, "\u0661" * 12),  # digits, and not ours
        (types.Version, "\u0661\u0666"),
        (types.RegionName, "us-east-\u0661"),
        (types.Mount, "/d\u00e4ta"),
        (types.Role, "arn:aws:iam::222222222222:role/\u00e4"),
        (types.Principal, "arn:aws:iam::22222222222\u0662:root"),
        (types.Certificate, "arn:aws:acm:us-east-1:111111111111:certificate/\u00e4"),
    ],
)
def test_digits_and_letters_are_those_aws_means(kind: Any, value: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(value)
