"""What was made faster does what botocore itself does: compared with a second copy of its modules."""

from __future__ import annotations

import importlib.util
from types import ModuleType
from typing import Any

import botocore.hooks
import botocore.loaders
import pytest
from botocore.exceptions import DataNotFoundError, UnknownServiceError
from hypothesis import given
from hypothesis import strategies as st

from underpass.twin.region import botocore_speed


def _untouched(module: ModuleType) -> Any:
    """Return a module as botocore ships it."""
    spec = importlib.util.spec_from_file_location(module.__name__, str(module.__file__))
    assert spec
    assert spec.loader
    copy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(copy)
    return copy


botocore_speed.improve()
HOOKS, LOADERS = _untouched(botocore.hooks), _untouched(botocore.loaders)
OLD = sorted(HOOKS.EVENT_ALIASES)
PARTS = st.sampled_from([*OLD, "before-call", "ec2", "docs", "iot", "DescribeVpcs", "data"])


@given(st.lists(PARTS, min_size=1, max_size=5).map(".".join))
def test_an_event_has_the_name_it_had(event: str) -> None:
    def named(module: Any) -> str:
        return str(module.EventAliaser(module.HierarchicalEmitter())._alias_event_name(event))

    assert named(botocore.hooks) == named(HOOKS)


@pytest.mark.parametrize("old", OLD)
def test_every_alias_is_known(old: str) -> None:
    aliaser = botocore.hooks.EventAliaser(botocore.hooks.HierarchicalEmitter())
    new = botocore.hooks.EVENT_ALIASES[old]
    assert aliaser._alias_event_name(f"before-call.{old}.Do") == f"before-call.{new}.Do"


def test_the_services_are_those_there_were() -> None:
    ours = botocore.loaders.create_loader().list_available_services(type_name="service-2")
    assert ours == LOADERS.create_loader().list_available_services(type_name="service-2")


def test_what_is_not_there_is_refused_as_before() -> None:
    loader = botocore.loaders.create_loader()
    with pytest.raises(UnknownServiceError, match=r"nonesuch.*ec2"):
        loader.load_service_model("nonesuch", "service-2")
    with pytest.raises(DataNotFoundError):
        loader.load_service_model("sts", "waiters-2")


@pytest.mark.parametrize("kind", ["service-2", "endpoint-rule-set-1"])
def test_a_description_is_read_as_it_was(kind: str) -> None:
    ours = botocore.loaders.create_loader().load_service_model("sts", kind)
    assert ours == LOADERS.create_loader().load_service_model("sts", kind)
