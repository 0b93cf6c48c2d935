"""The reference file and the schema say what the model says: each key, each default."""

import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from underpass.config import explain, tables
from underpass.config.loader import parse
from underpass.config.model import Config
from underpass.config.reference import application, reference, schema

REFERENCE = files("underpass.config").joinpath("reference.toml").read_text()
EVERYTHING = tomllib.loads(re.sub(r"^#(?=[a-z\[])", "", REFERENCE, flags=re.MULTILINE))
FREE = {
    "environment",
    "secrets",
    "conditions",
    "depends_on",
    "parameters",
}  # whose keys are the user's own


def _leaves(value: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, inner in value.items():
        yield (*at, key), inner
        inner = inner[0] if (*at, key) in tables.repeated() and inner else inner
        if isinstance(inner, dict) and key not in FREE:
            yield from _leaves(inner, (*at, key))


def test_it_is_valid_as_it_stands() -> None:
    config, problems = parse(REFERENCE, Path("underpass.toml"))
    assert not problems
    assert config


def test_with_every_line_in_use_only_what_is_instead_of_another_key_contradicts_it() -> None:
    text = re.sub(r"^#(?=[a-z\[])", "", REFERENCE, flags=re.MULTILINE)
    _, problems = parse(text, Path("underpass.toml"))
    assert [problem.key for problem in problems] == [
        *("service.image", "service.sidecars[0].image", "capacity.architecture"),
        *("network.allow_out[0]", "database.version", "alarms.email"),
        *("consumers[0].cidrs", "consumers[0].role"),
    ]


def test_every_key_stands_in_it() -> None:
    assert {path for path, _ in _leaves(EVERYTHING)} == {
        (*section, key) for section, key in explain.every_key()
    }


def test_a_key_that_has_a_default_stands_there_with_it() -> None:
    defaults = Config.model_validate(
        {
            "name": "notes",
            "service": {"port": 8000},
            "database": {},
            "files": {},
            "consumers": [{"name": "analytics"}],
            "jobs": [
                {
                    "name": "report",
                    "command": ["python", "-m", "app.report"],
                    "schedule": "cron(0 5 * * ? *)",
                }
            ],
        }
    ).model_dump(mode="json")
    written = dict(_leaves(EVERYTHING))
    for path, default in _leaves(defaults):
        if (
            default is not None
            and path not in tables.repeated()
            and not (default and type(default) is dict)
        ):
            examples_of_lists = path[-1] in {
                *("subnet_ids", "app_subnets", "data_subnets", "allow_out", "cidrs", "sidecars"),
                "permissions",
            }
            assert written[path] == default or examples_of_lists, path


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("42 My_Shop2", "my-shop2"),
        ("x", "app"),
        ("", "app"),
        ("aws-app", "app-aws-app"),
        ("ECS", "app-ecs"),
        ("fargate" + "-x" * 20, "app-fargate-x-x-x-x-x-x-x-x-x-x"),
        ("ec2", "app-ec2"),
        ("compute", "app-compute"),
    ],
)
def test_an_application_is_called_after_its_folder_as_far_as_that_is_allowed(
    folder: str, name: str
) -> None:
    assert application(folder) == name
    assert parse(reference(name), Path("underpass.toml"))[1] == ()


@pytest.mark.parametrize("text", [REFERENCE, 'name = "ab"\n[service]\nport = 1\nimage = "x"'])
def test_the_schema_accepts_what_the_loader_accepts(text: str) -> None:
    jsonschema.validate(tomllib.loads(text), schema())


@pytest.mark.parametrize(
    "change", [{"folder": "/"}, {"nam": "x"}, {"name": "N"}, {"network": {"cidr": "10/8"}}]
)
def test_the_schema_refuses_what_the_loader_refuses(change: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**tomllib.loads(REFERENCE), **change}, schema())
