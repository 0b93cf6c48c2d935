"""What the resource types claim, against the registry's own schemas and against what underpass emits."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import cfnlint
import pytest
from tests.unit.blueprint.configs import CURATED

from underpass.blueprint import stacks
from underpass.twin import services
from underpass.twin.region.aws import Clients
from underpass.twin.region.context import Region
from underpass.twin.region.reconcile import ChangeFeed
from underpass.twin.services.cloudformation.registry import registry
from underpass.twin.services.cloudformation.resource_type import known_as

SCHEMAS = Path(cfnlint.__file__).parent / "data" / "schemas"
REGION = Region("us-east-1", Clients("http://127.0.0.1:1", "us-east-1"), ChangeFeed(), Path())
RESOURCE_TYPES = registry(REGION, services)


@cache
def index() -> dict[str, str]:
    text = (SCHEMAS / "providers" / "us-east-1.json").read_text(encoding="utf-8")
    names: dict[str, str] = json.loads(text)
    return names


@cache
def schema(type_: str) -> dict[str, Any]:
    """Return a type's schema as CloudFormation's registry publishes it (cfn-lint ships a copy)."""
    path = SCHEMAS / "resources" / f"{index()[type_]}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def listed(type_: str, key: str) -> set[str]:
    """Return the top-level properties a schema lists under ``key``."""
    paths = (path.removeprefix("/properties/") for path in schema(type_).get(key, []))
    return {path for path in paths if "/" not in path}


@pytest.mark.parametrize("type_", sorted(RESOURCE_TYPES))
def test_claims_agree_with_the_registry(type_: str) -> None:
    resource_type = RESOURCE_TYPES[type_]
    claimed = resource_type.honoured | resource_type.inert
    settable = set(schema(type_)["properties"]) - listed(type_, "readOnlyProperties")
    assert claimed <= settable
    assert not resource_type.honoured & resource_type.inert
    fixed = listed(type_, "createOnlyProperties")
    sometimes = listed(type_, "conditionalCreateOnlyProperties")
    assert fixed & claimed <= resource_type.replaces <= fixed | sometimes
    assert set(schema(type_).get("required", [])) <= claimed


def emitted() -> set[tuple[str, str]]:
    return {
        (resource["Type"], name)
        for config in CURATED.values()
        for stack in stacks(config)
        for resource in stack.template["Resources"].values()
        for name in resource.get("Properties", {})
    }


def test_every_property_underpass_emits_is_honoured_or_inert() -> None:
    ignored = {
        f"{type_}.{name}"
        for type_, name in emitted()
        if known_as(type_) not in RESOURCE_TYPES or RESOURCE_TYPES[known_as(type_)].ignored([name])
    }
    assert ignored == set()
